"""TensorBoard behind its gate, on a port of the loopback interface."""

from __future__ import annotations

import socket
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.tensorboards.flags import arguments
from mlmagic.tensorboards.gate import Gate
from mlmagic.tensorboards.page import below_its_address
from mlmagic.tensorboards.record import HOST

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

RELOAD_SECONDS = 5
"""How often TensorBoard looks for what is new."""


class Server:
    """A server that answers from when it is made; what TensorBoard calls a `TensorBoardServer`."""

    def __init__(self, application: WSGIApplication, *, prefix: str, port: int) -> None:
        from werkzeug.serving import make_server

        self.gate = Gate(below_its_address(application), prefix)
        if port and _is_taken(port):
            raise SystemExit(f"port {port} cannot be had: choose another, or leave --port out")
        self._server = make_server(HOST, port, self.gate, threaded=True, request_handler=_quiet_handler())
        self.port: int = self._server.server_port

    def serve_forever(self) -> None:
        """Answer requests until `close`."""
        self._server.serve_forever()

    def get_url(self) -> str:
        """Return where it listens; without the prefix, for this may be printed."""
        return f"http://{HOST}:{self.port}/"

    def close(self) -> None:
        """Answer no more, and give the port back."""
        self._server.shutdown()
        self._server.server_close()


def serve(runs: Path, *, prefix: str, title: str, flags: Mapping[str, str] | None = None) -> Server:
    """Start TensorBoard over a folder of runs, in threads of this process, and return when it listens.

    Args:
        runs: the folder.
        prefix: the path below which it answers.
        title: what the browser's tab is called, unless a flag says it.
        flags: TensorBoard's own, by name.
    """
    # TensorBoard's own switch: without TensorFlow it starts in a tenth of the time, in an eighth of the memory.
    sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
    from tensorboard import default, program

    servers: list[Server] = []

    def make(application: WSGIApplication, flags: Any) -> Server:
        servers.append(Server(application, prefix=prefix, port=flags.port or 0))
        return servers[0]

    # Plugins of other packages would bring TensorFlow back.
    board = program.TensorBoard(plugins=default.get_static_plugins(), server_class=make)
    # Its own loader of data is another process, which is not there on every machine.
    told = {"window_title": title, "reload_interval": str(RELOAD_SECONDS), "load_fast": "false", **(flags or {})}
    board.configure(["", *arguments(told)], logdir=str(runs))
    # Unlike `main`, this leaves no file behind that tells everybody where it is.
    board.launch()
    return servers[0]


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does: a port of which the last connections are only just closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _quiet_handler() -> type:
    from werkzeug.serving import WSGIRequestHandler

    class Handler(WSGIRequestHandler):
        """Keeps no log of requests, whose paths hold the secret."""

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - as it is called
            """Say nothing."""

    return Handler
