"""Boards of the kernels of a real server, below a prefix as on a hub."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from jupyter_client.blocking.client import BlockingKernelClient
from support.boards import PATIENCE_SECONDS, ask, no_board_left, write_events
from support.browser_server import PREFIX, JupyterServer

from mlmagic.session import Session

SHOW = "%load_ext mlmagic\nboard = get_ipython().run_line_magic('tensorboard', '--logdir logs')"


def start_kernel(server: JupyterServer, runtime: Path) -> BlockingKernelClient:
    """Start a kernel the way a browser does, and connect to it."""
    kernel = requests.post(server.address("api/kernels"), json={}, timeout=PATIENCE_SECONDS).json()["id"]
    client = BlockingKernelClient(connection_file=str(runtime / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels()
    return client


@contextmanager
def ended(server: JupyterServer) -> Iterator[None]:
    """Start a server, and end it."""
    try:
        server.start()
        yield
    finally:
        server.stop()


def values(client: BlockingKernelClient, code: str, *expressions: str) -> list[Any]:
    """Run code in a kernel, and return what these expressions are then."""
    wanted = {str(at): f"repr({expression})" for at, expression in enumerate(expressions)}
    reply: Any = client.execute(code, user_expressions=wanted, reply=True, timeout=2 * PATIENCE_SECONDS)
    assert reply["content"]["status"] == "ok", reply["content"]
    told = [reply["content"]["user_expressions"][at]["data"]["text/plain"] for at in wanted]
    return [ast.literal_eval(ast.literal_eval(text)) for text in told]


def test_a_board_is_shown_below_the_servers_address_and_found_again_by_another_kernel(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_events(root / "logs/train", 0.5, 0.25)
    server = JupyterServer(root, tmp_path / "scratch")
    with no_board_left(Session(environ={}, start=root)), ended(server):
        first, second = (start_kernel(server, tmp_path / "scratch/runtime") for _ in range(2))
        try:
            key, shown = values(first, SHOW, "board.key", "board._repr_mimebundle_()")
            again, pid = values(second, SHOW, "board.key", "board.record.process.pid")
            (own,) = values(first, "", "board.record.process.pid")
        finally:
            first.stop_channels()
            second.stop_channels()
        path = f"mlmagic/tensorboard/{key}/"
        assert (again, pid) == (key, own)
        assert f' src="{PREFIX}{path}"' in shown["text/html"]
        assert shown["application/vnd.mlmagic.board+json"]["path"] == path
        assert ask(server.address(path, with_token=False))[0] == 403
        status, tags = ask(*_split(server.address(f"{path}data/plugin/scalars/tags")))
        assert (status, list(json.loads(tags))) == (200, ["logs/train"])


def _split(address: str) -> tuple[str, str]:
    """Return an address without its query, and the query."""
    path, _, query = address.partition("?")
    return path, f"?{query}"
