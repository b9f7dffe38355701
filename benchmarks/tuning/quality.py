"""How good the trials are that a search finds: `python -m benchmarks.tuning.quality`.

Each engine searches each task with the same number of trials, one after the other, and the same seeds. Regret is how
far the best value lies above the minimum; where that is not known, above the best that any engine found. CPU is what a
search took beside its trials, for each of them, on one core. A peer that does not finish in the time it is given has
its row, with the searches that it finished.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tuning.environment import PROGRAMS, has_torch, peers_python

MINIMA = {"branin": 0.39788735772973816, "hartmann6": -3.322368011415515, "boosting": None, "support": None}
OURS = "mlmagic"


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to search."""

    name: str
    program: tuple[str, ...]
    is_ours: bool = False


ENGINES = (
    Engine(OURS, ("search_ours.py", "BAYESIAN"), is_ours=True),
    Engine("Optuna GPSampler", ("search_optuna.py", "GP")),
    Engine("Optuna TPE", ("search_optuna.py", "TPE")),
    Engine("KerasTuner Bayesian", ("search_keras_tuner.py",)),
    Engine("random", ("search_ours.py", "RANDOM"), is_ours=True),
)


@dataclass(frozen=True, slots=True)
class Search:
    """What a search with one seed found and took."""

    bests: list[float]
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuning.quality", description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=list(MINIMA), default=list(MINIMA))
    parser.add_argument("--engines", nargs="+", default=[engine.name for engine in ENGINES])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--limit", type=float, default=600, help="seconds for an engine's searches of a task")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    engines = [engine for engine in ENGINES if engine.name in given.engines]
    if not all(engine.is_ours for engine in engines):
        peers_python()
    if any("GP" in engine.program for engine in engines) and not has_torch():
        engines = [engine for engine in engines if "GP" not in engine.program]
        print("Optuna GPSampler is left out: there is no PyTorch for CPUs among the configured sources.")
    with ThreadPoolExecutor(given.processes) as pool:
        pairs = list(itertools.product(given.tasks, engines))
        running = [
            pool.submit(searches, engine, task, given.trials, range(given.seeds), given.limit) for task, engine in pairs
        ]
        # Each task is told as soon as it is done: all of them take an hour.
        for task in given.tasks:
            rows = {engine: one.result() for (other, engine), one in zip(pairs, running, strict=True) if other == task}
            show(task, rows, given.trials, given.seeds)


def searches(engine: Engine, task: str, trials: int, seeds: Sequence[int], limit: float) -> list[Search]:
    """Search a task with each seed, in one process; those that are not done in time are missing."""
    program, *arguments = engine.program
    python = Path(sys.executable) if engine.is_ours else peers_python()
    command: list[str | Path] = [python, PROGRAMS / program, *arguments, task, str(trials), *map(str, seeds)]
    # Threads would be counted, and more of them make such small matrices slower.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "PYTHONPATH": str(Path.cwd()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
    else:
        if process.returncode:
            print(f"{engine.name} failed on {task}:\n{errors[-2000:]}", file=sys.stderr)
    lines = [json.loads(line) for line in output.splitlines() if line.endswith("}")]
    return [Search(line["bests"], line["cpu"]) for line in lines]


def show(task: str, rows: dict[Engine, list[Search]], trials: int, seeds: int) -> None:
    """Print a table in Markdown."""
    minimum = MINIMA[task]
    least = min((one.bests[-1] for taken in rows.values() for one in taken), default=0.0)
    half = max(1, trials // 2)
    print(f"\n### {task}: regret after {trials} trials" + ("" if minimum else f", above {least:.5g}, the best of all"))
    print(f"\n| engine | median | mean | worst | median after {half} | CPU per trial | searches |")
    print("|---|---|---|---|---|---|---|")
    for engine, taken in rows.items():
        if not taken:
            print(f"| {engine.name} | - | - | - | - | - | 0 of {seeds} |")
            continue
        zero = least if minimum is None else minimum
        regrets = [one.bests[-1] - zero for one in taken]
        early = statistics.median(one.bests[half - 1] - zero for one in taken)
        cpu = statistics.median(one.cpu for one in taken) / trials
        print(
            f"| {engine.name} | {statistics.median(regrets):.4f} | {statistics.fmean(regrets):.4f} "
            f"| {max(regrets):.4f} | {early:.4f} | {1000 * cpu:.1f} ms | {len(taken)} of {seeds} |"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
