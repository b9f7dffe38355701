"""24 trials of one epoch, beside KerasTuner and Optuna: `python -m benchmarks.tuning.speed`.

All run the same function (`peers/trial.py`). mlmagic runs two trials at a time, each a process of its own with a log
and a record; the peers run theirs in one process, one after the other, or with a process for each, two at a time.
Times are from the call to the end of the study, imports included; of mlmagic also with a warm process that is there
already, as after the first job of a notebook. CPU is what the whole machine took meanwhile, memory that of all
processes that were not there before, at the most, each page counted once for each of those that share it by its part.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.tuning.environment import peers_python
from mlmagic.api.study import study
from mlmagic.api.tuning import tune
from mlmagic.runtime.agent_call import read_agent
from mlmagic.session import Session

TRIAL = Path(__file__).with_name("peers") / "trial.py"
SPACE = "units=8..128,learning_rate=log:1e-4..1e-1,activation=relu|tanh"
IN_PROCESS, WITH_PROCESSES = ("KerasTuner in process", "Optuna in process"), "Optuna, a process per trial"
COLD, WARM = "mlmagic, cold", "mlmagic"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a study took."""

    wall: float
    cpu: float
    memory: float
    """MiB at the most."""


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.tuning.speed", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--trials", type=int, default=24)
    given = arguments.parse_args()
    python = peers_python()
    variants: dict[str, Callable[[], Taken]] = {
        COLD: lambda: ours(given.trials, is_warm=False),
        WARM: lambda: ours(given.trials, is_warm=True),
        **{
            name: lambda program=program: peer(python, program, given.trials)  # type: ignore[misc]
            for name, program in (
                (IN_PROCESS[0], "in_keras_tuner.py"),
                (IN_PROCESS[1], "in_optuna.py"),
                (WITH_PROCESSES, "with_optuna.py"),
            )
        },
    }
    taken: dict[str, list[Taken]] = {name: [] for name in variants}
    for _ in range(given.rounds):
        for name, run in variants.items():
            taken[name].append(run())
    show(taken, given.trials, given.rounds)


def ours(trials: int, *, is_warm: bool) -> Taken:
    """Run a study in a workspace of its own."""
    with _workspace() as session:
        if is_warm:
            _run(session, 2)
        with watched() as taken:
            _run(session, trials)
        return taken()


def _run(session: Session, trials: int) -> None:
    job_id = tune(
        "bench",
        source=TRIAL.read_text(),
        metric="val_loss",
        goal="minimize",
        space=SPACE,
        trials=trials,
        parallel=2,
        seed=1,
        session=session,
    ).id
    made = study(job_id, session=session)
    made.wait()
    if len(made.study.trials) != trials:
        raise RuntimeError(f"{len(made.study.trials)} trials, not {trials}")


@contextlib.contextmanager
def _workspace() -> Iterator[Session]:
    home = tempfile.mkdtemp()
    session = Session(environ=os.environ | {"MLMAGIC_HOME": f"{home}/.mlmagic"}, start=Path(home))
    try:
        yield session
        agent = read_agent(session.location)
    finally:
        session.close()
        shutil.rmtree(home, ignore_errors=True)
    if agent is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(agent.pid).terminate()


def peer(python: Path, program: str, trials: int) -> Taken:
    """Run a peer's program."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
    with watched() as taken:
        done = subprocess.run(
            [python, TRIAL.with_name(program), str(trials)],
            env=environment,
            cwd=TRIAL.parent,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or not done.stdout.splitlines()[-1].startswith(f"{trials} "):
        raise RuntimeError(f"{program} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return taken()


@contextlib.contextmanager
def watched() -> Iterator[Callable[[], Taken]]:
    """Lend a function that tells what was taken since."""
    before = {process.pid for process in psutil.process_iter()}
    peak, is_over = [0.0], threading.Event()

    def look() -> None:
        while not is_over.wait(0.3):
            peak[0] = max(peak[0], _proportional_mib(before))

    watcher = threading.Thread(target=look)
    watcher.start()
    wall, cpu = time.perf_counter(), _machine_cpu()
    try:
        yield lambda: Taken(ended[0] - wall, ended[1] - cpu, peak[0])
    finally:
        ended = time.perf_counter(), _machine_cpu()
        is_over.set()
        watcher.join()


def _machine_cpu() -> float:
    times = psutil.cpu_times()
    return times.user + times.system + times.nice


def _proportional_mib(before: set[int]) -> float:
    total = 0
    for process in psutil.process_iter():
        if process.pid not in before:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total / 2**20


def show(taken: dict[str, list[Taken]], trials: int, rounds: int) -> None:
    """Print the table and what it says of the goals."""
    print(f"\n{trials} trials of one epoch; medians of {rounds} interleaved rounds; load {os.getloadavg()[0]:.2f}")
    print("  goal: 0.5 of a process per trial, 1.2 of in process\n")
    print(f"  {'':28}  {'wall s':>7}  {'min':>6}  {'max':>6}  {'CPU s':>6}  {'MiB':>6}")
    walls = {}
    for name, runs in taken.items():
        wall, cpu, memory = (
            statistics.median(getattr(each, key) for each in runs) for key in ("wall", "cpu", "memory")
        )
        walls[name] = wall
        low, high = min(each.wall for each in runs), max(each.wall for each in runs)
        print(f"  {name:28}  {wall:7.1f}  {low:6.1f}  {high:6.1f}  {cpu:6.1f}  {memory:6.0f}")
    for name in (COLD, WARM):
        ratios = ", ".join(
            f"{walls[name] / wall:.2f} of {other}" for other, wall in walls.items() if other not in {COLD, WARM}
        )
        print(f"  {name}: {ratios}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
