"""Endpoints over HTTP in a thread of the test's own process, with engines that numpy computes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import uvicorn
import uvloop

from mlmagic.serving.app.application import Access, Deployed, Table, create_app
from mlmagic.serving.app.direct import DirectProtocol
from mlmagic.serving.app.served import ServedVersion
from mlmagic.serving.engines.base import NamedSignature
from mlmagic.spec.endpoint import Limits
from mlmagic.spec.model import Signature, TensorSpec

HOUSES = Signature(
    inputs=(
        TensorSpec(name="age", dtype="float32", shape=(None, 1)),
        TensorSpec(name="rooms", dtype="int64", shape=(None, 1)),
        TensorSpec(name="city", dtype="string", shape=(None, 1), optional=True),
    ),
    outputs=(TensorSpec(name="price", dtype="float32", shape=(None, 1)),),
)


class NumpyEngine:
    """An engine whose model is a function."""

    kind = "session"

    def __init__(self, signature: Signature, function: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        self.signature = signature
        self.signatures = {signature.name: NamedSignature(signature=signature)}
        self.run = function

    def run_signature(self, name: str, _columns: Mapping[str, Any]) -> dict[str, Any]:
        raise KeyError(name)

    def close(self) -> None:
        """Nothing is held."""


def houses(number: int) -> NumpyEngine:
    """The price is age + rooms + a thousand times the version."""

    def price(columns: Mapping[str, Any]) -> dict[str, Any]:
        return {"price": (columns["age"] + columns["rooms"] + 1000 * number).astype(np.float32)}

    return NumpyEngine(HOUSES, price)


class Endpoint:
    """A running server: what it has deployed, and a client."""

    def __init__(self, deployed: Deployed, limits: Limits, access: Access, *, model: str, port: int) -> None:
        self.deployed = deployed
        self.limits = limits
        self.model = model
        self._executor = ThreadPoolExecutor(1)
        self.app = create_app(deployed, access, limits)
        config = uvicorn.Config(
            self.app,
            port=port,
            loop="uvloop",
            http=DirectProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            date_header=False,
        )
        self._server = _Server(config)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()))

    @property
    def connections(self) -> Sized:
        """Those that clients have open now."""
        return self._server.server_state.connections

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(30)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def stop(self) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(30)
        self._executor.shutdown()

    def do(self, function: Callable[[], Any]) -> Any:
        """Call a function in the server's loop."""

        async def call() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)

    def table(self, traffic: Mapping[int, int], **aliases: int) -> Table:
        """A table of houses."""
        return self.table_of({number: houses(number) for number in traffic}, traffic, **aliases)

    def table_of(self, engines: Mapping[int, Any], traffic: Mapping[int, int], **aliases: int) -> Table:
        versions = {
            number: ServedVersion(f"{self.model}@{number}", number, engine, self.limits, executor=self._executor)
            for number, engine in engines.items()
        }
        return Table(endpoint="rides", model=self.model, versions=versions, traffic=traffic, aliases=aliases)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server.on_start = self._started
        await self._server.serve()

    def _started(self) -> None:
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self._ready.set()


class _Server(uvicorn.Server):
    """Says when it listens."""

    on_start: Callable[[], None]

    async def startup(self, *args: Any, **kwargs: Any) -> None:
        await super().startup(*args, **kwargs)
        self.on_start()


@contextmanager
def served(
    engines: Mapping[int, Any] | None = None,
    traffic: Mapping[int, int] | None = None,
    *,
    limits: Limits | None = None,
    token: str | None = None,
    host: str = "127.0.0.1",
    model: str = "taxi",
    port: int = 0,
    **aliases: int,
) -> Iterator[Endpoint]:
    """Run an endpoint; without engines, of houses."""
    traffic = traffic or {number: 100 if number == 1 else 0 for number in engines or [1]}
    access = Access(token=token, host=host, needs_token=token is not None)
    endpoint = Endpoint(Deployed(), limits or Limits(), access, model=model, port=port)
    endpoint.start()
    try:
        engines = engines or {number: houses(number) for number in traffic}
        endpoint.do(lambda: endpoint.deployed.swap(endpoint.table_of(engines, traffic, **aliases)))
        yield endpoint
    finally:
        endpoint.stop()
