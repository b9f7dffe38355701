"""The serving process: `python -m mlmagic.serving.worker ARTIFACT FD PID [CONVERTED SIGNATURE]`.

FD is a socket to the kernel, PID the kernel's process; CONVERTED is the ONNX model that the artifact was converted to,
SIGNATURE the version's. It loads the model, says so or why not, and then answers one request after the other. It ends
with the connection, so with the kernel, however that died. What libraries print goes to the log that is its stdout and
stderr.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.serving import frames

if TYPE_CHECKING:
    from mlmagic.serving.engines.base import Engine
    from mlmagic.serving.gradients import GradientEngine
    from mlmagic.spec.model import Signature

_LOOK_AT_KERNEL_SECONDS = 2.0
_LONGEST_ERROR = 1000

Request = tuple[dict[str, Any], dict[str, Any]]


def main(argv: list[str]) -> int:
    """Serve until the kernel is gone."""
    artifact, connection = Path(argv[1]), socket.socket(fileno=int(argv[2]))
    # An interrupt is meant for the kernel's cell; the kernel itself ends this process if it does not wait any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, requests), daemon=True).start()
    threading.Thread(target=_end_with, args=(int(argv[3]),), daemon=True).start()
    engine = _start(artifact, connection, [Path(path) for path in argv[4:]])
    if engine is None:
        return 1
    gradients: GradientEngine | None = None
    while True:
        header, columns = requests.get()
        if "gradients" in header:
            gradients = _answer_gradients(connection, gradients or artifact, engine.signature, header, columns)
        else:
            _answer(connection, engine, header["id"], columns)


def _listen(connection: socket.socket, requests: queue.SimpleQueue[Request]) -> None:
    """Take requests as they come: the end of the connection is noticed even while the model runs."""
    while True:
        try:
            requests.put(frames.receive(connection))
        except (EOFError, OSError):
            os._exit(0)


def _end_with(kernel: int) -> None:
    """A child that the kernel forked may hold its end of the connection open when the kernel itself is dead."""
    # Its number may be given to another process, but not its place as the parent.
    while os.getppid() == kernel:
        time.sleep(_LOOK_AT_KERNEL_SECONDS)
    os._exit(0)


def _start(artifact: Path, connection: socket.socket, quicker: list[Path]) -> Engine | None:
    from mlmagic.runtime.signature import RefusedError
    from mlmagic.serving.engines.load import load_engine
    from mlmagic.spec.codec import encode

    try:
        engine = (_load_converted(artifact, *quicker) if quicker else None) or load_engine(artifact)
    except RefusedError as error:
        _tell(connection, {"refused": str(error)})
    except ModuleNotFoundError as error:
        _tell(connection, {"missing": error.name})
    except Exception as error:  # noqa: BLE001 - whatever it is, the kernel has to know
        _tell(connection, {"error": _one_line(error)})
    else:
        _tell(connection, {"signature": encode(engine.signature)})
        return engine
    return None


def _load_converted(artifact: Path, converted: Path, signature: Path) -> Engine | None:
    """Return the engine of what the artifact was converted to, or None, and the artifact itself has to answer."""
    from mlmagic.serving.engines.load import load_engine
    from mlmagic.spec.codec import loads
    from mlmagic.spec.model import Signature

    try:
        return load_engine(artifact, signature=loads(Signature, signature.read_bytes()), converted=converted)
    except Exception:  # noqa: BLE001 - removed meanwhile, or whatever it is
        traceback.print_exc()
        return None


def _answer(connection: socket.socket, engine: Engine, number: int, columns: Mapping[str, Any]) -> None:
    try:
        outputs = engine.run(columns)
    except Exception as error:  # noqa: BLE001 - a model may raise anything
        _tell(connection, {"id": number, "error": _one_line(error)})
    else:
        _tell(connection, {"id": number}, outputs)


def _answer_gradients(
    connection: socket.socket,
    known: GradientEngine | Path,
    signature: Signature,
    header: Mapping[str, Any],
    columns: Mapping[str, Any],
) -> GradientEngine | None:
    """Answer, and return what has loaded the artifact for it, if anything has."""
    from mlmagic.runtime.signature import RefusedError
    from mlmagic.serving.gradients import load_gradients

    loaded = None
    try:
        loaded = load_gradients(known, signature) if isinstance(known, Path) else known
        found = loaded.run(columns, **header["gradients"])
    except (RefusedError, ModuleNotFoundError, LookupError) as error:
        # TensorFlow says of an operation without a gradient that it is not in its registry: a LookupError.
        _tell(connection, {"id": header["id"], "refused": _one_line(error)})
    except Exception as error:  # noqa: BLE001 - a model may raise anything
        _tell(connection, {"id": header["id"], "error": _one_line(error)})
    else:
        _tell(connection, {"id": header["id"]}, found)
    return loaded


def _tell(connection: socket.socket, header: dict[str, Any], columns: Mapping[str, Any] | None = None) -> None:
    try:
        frames.send(connection, header, columns)
    except OSError:
        os._exit(0)  # the kernel is gone


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    if lines[0].startswith("Graph execution error"):
        # TensorFlow says what went wrong last, before the name of the node.
        lines = [line for line in lines if not line.startswith("[[")][-1:]
    return f"{type(error).__name__}: {lines[0]}"[:_LONGEST_ERROR]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
