"""A model in ONNX Runtime: it starts in a second, and with a tenth of the memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlmagic.serving.engines.artifact import read_signature
from mlmagic.serving.engines.base import Array, Columns, Engine, InputRefusedError, NamedSignature, Outputs
from mlmagic.spec.model import Signature

_FATAL = 4

Call = Callable[[list[str], Columns, None], list[Array]]


class OnnxEngine:
    """See `Engine`.

    A model that was converted has its original beside it, for the rare request that only that can answer: another
    signature, or bytes that are no text. It is loaded when the first of them comes.
    """

    kind = "onnx"

    def __init__(
        self,
        model: Path,
        signature: Signature,
        *,
        outputs: Mapping[str, str] | None = None,
        signatures: Mapping[str, NamedSignature] | None = None,
        original: Callable[[], Engine] | None = None,
        threads: int = 1,
    ) -> None:
        """Load it.

        Args:
            model: the file.
            signature: what it takes and returns.
            outputs: what the file calls the outputs, where that is not their names.
            signatures: all that the original has.
            original: loads it.
            threads: for one operation.
        """
        self.signature = signature
        known = dict(signatures or {})
        own = known.get(signature.name, NamedSignature(signature=signature))
        self.signatures: Mapping[str, NamedSignature] = {
            **known,
            signature.name: NamedSignature(signature=signature, method=own.method),
        }
        session = make_session(model, threads)
        self._call = _call_of(session)
        taken = {tensor.name for tensor in session.get_inputs()}
        self._inputs = [
            (tensor.name, None if tensor.dtype == "string" else np.dtype(tensor.dtype))
            for tensor in signature.inputs
            if tensor.name in taken
        ]
        self._outputs = [tensor.name for tensor in signature.outputs]
        self._fetches = [(outputs or {}).get(name, name) for name in self._outputs]
        self._original = original
        self._loaded: Engine | None = None
        self._lock = threading.Lock()

    def run(self, columns: Columns) -> Outputs:
        """See `Engine`."""
        call = self._call
        if call is None:
            raise RuntimeError("the model was closed")
        try:
            feeds = {
                name: to_texts(columns[name]) if dtype is None else np.asarray(columns[name], dtype)
                for name, dtype in self._inputs
            }
        except UnicodeDecodeError as error:
            if self._original is None:
                raise InputRefusedError(f"ONNX Runtime takes text in UTF-8 alone: {error}") from error
            return self._load_original().run(columns)
        if not all(map(len, feeds.values())):
            # Not all operations take no rows at all, so it is asked for one, which is cut off again.
            feeds = {name: _one_row(column) for name, column in feeds.items()}
            return {name: value[:0] for name, value in self._ask(call, feeds).items()}
        return self._ask(call, feeds)

    def run_signature(self, name: str, columns: Columns) -> Outputs:
        """See `Engine`."""
        if name not in self.signatures:
            raise KeyError(name)
        return self.run(columns) if name == self.signature.name else self._load_original().run_signature(name, columns)

    def close(self) -> None:
        """See `Engine`."""
        with self._lock:
            self._call = None
            loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.close()

    def _ask(self, call: Call, feeds: Columns) -> Outputs:
        results = call(self._fetches, feeds, None)
        return {
            name: to_bytes(result) if result.dtype == object else result
            for name, result in zip(self._outputs, results, strict=True)
        }

    def _load_original(self) -> Engine:
        with self._lock:
            if self._call is None or self._original is None:
                raise RuntimeError("the model was closed")
            if self._loaded is None:
                self._loaded = self._original()
            return self._loaded


def load_onnx(artifact: Path, signature: Signature | None = None, *, threads: int = 1) -> OnnxEngine:
    """Load a model that came as an `.onnx` file.

    Raises:
        RefusedError: it must not be served, or cannot be read.
        ModuleNotFoundError: ONNX or its runtime is not installed.
    """
    found = read_signature(artifact)
    return OnnxEngine(artifact, signature or found, threads=threads)


def make_session(model: Path, threads: int) -> Any:
    """Return ONNX Runtime's session, on the thread of the caller if there is to be one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL  # what goes wrong is in the exception
    # Other workers need the processor more than threads that wait for the next request.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _call_of(session: Any) -> Call | None:
    """Return what runs a session. The public way looks at all feeds in Python, before its library does that again."""
    inner = getattr(session, "_sess", None)
    return getattr(inner, "run", None) or session.run  # type: ignore[no-any-return]


def to_texts(column: Array) -> Array:
    """Return texts as ONNX Runtime takes them. Bytes it would take for what Python shows of them, `b'Rome'`.

    Raises:
        UnicodeDecodeError: bytes that are no text.
    """
    items = np.asarray(column).ravel().tolist()
    if set(map(type, items)) <= {str}:
        return np.asarray(column, dtype=object)
    texts = np.empty(len(items), dtype=object)
    texts[:] = [item if isinstance(item, str) else item.decode() for item in items]
    return texts.reshape(column.shape)


def to_bytes(texts: Array) -> Array:
    """Return texts as all engines return them."""
    encoded = np.empty(texts.size, dtype=object)
    encoded[:] = [text.encode() for text in texts.ravel().tolist()]
    return encoded.reshape(texts.shape)


def _one_row(column: Array) -> Array:
    return np.full((1, *column.shape[1:]), "" if column.dtype == object else 0, column.dtype)
