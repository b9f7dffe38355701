from __future__ import annotations

import ast
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from tornado.httpclient import HTTPClient

TOKEN = "a-token-for-this-test"


@dataclass(frozen=True)
class Server:
    """A Jupyter server that was started for a test, with its own folders."""

    url: str
    runtime: Path
    log: Path

    def post(self, path: str) -> Any:
        headers = {"Authorization": f"token {TOKEN}"}
        answer = HTTPClient().fetch(f"{self.url}{path}", method="POST", headers=headers, body="{}")
        return json.loads(answer.body)

    def kernel(self) -> BlockingKernelClient:
        """Start a kernel the way a browser does, and connect to it."""
        kernel_id = self.post("api/kernels")["id"]
        client = BlockingKernelClient(connection_file=str(self.runtime / f"kernel-{kernel_id}.json"))
        client.load_connection_file()
        client.start_channels()
        return client


@contextmanager
def serving(root: Path, scratch: Path, **environment: str) -> Iterator[Server]:
    runtime = scratch / "runtime"
    log = scratch / "server.log"
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--ServerApp.port=0"]
    command += [f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            env=os.environ | {"JUPYTER_RUNTIME_DIR": str(runtime)} | environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Server(_url(process, runtime), runtime, log)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _url(process: subprocess.Popen[bytes], runtime: Path) -> str:
    """Wait for the file in which the server says where it listens."""
    information = runtime / f"jpserver-{process.pid}.json"
    for _ in range(600):
        if information.exists() and (text := information.read_text()) and _listens(json.loads(text)["port"]):
            return str(json.loads(text)["url"])
        assert process.poll() is None, "the server ended early"
        time.sleep(0.1)
    raise AssertionError("the server did not come up")


def _listens(port: int) -> bool:
    # The file is there a moment before the server is.
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("localhost", port)):
        return True
    return False


def home_in(server: Server) -> str:
    client = server.kernel()
    try:
        wanted = {"home": "os.environ['MLMAGIC_HOME']"}
        # Not `wait_for_ready`, which takes a kernel that is slow to start for a dead one: the request waits anyway.
        reply: Any = client.execute("import os", user_expressions=wanted, reply=True, timeout=120)
        return str(ast.literal_eval(reply["content"]["user_expressions"]["home"]["data"]["text/plain"]))
    finally:
        client.stop_channels()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def test_kernels_share_the_workspace_of_the_server(root: Path, tmp_path: Path) -> None:
    with serving(root, tmp_path) as server:
        assert home_in(server) == str(root / ".mlmagic")
    assert not (root / ".mlmagic").exists(), "a server alone makes no workspace"


@pytest.mark.slow
def test_an_explicit_workspace_wins_and_a_nearer_one_is_named(root: Path, tmp_path: Path) -> None:
    (root / ".mlmagic").mkdir()
    chosen = tmp_path / "chosen"
    with serving(root, tmp_path, MLMAGIC_HOME=str(chosen)) as server:
        assert home_in(server) == str(chosen)
    (warning,) = [line for line in server.log.read_text().splitlines() if "mlmagic |" in line and "[W " in line]
    assert f"MLMAGIC_HOME says {chosen}" in warning
    assert f"{root / '.mlmagic'} is nearer and is not used" in warning
