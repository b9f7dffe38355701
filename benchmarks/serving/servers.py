"""The servers: how each is started, what it is asked, and what it takes of the machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
BUILD = Path("build/benchmarks/serving")
PEERS = Path("build/peers-serving")
START_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Server:
    """A way to serve a model. `call` is how a peer calls it; `program` the peer's file, or `mlmagic`."""

    name: str
    program: str
    call: str = "signature"
    is_stock: bool = False
    """What its documentation or a tutorial leads to, rather than what those make of it who know TensorFlow well."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    server: Server
    url: str
    token: str | None
    roots: Sequence[psutil.Process]
    ready_seconds: float
    """From its start to its first right prediction."""
    environment: Mapping[str, str] = field(default_factory=dict)
    engine: str | None = None
    """What computes, if that is one of ours."""

    @property
    def path(self) -> str:
        return "/" + self.url.split("/", 3)[3]

    def ask(self, body: bytes) -> Any:
        """Return the predictions, whatever they are called."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url, body, headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return predictions_of(json.load(reply))

    def processes(self) -> list[psutil.Process]:
        found = list(self.roots)
        for root in self.roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                found += root.children(recursive=True)
        return found

    def cpu_seconds(self) -> float:
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def memory_mib(self) -> float:
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().uss
        return total / 2**20


def make_peers() -> None:
    """Make the environment of the peers, unless it is there."""
    wanted, stamp = HERE / "peers.txt", PEERS / "peers.txt"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, PEERS], check=True)
    install: list[Path | str] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--compile-bytecode",
        "--python",
        PEERS / "bin/python",
        "-r",
        wanted,
    ]
    subprocess.run(install, check=True)
    shutil.copy(wanted, stamp)


def body_of(server: Server, instances: Sequence[Any]) -> bytes:
    """Return the request in the server's own form."""
    is_rows = isinstance(instances[0], dict)
    if server.program == "mlflow":
        return json.dumps({"dataframe_records" if is_rows else "inputs": instances}).encode()
    if server.program != "mlserver":
        return json.dumps({"instances": instances}).encode()
    columns = {name: [row[name] for row in instances] for name in instances[0]} if is_rows else {"instances": instances}
    inputs = []
    for name, values in columns.items():
        is_text = isinstance(values[0], str)
        shape = [len(values), 1] if is_rows else [len(values), 28, 28, 1]
        data = values if is_text or not is_rows else [[value] for value in values]
        inputs.append({"name": name, "shape": shape, "datatype": "BYTES" if is_text else "FP32", "data": data})
    return json.dumps({"inputs": inputs}).encode()


def predictions_of(reply: Any) -> list[list[float]]:
    """Return the rows of predictions of any server's reply."""
    if isinstance(reply, dict) and "outputs" in reply:
        (output,) = reply["outputs"]
        width = output["shape"][-1]
        return [output["data"][start : start + width] for start in range(0, len(output["data"]), width)]
    rows: list[list[float]] = reply["predictions"] if isinstance(reply, dict) else reply
    return rows


@contextlib.contextmanager
def running(server: Server, model: str) -> Iterator[Running]:
    """Start a server, wait for its first prediction, and end it."""
    if server.program == "mlmagic":
        from benchmarks.serving.ours import deployed

        with deployed(server, BUILD / model / "1", body_of(server, _example(model))) as one:
            yield one
        return
    port = _free_port()
    folder = BUILD / f"{model}-{server.program}-{server.call}"
    environment = _environment(model, server, port, folder)
    with (BUILD / f"{folder.name}.log").open("wb") as log:
        if server.program == "mlflow" and not folder.exists():
            maker = [PEERS / "bin/python", HERE / "peers/mlflow_app.py", folder]
            subprocess.run(maker, check=True, env=environment, stdout=log, stderr=log)
        started = time.perf_counter()
        # A session of its own, for whoever ends it to end all of it; on the first core, as all servers are.
        process = subprocess.Popen(
            ["taskset", "-c", "0", *_command(server, port, folder)],
            env=environment,
            cwd=HERE / "peers" if server.program != "mlserver" else folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            one = Running(server, _url(server, port), None, [psutil.Process(process.pid)], 0.0)
            _wait(one, body_of(server, _example(model)), process)
            yield Running(server, one.url, None, one.roots, time.perf_counter() - started)
        finally:
            _end(process)


def _example(model: str) -> list[Any]:
    instances: list[Any] = json.loads((BUILD / model / "requests-1.json").read_text())[0]["instances"]
    return instances


def _environment(model: str, server: Server, port: int, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    binaries = f"{(PEERS / 'bin').resolve()}:{kept.get('PATH', '')}"
    if server.program == "mlserver":
        folder.mkdir(exist_ok=True)
        settings = {
            "name": "m",
            "implementation": "mlserver_app.Runtime",
            "max_batch_size": 64,
            "max_batch_time": 0.001,
        }
        (folder / "model-settings.json").write_text(json.dumps(settings))
        ports = {"http_port": port, "grpc_port": _free_port(), "metrics_port": _free_port(), "parallel_workers": 0}
        (folder / "settings.json").write_text(json.dumps({**ports, "host": "127.0.0.1", "debug": False}))
    return kept | {
        "PATH": binaries,
        "PORT": str(port),
        "MODEL_FOLDER": str((BUILD / model / "1").resolve()),
        "MODEL_CALL": server.call,
        "PYTHONPATH": str((HERE / "peers").resolve()),
        "PEERS_FOLDER": str((HERE / "peers").resolve()),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
        "BENTOML_DO_NOT_TRACK": "true",
        "BENTOML_HOME": str((BUILD / "bentoml").resolve()),
    }


def _command(server: Server, port: int, folder: Path) -> list[str]:
    binaries = (PEERS / "bin").resolve()
    python = str(binaries / "python")
    uvicorn = [python, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    listen = ["--host", "127.0.0.1", "--port", str(port)]
    return {
        "fastapi": [*uvicorn, "--log-level", "warning", "fastapi_app:app"],
        "http_only": [sys.executable, "http_only.py"],
        "litserve": [python, "litserve_app.py"],
        "bentoml": [python, "-m", "bentoml", "serve", "bentoml_app:Served", *listen],
        "mlserver": [str(binaries / "mlserver"), "start", "."],
        "mlflow": [
            *(str(binaries / "mlflow"), "models", "serve", "-m", str(folder.resolve())),
            *("--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        ],
    }[server.program]


def _url(server: Server, port: int) -> str:
    path = {"mlserver": "v2/models/m/infer", "mlflow": "invocations"}.get(server.program, "predict")
    return f"http://127.0.0.1:{port}/{path}"


def _wait(one: Running, body: bytes, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{one.server.name} ended with {process.returncode}: see {BUILD}/*.log")
        try:
            one.ask(body)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{one.server.name} did not answer within {START_SECONDS:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    _, alive = psutil.wait_procs([psutil.Process(process.pid), *children] if process.poll() is None else children, 10)
    for left in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
