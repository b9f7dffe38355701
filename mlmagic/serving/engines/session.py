"""A SavedModel in a session of TensorFlow, on the thread of the caller: a twentieth of what calling its function costs.

What is loaded is the graph as it was saved, with the initialisers of its variables and tables. Nothing of it is traced
or converted, so this engine is always right.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlmagic.runtime.signature import RefusedError, describe_signature
from mlmagic.serving.engines.artifact import read_signature
from mlmagic.serving.engines.base import Array, Columns, NamedSignature, Outputs
from mlmagic.serving.engines.tensors import Fed, Fetched, fed, fetched
from mlmagic.spec.codec import decode
from mlmagic.spec.model import Signature

_INTERNAL_PREFIX = "__saved_model_"
_THREAD_OF_CALLER = -1

Call = Callable[..., Sequence[Any]]


class SessionEngine:
    """See `Engine`. `threads` are those of one operation: the first engine of a process decides for all of them."""

    kind = "session"

    def __init__(self, artifact: Path, signature: Signature | None = None, *, threads: int = 1) -> None:
        """Load it.

        Raises:
            RefusedError: it must not be served, or cannot be read.
            ModuleNotFoundError: TensorFlow is not installed.
        """
        # Before it is loaded: loading runs the model's own initialisers. And before TensorFlow, which it does not need.
        found = read_signature(artifact)
        self.signature = signature or found
        self._lock = threading.Lock()
        self._session, definitions = _load(artifact, threads)
        self._definitions = {name: value for name, value in definitions.items() if _is_callable(name, value)}
        self.signatures: Mapping[str, NamedSignature] = {
            **{name: _named(name, value) for name, value in self._definitions.items()},
            self.signature.name: NamedSignature(
                signature=self.signature, method=definitions[self.signature.name].method_name
            ),
        }
        self._calls: dict[str, _SignatureCall] = {}
        self._run: Callable[[Columns], Outputs] = self._call(self.signature.name).run

    def run(self, columns: Columns) -> Outputs:
        """See `Engine`."""
        return self._run(columns)

    def run_signature(self, name: str, columns: Columns) -> Outputs:
        """See `Engine`."""
        return self._call(name).run(columns)

    def close(self) -> None:
        """See `Engine`."""
        with self._lock:
            session, self._session = self._session, None
            if session is None:
                return
            self._calls.clear()
            self._run = _refuse
            session.close()
        del session
        # The graph is full of cycles, and of megabytes.
        gc.collect()

    def _call(self, name: str) -> _SignatureCall:
        with self._lock:
            if name not in self._calls:
                if self._session is None:
                    _refuse({})
                self._calls[name] = _SignatureCall.make(self._session, self._definitions[name])
            return self._calls[name]


@dataclass(frozen=True, slots=True)
class _SignatureCall:
    """A signature, ready to be run."""

    inputs: Mapping[str, Fed]
    outputs: Mapping[str, tuple[Fetched, tuple[int, ...]]]
    """How each is made, and of which of what the call returns."""
    call: Call
    is_plain: bool
    """Each input is one tensor, and the outputs are what the call returns."""

    @classmethod
    def make(cls, session: Any, definition: Any) -> _SignatureCall:
        inputs = {name: fed(info) for name, info in definition.inputs.items()}
        outputs = {name: fetched(info) for name, info in definition.outputs.items()}
        feeds = [tensor for entry in inputs.values() for tensor in entry.tensors]
        # Each tensor once, whatever it is called, and not what is fed: a session refuses both.
        wanted = list(dict.fromkeys(tensor for entry in outputs.values() for tensor in entry.tensors))
        fetches = [tensor for tensor in wanted if tensor not in feeds]
        places = {tensor: place for place, tensor in enumerate([*fetches, *feeds])}
        placed = {name: (entry, tuple(map(places.__getitem__, entry.tensors))) for name, entry in outputs.items()}
        call = make_call(session, feeds, fetches)
        if len(fetches) < len(wanted):
            return cls(inputs, placed, lambda *arrays: [*call(*arrays), *map(_as_fetched, arrays)], is_plain=False)
        is_plain = all(entry.split is None for entry in inputs.values()) and [
            (entry.join, places) for entry, places in placed.values()
        ] == [(None, (place,)) for place in range(len(fetches))]
        return cls(inputs, placed, call, is_plain)

    def run(self, columns: Columns) -> Outputs:
        if self.is_plain:
            arrays = [np.asarray(columns[name], entry.dtype) for name, entry in self.inputs.items()]
            return dict(zip(self.outputs, self.call(*arrays), strict=True))
        arrays = []
        for name, entry in self.inputs.items():
            if entry.split is None:
                arrays.append(np.asarray(columns[name], entry.dtype))
            else:
                arrays += entry.split(columns[name])
        results = self.call(*arrays)
        return {
            name: results[places[0]] if entry.join is None else entry.join(*[results[place] for place in places])
            for name, (entry, places) in self.outputs.items()
        }


def make_call(session: Any, feeds: Sequence[str], fetches: Sequence[str]) -> Call:
    """Return a function of arrays for the feeds that returns arrays for the fetches."""
    from tensorflow.core.protobuf import config_pb2

    make = getattr(session, "_make_callable_from_options", None)
    if make is None:  # it is private; what is public is slower by half a millisecond
        options = config_pb2.RunOptions(inter_op_thread_pool=_THREAD_OF_CALLER)
        call = session.make_callable(list(fetches), feed_list=list(feeds), accept_options=True)
        return lambda *arrays: call(*arrays, options=options)
    options = config_pb2.CallableOptions(feed=feeds, fetch=fetches)
    options.run_options.inter_op_thread_pool = _THREAD_OF_CALLER
    return make(options)  # type: ignore[no-any-return]


def _load(artifact: Path, threads: int) -> tuple[Any, Mapping[str, Any]]:
    """Return a session with the model in it, and its signatures."""
    import tensorflow as tf

    v1 = tf.compat.v1
    config = v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
    config.gpu_options.allow_growth = True
    graph = tf.Graph()
    with graph.as_default():
        session = v1.Session(graph=graph, config=config)
        try:
            meta_graph = _load_quietly(session, artifact)
        except BaseException:
            session.close()
            raise
    return session, dict(meta_graph.signature_def)


def _load_quietly(session: Any, artifact: Path) -> Any:
    """The way of TensorFlow 1 is called deprecated in every log; there is none of TensorFlow 2 that is as fast."""
    import tensorflow as tf
    from tensorflow.python.util import deprecation

    with deprecation.silence():
        return tf.compat.v1.saved_model.loader.load(session, ["serve"], str(artifact))


def _is_callable(name: str, definition: Any) -> bool:
    """Say whether columns can be sent for it."""
    if name.startswith(_INTERNAL_PREFIX):
        return False
    try:
        describe_signature(name, definition)
    except RefusedError:
        return False
    return True


def _named(name: str, definition: Any) -> NamedSignature:
    described = decode(Signature, describe_signature(name, definition))
    return NamedSignature(signature=described, method=definition.method_name)


def _as_fetched(array: Array) -> Array:
    """An input that is an output as well: texts come back as bytes."""
    if array.dtype != object:
        return array
    texts = np.empty(array.shape, dtype=object)
    texts.ravel()[:] = [item.encode() if isinstance(item, str) else item for item in array.ravel().tolist()]
    return texts


def _refuse(_: Columns) -> Outputs:
    raise RuntimeError("the model was closed")
