"""One version in a worker: its engine, its queue and its counters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from http import HTTPStatus
from time import perf_counter
from typing import Any, NoReturn, Protocol

from mlmagic.serving.app.batcher import Batcher, Place
from mlmagic.serving.app.counters import Counters
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.merge import Columns, Merging, Outputs
from mlmagic.serving.app.predictions import PredictionCounts
from mlmagic.serving.app.reply import encode, encode_nothing
from mlmagic.serving.app.request import BodyReader, CloserLookError, Dialect, Method, Request
from mlmagic.serving.app.validator import Validator
from mlmagic.serving.engines.base import Engine, NamedSignature
from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.spec.endpoint import Limits, VersionStatus
from mlmagic.spec.model import Signature

_RETRY_SECONDS = 1.0
_LARGE_BODY = 1 << 19
"""Reading it takes milliseconds, which are too many for the event loop."""
_SMALL_BODY = 1 << 12
"""Even value by value it is read in a millisecond or two."""


class Asking(Place, Protocol):
    """Who asks, and gets the answer."""

    request: Any
    """What is asked, once it has been read."""


class ServedVersion:
    """Answers requests, each with a whole body, with whole bodies. Belongs to one event loop.

    Args:
        label: what errors call the version, such as `taxi@2`.
        number: the version's.
        engine: closed with this.
        limits: of a request and of the queue.
        executor: where calls run that are too slow for the loop; one thread is enough.
    """

    def __init__(self, label: str, number: int, engine: Engine, limits: Limits, *, executor: Executor) -> None:
        self.label = label
        self.number = number
        self.counters = Counters()
        self.predictions: PredictionCounts | None = None
        """What it predicts, if that is to be compared with another version."""
        self._engine = engine
        self._executor = executor
        methods = {name: make_method(name, named) for name, named in engine.signatures.items()}
        self._reader = BodyReader(label, methods, self.signature.name, limits.instances)
        self._batcher = Batcher(
            Merging(self._run, label).answer,
            executor,
            most=limits.queue,
            timeout_seconds=limits.timeout_seconds,
            label=label,
        )
        # Not the other one: the model's calls must not wait for a large body. Its thread starts with the first of them.
        self._aside = ThreadPoolExecutor(1, "read")
        self._is_closing = False
        self._reading = 0
        self._all_read: asyncio.Future[None] | None = None

    @property
    def signature(self) -> Signature:
        """What it takes and returns when no other signature is named."""
        return self._engine.signature

    @property
    def signatures(self) -> Mapping[str, NamedSignature]:
        """All that it can be asked, by name."""
        return self._engine.signatures

    @property
    def engine_kind(self) -> str:
        """`session`, `onnx` or `keras`."""
        return self._engine.kind

    @property
    def queue_length(self) -> int:
        """How many requests have not been answered."""
        return len(self._batcher)

    @property
    def is_stuck(self) -> bool:
        """Its model has not come back from a call in time, and may never."""
        return self._batcher.is_stuck

    @property
    def status(self) -> VersionStatus:
        """What it did in this worker."""
        return self.counters.status(self.number, self.engine_kind)

    async def predict(self, body: bytes, dialect: Dialect = Dialect.PREDICT) -> bytes:
        """Return the body of the reply: a JSON object with one key, such as `predictions`.

        Raises:
            RequestFailed: there is no prediction.
        """
        start = perf_counter()
        try:
            if self._is_closing:
                self._refuse()
            request = self._read(body, dialect) or await self._read_aside(body, dialect)
            outputs = await self._batcher.ask(request) if request.count else {}
            return self.finish(request, outputs, dialect, start)
        except RequestFailed as failure:
            self.count_failure(failure)
            raise

    def ask(self, body: bytes, dialect: Dialect, asking: Asking) -> bool:
        """Let the outputs go to whoever asks, who then calls `finish`, or else `count_failure`.

        False: there is nothing to be predicted, or it cannot be told here and now. Then ask `predict`.
        """
        if self._is_closing:
            return False
        try:
            request = self._read(body, dialect)
            if request is None or not request.count:
                return False
            asking.request = request
            self._batcher.put(request, asking)
        except RequestFailed:
            return False
        return True

    def finish(self, request: Request, outputs: Outputs, dialect: Dialect, start: float) -> bytes:
        """Return the body of the reply to what was asked at the time `start` of the performance counter.

        Raises:
            RequestFailed: the model's outputs are not what such a request is answered with.
        """
        count = request.count
        reply = encode(request, outputs, dialect, self.label) if count else encode_nothing(request, dialect)
        self.counters.answered(count, perf_counter() - start)
        if self.predictions is not None and count:
            self.predictions.add(outputs, count, request.method.handed_on)
        return reply

    def count_failure(self, failure: RequestFailed) -> None:
        """Count a request that got no prediction."""
        self.counters.refused(is_error=failure.status >= HTTPStatus.TOO_MANY_REQUESTS)

    async def close(self) -> None:
        """Answer what waits, take nothing more, and free the engine."""
        if self._is_closing:
            return
        self._is_closing = True
        if self._reading:
            self._all_read = asyncio.get_running_loop().create_future()
            await self._all_read
        await self._batcher.drain()
        await asyncio.get_running_loop().run_in_executor(self._executor, self._engine.close)
        self._aside.shutdown(wait=False)

    def _read(self, body: bytes, dialect: Dialect) -> Request | None:
        """Return what is asked; None if it would hold up all others to read that here."""
        if len(body) > _LARGE_BODY:
            return None
        try:
            return self._reader.read(body, dialect, closely=len(body) <= _SMALL_BODY)
        except CloserLookError:
            return None

    async def _read_aside(self, body: bytes, dialect: Dialect) -> Request:
        """Read a body in a thread."""
        self._reading += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._aside, self._reader.read, body, dialect)
        finally:
            self._reading -= 1
            if self._all_read is not None and not self._reading:
                self._all_read.set_result(None)

    def _refuse(self) -> NoReturn:
        message = f"{self.label} is going away."
        raise RequestFailed(HTTPStatus.SERVICE_UNAVAILABLE, message, retry_after=_RETRY_SECONDS)

    def _run(self, name: str, columns: Columns) -> Outputs:
        if name == self._engine.signature.name:
            return self._engine.run(columns)
        return self._engine.run_signature(name, columns)


def make_method(name: str, named: NamedSignature) -> Method:
    """Return a signature as something that can be asked."""
    signature = named.signature
    sizes = {spec.shape[0] for spec in signature.inputs if spec.shape} - {None}
    rows_per_call = sizes.pop() if len(sizes) == 1 else None
    # Without a first dimension, or with one that is always the same, a tensor has no place for each instance.
    has_rows = all(
        spec.shape and spec.shape[0] in {None, rows_per_call} for spec in signature.inputs + signature.outputs
    )
    return Method(
        name=name,
        tensorflow_method=named.method,
        validator=Validator(signature),
        merges=bool(signature.inputs) and has_rows,
        rows_per_call=rows_per_call,
        has_shapes=any(None in spec.shape[1:] for spec in signature.inputs),
        handed_on=handed_on_inputs(signature),
    )
