"""The gRPC port: the same services, for clients that speak nothing else; insecure, on loopback, with the token."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mlmagic.emulator.access import Access
from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.faults import Faults
from mlmagic.emulator.service import Dispatcher
from mlmagic.emulator.wire import messages
from mlmagic.emulator.wire.routes import Rpc, rpcs

if TYPE_CHECKING:
    import grpc

_THREADS = 8


def start_rpc_port(dispatcher: Dispatcher, access: Access, faults: Faults, port: int) -> tuple[grpc.Server, int]:
    """Return the server, which answers already, and its port: the given one if it is free."""
    import grpc

    # Else two emulators could share a port, each with half of the other's calls.
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=[("grpc.so_reuseport", 0)])
    for service, listed in itertools.groupby(rpcs(), key=lambda rpc: rpc.service):
        methods = {
            rpc.name: grpc.unary_unary_rpc_method_handler(_method(rpc, dispatcher, access, faults)) for rpc in listed
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    try:
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError:
        bound = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, bound


def _method(rpc: Rpc, dispatcher: Dispatcher, access: Access, faults: Faults) -> Callable[[bytes, Any], bytes]:
    def serve(data: bytes, context: Any) -> bytes:
        try:
            access.check_bearer(dict(context.invocation_metadata()).get("authorization"))
            fault = faults.take(rpc.name)
            time.sleep(0.0 if fault is None else fault.delay_seconds)
            if fault is not None and fault.drop == "before":
                raise _dropped()
            headers: dict[str, str] = {}
            answer: Any = dispatcher.call(rpc, messages.from_bytes(rpc.request, data), fault, headers)
            context.send_initial_metadata(tuple(headers.items()))
            sent: bytes = answer.SerializeToString()
            if fault is not None and fault.drop == "after":
                raise _dropped()
        except ApiError as error:
            _abort(context, error)
            raise
        return sent

    return serve


def _dropped() -> ApiError:
    # What a client makes of a connection that was reset.
    return ApiError(status="UNAVAILABLE", message="Connection reset by peer")


def _abort(context: Any, error: ApiError) -> None:
    import grpc

    code = next(code for code in grpc.StatusCode if code.value[0] == error.number)
    context.abort(code, error.message)
