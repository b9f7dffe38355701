"""Converts a version to ONNX, as a program of its own: `python -m mlmagic.serving.engines.converter FOLDER`.

The first line of its stdin says what to convert; when stdin ends, so does the program. Into FOLDER it writes
`model.onnx`, if all is well, and then `conversion.json`.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from mlmagic.runtime.signature import RefusedError
from mlmagic.serving.engines.agreement import DisagreementError, compare
from mlmagic.serving.engines.artifact import read_signature
from mlmagic.serving.engines.failures import failure_line
from mlmagic.serving.engines.samples import Sampler
from mlmagic.spec import codec
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.model import Signature
from mlmagic.spec.statistics import DatasetStatistics, SplitStatistics
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.layout import CONVERSION_RECORD, CONVERTED_MODEL

_KINDER = 10
_PASSING = frozenset({errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC})
"""What goes wrong for want of room."""


def main(argv: list[str]) -> int:
    """Convert, and write what became of it."""
    folder = Path(argv[1])
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Whoever asked is most likely serving meanwhile.
    os.nice(_KINDER)
    signature = codec.decode(Signature, request["signature"]) if request["signature"] else None
    record = convert(Path(request["artifact"]), folder, signature, _statistics(request["statistics"]))
    write_atomic(folder / CONVERSION_RECORD, codec.dumps(record))
    return 0


def convert(
    artifact: Path, folder: Path, signature: Signature | None, statistics: SplitStatistics | None
) -> ConversionRecord:
    """Write `model.onnx` into the folder, and return what is to be known of it, or why there is none."""
    model = folder / CONVERTED_MODEL
    try:
        return _convert(artifact, folder, signature, statistics)
    except (RefusedError, DisagreementError) as error:
        reason = str(error)
    except ModuleNotFoundError as error:
        reason = f'the package {error.name} is not installed: pip install "mlmagic[serve]"'
    except Exception as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in _PASSING:
            # What is written here is remembered; another time it may convert.
            raise
        reason = str(error) if type(error).__name__ == "NotConvertedError" else failure_line(error)
    model.unlink(missing_ok=True)
    return ConversionRecord(reason=reason)


def _convert(
    artifact: Path, folder: Path, signature: Signature | None, statistics: SplitStatistics | None
) -> ConversionRecord:
    found = read_signature(artifact)
    signature = signature or found
    _check_signature(signature)
    from mlmagic.serving.engines.onnx_graph import to_onnx
    from mlmagic.serving.engines.onnx_runtime import OnnxEngine
    from mlmagic.serving.engines.session import SessionEngine

    saved_model = artifact
    if artifact.suffix == ".keras":
        from mlmagic.serving.engines.keras_file import export_keras

        saved_model = folder / "exported"
        export_keras(artifact, found, saved_model)
    outputs, words = to_onnx(saved_model, signature.name, folder / CONVERTED_MODEL)
    other = OnnxEngine(folder / CONVERTED_MODEL, signature, outputs=outputs)
    with closing(SessionEngine(saved_model, signature)) as trusted:
        largest = compare(trusted, other, Sampler(signature, statistics, words))
        return ConversionRecord(max_difference=largest, outputs=outputs, signatures=trusted.signatures)


def _check_signature(signature: Signature) -> None:
    """Refuse what ONNX Runtime would have to be told otherwise: the other engine takes it as it is."""
    for tensor in (*signature.inputs, *signature.outputs):
        if tensor.dtype in {"bfloat16", "complex64", "complex128"}:
            raise DisagreementError(f"it has tensors of {tensor.dtype}")
    for tensor in signature.inputs:
        if not tensor.shape or tensor.shape[0] is not None:
            raise DisagreementError(f"its input {tensor.name!r} does not take any number of instances")
    if not signature.inputs:
        raise DisagreementError("it has no inputs")


def _statistics(path: str | None) -> SplitStatistics | None:
    if path is None:
        return None
    try:
        splits: Mapping[str, Any] = codec.loads(DatasetStatistics, Path(path).read_bytes()).splits
    except (OSError, codec.DecodeError):
        return None
    return splits.get("train")


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
