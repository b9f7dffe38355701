"""Online prediction beside the peers, over HTTP: `python -m benchmarks.serving`.

All servers of a model are started, checked against the model itself, warmed, and then asked in turn inside each cell
of (clients, instances), round after round. The load comes from `wrk` on the second core (`apt-get install wrk`), the
server runs on the first. CPU is that of the server's whole process tree. Every reply of ours must be a success; what a
peer refuses or does not answer is told beside its row, and does not count into its rate. Peers live in an environment
of their own, `build/peers-serving`; each has its own batching on where it has one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE, Popen

import numpy as np

from benchmarks.serving.servers import BUILD, Running, Server, body_of, make_peers, running

HTTP_ONLY = "HTTP only, no model"
SERVERS = (
    Server("mlmagic", "mlmagic", "auto"),
    Server("mlmagic, TensorFlow", "mlmagic", "session"),
    Server("FastAPI + predict", "fastapi", "predict", is_stock=True),
    Server("FastAPI + signature", "fastapi", "signature", is_stock=True),
    Server("LitServe + signature", "litserve", "signature", is_stock=True),
    Server("BentoML + signature", "bentoml", "signature", is_stock=True),
    Server("MLServer + signature", "mlserver", "signature", is_stock=True),
    Server("MLflow + signature", "mlflow", "signature", is_stock=True),
    Server("LitServe + Session", "litserve", "session"),
    Server("BentoML + Session", "bentoml", "session"),
    Server("FastAPI + Session", "fastapi", "session"),
    Server(HTTP_ONLY, "http_only", "none"),
)
CELLS = ((1, 1), (8, 1), (32, 1), (8, 64))
SLOW_SECONDS = 20.0
"""The window for those that answer a few requests a second."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one window of load gave."""

    rate: float
    """Requests a second that were answered."""
    failed: int
    """Requests that were not, or not well."""
    cpu: float
    """Microseconds of a request."""
    p50: float
    """Milliseconds, like `p99`."""
    p99: float


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    arguments.add_argument("--models", nargs="+", default=["m1", "m2"])
    arguments.add_argument("--only", nargs="+", help="words that names of servers have")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=int, default=5, help="of a window; whole ones, as wrk takes them")
    given = arguments.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("the load comes from wrk: apt-get install wrk")
    BUILD.mkdir(parents=True, exist_ok=True)
    make_peers()
    subprocess.run([sys.executable, "-m", "benchmarks.serving.models", BUILD], check=True, stderr=subprocess.DEVNULL)
    chosen = [one for one in SERVERS if not given.only or any(word in one.name for word in given.only)]
    for model in given.models:
        measure(model, chosen, given.rounds, given.seconds)


def measure(model: str, servers: Sequence[Server], rounds: int, seconds: float) -> None:
    """Start all servers, ask them in turn, and print what came of it."""
    with contextlib.ExitStack() as stack:
        ones = []
        for server in servers:
            try:
                ones.append(stack.enter_context(running(server, model)))
            except RuntimeError as error:
                print(f"left out: {error}")
        for one in ones:
            check(one, model)
        print_starts(model, ones)
        engines = {one.server.name: stack.enter_context(alone(one, model)) for one in ones if one.engine is not None}
        taken: dict[str, dict[tuple[int, int], list[Load]]] = {one.server.name: {} for one in ones}
        for clients, instances in CELLS:
            taken_alone: dict[str, list[float]] = {name: [] for name in engines}
            for number in range(rounds + 1):
                for one in ones:
                    # The first round warms, and is short.
                    window = window_of(one, seconds if number else 1.0)
                    load = ask(one, model, clients, instances, window)
                    if number:
                        taken[one.server.name].setdefault((clients, instances), []).append(load)
                for name, engine in engines.items():
                    taken_alone[name].append(ask_alone(engine, clients, instances))
            print_cell(model, clients, instances, taken, servers)
            print_limit({name: cells[clients, instances] for name, cells in taken.items()}, taken_alone)
        for one in ones:
            check(one, model)


def window_of(one: Running, seconds: float) -> float:
    """Return how long to ask."""
    is_slow = one.server.call == "predict" and seconds > 1
    return max(seconds, SLOW_SECONDS) if is_slow else seconds


def check(one: Running, model: str) -> None:
    """Compare a server's predictions with the model's own."""
    if one.server.program == "http_only":
        return
    for size in (1, 64):
        for asked in json.loads((BUILD / model / f"requests-{size}.json").read_text())[:8]:
            said = one.ask(body_of(one.server, asked["instances"]))
            if not np.allclose(np.reshape(said, np.shape(asked["predictions"])), asked["predictions"], 1e-4, 1e-5):
                raise RuntimeError(f"{one.server.name} predicts {said[0]}, the model {asked['predictions'][0]}")


def ask(one: Running, model: str, clients: int, instances: int, seconds: float) -> Load:
    """Let so many clients ask for so long."""
    with tempfile.NamedTemporaryFile("wb", suffix=".jsonl") as bodies:
        for asked in json.loads((BUILD / model / f"requests-{instances}.json").read_text())[
            : 64 if instances == 1 else 16
        ]:
            bodies.write(body_of(one.server, asked["instances"]) + b"\n")
        bodies.flush()
        environment = os.environ | {"LOAD_BODIES": bodies.name, "LOAD_PATH": one.path}
        if one.token:
            environment["LOAD_TOKEN"] = one.token
        script = os.fspath(BUILD.parents[2] / "benchmarks/serving/load.lua")
        words = ["-t1", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "60s", "--latency", "-s", script, one.url]
        before = one.cpu_seconds()
        done = subprocess.run(
            ["taskset", "-c", "1", "wrk", *words], env=environment, capture_output=True, text=True, check=True
        )
        cpu = one.cpu_seconds() - before
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    result = json.loads(line.removeprefix("RESULT "))
    if result["failed"] and one.server.program == "mlmagic":
        raise RuntimeError(f"{one.server.name}: {result['failed']} of {result['requests']} requests failed")
    count = max(result["requests"] - result["failed"], 1)
    return Load(
        count / result["seconds"], result["failed"], cpu / count * 1e6, result["p50"] / 1000, result["p99"] / 1000
    )


def print_starts(model: str, ones: Sequence[Running]) -> None:
    """Print how long each took to its first prediction, and what memory it has then."""
    print(f"\n{model}: from the start to the first right prediction, and memory then (unique to its processes)\n")
    for one in ones:
        if one.server.program != "http_only":
            print(f"  {one.server.name:24}  {one.ready_seconds:6.1f} s  {one.memory_mib():6.0f} MiB")
    sys.stdout.flush()


def print_cell(
    model: str,
    clients: int,
    instances: int,
    taken: Mapping[str, Mapping[tuple[int, int], list[Load]]],
    servers: Sequence[Server],
) -> None:
    """Print a cell of the table: medians, the spread of rates, and how ours compare."""
    loads = {name: cells[clients, instances] for name, cells in taken.items()}
    rates = {name: statistics.median(load.rate for load in runs) for name, runs in loads.items()}
    stock = max((rates[one.name] for one in servers if one.is_stock and one.name in rates), default=math.nan)
    skilled = rates.get("FastAPI + Session", math.nan)
    rounds = len(next(iter(loads.values())))
    print(f"\n{model}, {clients} clients, {instances} instances a request; medians of {rounds} interleaved rounds\n")
    heads = ("req/s", "min", "max", "CPU µs", "p50 ms", "p99 ms", "best stock", "FastAPI + Session")
    print(f"  {'':24}" + "".join(f"  {head:>{max(8, len(head))}}" for head in heads))
    for name, runs in loads.items():
        cpu, p50, p99 = (statistics.median(getattr(load, key) for load in runs) for key in ("cpu", "p50", "p99"))
        low, high = min(load.rate for load in runs), max(load.rate for load in runs)
        ratios = f"{rates[name] / stock:9.1f}x  {rates[name] / skilled:16.1f}x"
        failed = sum(load.failed for load in runs)
        print(
            f"  {name:24}  {rates[name]:8.0f}  {low:8.0f}  {high:8.0f}  {cpu:8.0f}  {p50:8.2f}  {p99:8.2f}  {ratios}"
            + (f"  {failed} failed" if failed else "")
        )
    sys.stdout.flush()


@contextlib.contextmanager
def alone(one: Running, model: str) -> Iterator[Popen[str]]:
    """Start the engine of one of ours by itself, in a process like a worker's."""
    words = [sys.executable, "-m", "benchmarks.serving.in_process", model, one.server.call]
    with Popen(words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True) as process:
        try:
            told = json.loads(_line(process))
            why = f": {told['reason']}" if told["reason"] else ""
            if told["engine"] != one.engine or why:
                print(f"  {one.server.name} computes by {one.engine}, the engine alone by {told['engine']}{why}")
            yield process
        finally:
            process.kill()


def ask_alone(process: Popen[str], clients: int, instances: int) -> float:
    """Return the CPU microseconds of a request, of so many clients in one batch."""
    if process.stdin is not None:
        print(clients, instances, file=process.stdin, flush=True)
    return float(_line(process))


def _line(process: Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise RuntimeError(f"{process.args!r} ended: start it by hand to see why")
    return line


def print_limit(loads: Mapping[str, list[Load]], engines: Mapping[str, list[float]]) -> None:
    """Print our CPU beside that of HTTP alone and the engine alone; all are medians of the same rounds."""
    if HTTP_ONLY not in loads:
        return
    http = statistics.median(load.cpu for load in loads[HTTP_ONLY])
    for name, rounds in engines.items():
        cpu, engine = statistics.median(load.cpu for load in loads[name]), statistics.median(rounds[1:])
        print(f"  {name}: {cpu:.0f} µs = {cpu / (http + engine):.2f} x (HTTP only {http:.0f} + engine {engine:.0f})")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
