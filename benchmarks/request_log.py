"""An endpoint under full load with and without its request log: requests a second, and CPU of its processes.

One worker serves all of it, and its log is switched between windows of a few seconds: what differs is the log alone.
`python -m benchmarks.request_log [ROUNDS SECONDS]`
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.serving.servers import BUILD
from mlmagic.api.deployment import deploy
from mlmagic.api.model_import import import_model
from mlmagic.serving.request_log.log import RequestLog
from mlmagic.session import Session
from mlmagic.spec.request_log import RequestLogging

MODEL, CLIENTS = "m1", 32
ALONE_ROUNDS, ALONE_REQUESTS = 7, 50_000
# Rows of the table, and the share of the requests that each logs.
VARIANTS = {"without a log": 0.0, "a sample of 10 %": 0.1, "every request": 1.0}
_GOAL = "a sample costs less than 3 % of the throughput"


@dataclass(frozen=True, slots=True)
class Window:
    """What came of a window: requests a second, and CPU microseconds of the server for each."""

    rate: float
    cpu: float


def main() -> None:
    rounds, seconds = (int(sys.argv[1]), float(sys.argv[2])) if len(sys.argv) > 2 else (15, 4.0)
    ensure_model()
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as stack:
        session = Session(environ=os.environ | {"MLMAGIC_HOME": home}, start=Path(home))
        stack.callback(end, session)
        import_model(MODEL, BUILD / MODEL / "1", session=session)
        cores = os.sched_getaffinity(0)
        # What is started inherits it: the server has a core, and who asks the other.
        os.sched_setaffinity(0, {min(cores)})
        endpoint = deploy(MODEL, min_replicas=1, session=session)
        while not is_settled(session):
            time.sleep(0.2)
        os.sched_setaffinity(0, cores)
        heads = requests(endpoint.url, endpoint.token)
        taken: dict[str, list[Window]] = {name: [] for name in VARIANTS}
        for number in range(rounds + 1):
            # Each variant comes first as often as last.
            for name in list(VARIANTS)[:: 1 if number % 2 else -1]:
                switch(session, VARIANTS[name])
                # What the switch itself costs is no part of the window.
                measure(session, heads, 0.7)
                window = measure(session, heads, seconds if number else 0.3)
                if number:
                    taken[name].append(window)
        print_windows(taken, session, seconds)
        print_alone(heads[1])


def ensure_model() -> None:
    """Make the model that the benchmark of the servers has too."""
    BUILD.mkdir(parents=True, exist_ok=True)
    if not (BUILD / MODEL / "requests-64.json").exists():
        subprocess.run([sys.executable, "-m", "benchmarks.serving.models", os.fspath(BUILD)], check=True)


def is_settled(session: Session) -> bool:
    """Say whether the one worker is there that stays: with ONNX Runtime, where the model converts."""
    status = session.endpoints.get(MODEL).status
    is_alone = [worker.state for worker in status.workers] == ["ready"]
    return is_alone and not any(version.is_converting for version in status.versions)


def end(session: Session) -> None:
    session.endpoints.delete(MODEL)
    session.close()


def requests(url: str, token: str | None) -> tuple[int, list[bytes]]:
    """Return the port, and whole requests with an instance each."""
    port = int(url.rsplit(":", 1)[1])
    found = []
    for asked in json.loads((BUILD / MODEL / "requests-1.json").read_text()):
        body = json.dumps({"instances": asked["instances"]}).encode()
        lines = [f"POST /v1/models/{MODEL}:predict HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        lines += [f"Authorization: Bearer {token}", f"Content-Length: {len(body)}", "", ""]
        found.append("\r\n".join(lines).encode() + body)
    return port, found


def switch(session: Session, share: float) -> None:
    """Let the endpoint log that share, and return when its worker does."""
    deploy(MODEL, log_sample=share, session=session)


def measure(session: Session, asked: tuple[int, Sequence[bytes]], seconds: float) -> Window:
    """Let clients in a process of their own ask for so long."""
    workers = [psutil.Process(worker.pid) for worker in session.endpoints.get(MODEL).status.workers]
    before = sum(cpu_of(worker) for worker in workers)
    words = [sys.executable, "-m", "benchmarks.request_log_load", str(asked[0]), str(CLIENTS), str(seconds)]
    done = subprocess.run(words, input=b"\0".join(asked[1]), capture_output=True, check=True)
    count, lasted = json.loads(done.stdout)
    return Window(count / lasted, (sum(cpu_of(worker) for worker in workers) - before) / count * 1e6)


def cpu_of(worker: psutil.Process) -> float:
    """Return the CPU seconds of a worker, and of the converters that it has waited for."""
    times = worker.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def print_alone(asked: Sequence[bytes]) -> None:
    """Print what the log by itself takes, its thread included: a figure that a busy machine changes little."""
    print(f"\nThe log by itself: CPU microseconds a request, medians of {ALONE_ROUNDS} interleaved rounds\n")
    taken: dict[str, list[float]] = {name: [] for name, share in VARIANTS.items() if share}
    for _ in range(ALONE_ROUNDS):
        for name, measured in taken.items():
            with tempfile.TemporaryDirectory() as folder:
                settings = RequestLogging(sampling_rate=VARIANTS[name])
                log = RequestLog(Path(folder) / "log", settings, endpoint=MODEL, model=MODEL)
                before = time.process_time()
                for number in range(ALONE_REQUESTS):
                    log.offer(1, asked[number % len(asked)], b'{"predictions":[[12.345678]]}')
                log.close()
                measured.append((time.process_time() - before) / ALONE_REQUESTS * 1e6)
    for name, measured in taken.items():
        print(f"  {name:18}  {statistics.median(measured):5.2f}  ({min(measured):.2f} to {max(measured):.2f})")


def print_windows(taken: dict[str, list[Window]], session: Session, seconds: float) -> None:
    (plain, *_), rounds = taken.values(), len(next(iter(taken.values())))
    print(f"\nAn endpoint under full load, {CLIENTS} clients, an instance a request; load {os.getloadavg()[0]:.1f}")
    print(f"  goal: {_GOAL}; medians of {rounds} interleaved rounds of {seconds:g} s\n")
    print(f"  {'':18}  {'req/s':>7}  {'min':>7}  {'max':>7}  {'CPU µs':>7}  {'req/s':>8}  {'CPU':>8}  (middle half)")
    for name, windows in taken.items():
        rates = [window.rate for window in windows]
        # Of neighbours in time, since what else the machine does changes from minute to minute.
        rate = statistics.median(mine.rate / other.rate - 1 for mine, other in zip(windows, plain, strict=True))
        low, cpu, high = statistics.quantiles(
            mine.cpu / other.cpu - 1 for mine, other in zip(windows, plain, strict=True)
        )
        print(
            f"  {name:18}  {statistics.median(rates):7.0f}  {min(rates):7.0f}  {max(rates):7.0f}"
            f"  {statistics.median(window.cpu for window in windows):7.1f}  {rate:+8.1%}  {cpu:+8.1%}"
            f"  ({low:+.1%} to {high:+.1%})"
        )
    folder = session.workspace.endpoint(MODEL).requests
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"\n  what the log took: {size / 2**20:.0f} MiB; its status: {session.endpoints.get(MODEL).status.log}")


if __name__ == "__main__":
    main()
