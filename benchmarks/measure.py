"""Rounds, medians and the table that they are printed in."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

import psutil


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement, in seconds."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Sample:
    """Run the work once in this process and return what it took."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Sample(time.perf_counter() - wall, time.process_time() - cpu)


def interleaved(variants: Mapping[str, Callable[[], Sample]], *, rounds: int) -> dict[str, list[Sample]]:
    """Measure all variants in turn, round after round: what slows the machine for a while slows all of them."""
    samples: dict[str, list[Sample]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, measure in variants.items():
            samples[name].append(measure())
    return samples


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a program took: seconds, and MiB at the most."""

    wall: float
    cpu: float
    memory: float


def run_program(command: Sequence[str]) -> Run:
    """Run a program to its end."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"{command[:3]} failed:\n{log.read().decode()[-4000:]}")
    return Run(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def print_table(title: str, samples: Mapping[str, list[Sample]], *, goal: str) -> None:
    """Print medians in milliseconds, with the fastest and slowest round beside them."""
    rounds = len(next(iter(samples.values())))
    print(f"\n{title}\n  goal: {goal}; medians of {rounds} interleaved rounds, ms\n")
    width = max(map(len, samples))
    print(f"  {'':{width}}  {'wall':>8}  {'min':>8}  {'max':>8}  {'CPU':>8}")
    for name, taken in samples.items():
        walls = [sample.wall * 1000 for sample in taken]
        cpu = statistics.median(sample.cpu * 1000 for sample in taken)
        print(f"  {name:{width}}  {statistics.median(walls):8.1f}  {min(walls):8.1f}  {max(walls):8.1f}  {cpu:8.1f}")


def print_environment() -> None:
    """Print what the numbers depend on."""
    packages = ("mlmagic", "ipython", "jupyter-server", "tensorboard")
    print(f"Python {platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}")
    memory = psutil.virtual_memory().total / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.2f} at the start")
    print(", ".join(f"{name} {metadata.version(name)}" for name in packages))
