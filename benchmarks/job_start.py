"""From submission to the first line of user code that has TensorFlow, and twelve small jobs, two at a time.

submitit is no dependency: `uv pip install --target DIR submitit` and `PYTHONPATH=DIR` give it its row.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from benchmarks.measure import Sample, interleaved, print_table
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.runtime.agent_call import read_agent
from mlmagic.runtime.contract import outer_environment
from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.resources import Resources
from mlmagic.testing.backends import make_package, read_log, wait_for, wait_for_text
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace

ROUNDS = 9
JOBS, AT_ONCE, JOB_ROUNDS = 12, 2, 3
TOGETHER = 4
WARM, COLD = "%%train", "%%train --fresh"
MODULE, SCRIPT, SUBMITIT = "python -m trainer.task", "python trainer/task.py", "submitit, LocalExecutor"
PROCESSES, ONE = "subprocesses", "one process, no isolation"

FIRST_LINE = """
import time
import tensorflow
print(time.time(), time.process_time())
"""
TRAIN = """
import keras, numpy
def train(seed):
    keras.utils.set_random_seed(seed)
    x = numpy.random.rand(2000, 8).astype("float32")
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model.fit(x, x.sum(axis=1), epochs=1, verbose=0).history["loss"][-1]
"""
ONE_JOB = TRAIN + "print('loss', train(1))\n"
ALL_JOBS = TRAIN + f"for seed in range({JOBS}):\n    print('loss', train(seed))\n"
STAY = ONE_JOB + "import os, time\nprint('pid', os.getpid())\nwhile True:\n    time.sleep(0.1)\n"


class Engine:
    """The local backend with a workspace of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = open_workspace(Workspace(folder / ".mlmagic"))
        self.backend = LocalBackend(self.workspace)

    def submit(self, source: str, *, fresh: bool = False, cores: float | None = None) -> JobRecord:
        package = make_package(source)
        spec = JobSpec(
            display_name="job",
            package=PackageReference(digest=package.digest),
            working_directory=str(self.folder),
            fresh=fresh,
            resources=Resources(cores=cores),
        )
        return self.backend.submit(spec, package)

    def run(self, source: str, *, fresh: bool = False) -> str:
        """Return what a job printed."""
        record = wait_for(self.backend, self.submit(source, fresh=fresh).id)
        log = read_log(self.backend, record.id)
        if record.state is not JobState.SUCCEEDED:
            raise RuntimeError(log)
        return log

    @property
    def agent(self) -> psutil.Process:
        record = read_agent(self.workspace)
        if record is None:
            raise RuntimeError("there is no agent")
        return psutil.Process(record.pid)

    @property
    def server(self) -> psutil.Process:
        """The fork server that has imported TensorFlow."""
        return next(child for child in self.agent.children() if "tensorflow" in child.cmdline())

    def cpu(self) -> float:
        """Processor seconds so far of the agent, its fork servers, and all jobs that have ended."""
        times = [process.cpu_times() for process in (self.agent, *self.agent.children())]
        return sum(time.user + time.system + time.children_user + time.children_system for time in times)

    def close(self) -> None:
        """Leave nothing running."""
        for job in self.backend.list():
            if not job.state.is_final:
                self.backend.cancel(job.id)
                wait_for(self.backend, job.id)
        agent = self.agent
        agent.terminate()
        agent.wait(30)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, _environment():
        engine = Engine(Path(name))
        begin = time.perf_counter()
        engine.run(FIRST_LINE)
        print(f"\n  the first job, which waits for its fork server: {time.perf_counter() - begin:.1f} s")
        try:
            _first_lines(engine)
            _memory(engine)
            _many_jobs(engine)
        finally:
            engine.close()


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """What jobs get, for all variants alike; importing from source text would measure the compiler."""
    before = dict(os.environ)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    yield
    os.environ.clear()
    os.environ.update(before)


def _first_lines(engine: Engine) -> None:
    package = engine.folder / "package"
    for file, content in make_package(FIRST_LINE).files.items():
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_bytes(content)
    variants: dict[str, Callable[[], Sample]] = {
        WARM: lambda: _until_printed(lambda: engine.run(FIRST_LINE)),
        COLD: lambda: _until_printed(lambda: engine.run(FIRST_LINE, fresh=True)),
        MODULE: lambda: _until_printed(lambda: _output(["-m", "trainer.task"], package)),
        SCRIPT: lambda: _until_printed(lambda: _output(["trainer/task.py"], package)),
    }
    if importlib.util.find_spec("submitit") is None:
        print(f"  {SUBMITIT}: not measured, submitit is not installed")
    else:
        variants[SUBMITIT] = lambda: _until_printed(lambda: _with_submitit(engine.folder))
    samples = interleaved(variants, rounds=ROUNDS)
    print_table("From submission to the first line", samples, goal=f"{WARM} 50 times faster than {MODULE}")
    module, warm, cold = (statistics.median(sample.wall for sample in samples[name]) for name in (MODULE, WARM, COLD))
    print(f"\n  {MODULE} / {WARM}: {module / warm:.0f} times; {COLD} / {MODULE}: {cold / module:.2f} times")


def _until_printed(run: Callable[[], str]) -> Sample:
    """Measure until the program says what time it is; its processor time is that of its own process."""
    begin = time.time()
    line = next(line for line in run().splitlines() if line[:1].isdigit())
    printed, cpu = map(float, line.split())
    return Sample(printed - begin, cpu)


def _output(arguments: list[str], folder: Path) -> str:
    command = [sys.executable, *arguments]
    environment = outer_environment(os.environ)
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout


def _with_submitit(folder: Path) -> str:
    submitit = importlib.import_module("submitit")
    executor = submitit.LocalExecutor(folder=folder / "submitit")
    executor.update_parameters(timeout_min=5)
    return str(executor.submit(_first_line).result())


def _first_line() -> str:
    importlib.import_module("tensorflow")
    return f"{time.time()} {time.process_time()}"


def _memory(engine: Engine) -> None:
    rss, pss = _memory_of(engine.server.pid)
    times = engine.server.cpu_times()
    print(f"\n  the fork server itself, its import included: {times.user + times.system:.1f} s of CPU")
    print(f"\nMemory, MiB\n\n  fork server at rest: RSS {rss:.0f}, PSS {pss:.0f}")
    for name, fresh in ((WARM, False), (COLD, True)):
        records = [engine.submit(STAY, fresh=fresh, cores=1 / TOGETHER) for _ in range(TOGETHER)]
        for record in records:
            wait_for_text(engine.backend, record.id, "pid")
        logs = [read_log(engine.backend, record.id) for record in records]
        pids = [int(line.split()[1]) for log in logs for line in log.splitlines() if line.startswith("pid ")]
        shares = [_memory_of(pid)[1] for pid in pids]
        for record in records:
            engine.backend.cancel(record.id)
            wait_for(engine.backend, record.id)
        print(f"  {name}: PSS {statistics.mean(shares):.0f} per job while {len(pids)} of {TOGETHER} run, trained")


def _memory_of(pid: int) -> tuple[float, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    values = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return values["Rss:"], values["Pss:"]


def _many_jobs(engine: Engine) -> None:
    script, scripts = engine.folder / "one.py", engine.folder / "all.py"
    script.write_text(ONE_JOB)
    scripts.write_text(ALL_JOBS)

    def at_once(work: Callable[[], str]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda _: work(), range(JOBS)))

    variants = {
        WARM: lambda: _with_cpu(lambda: at_once(lambda: engine.run(ONE_JOB)), engine.cpu),
        PROCESSES: lambda: _with_cpu(lambda: at_once(lambda: _output([str(script)], engine.folder)), _children_cpu),
        ONE: lambda: _with_cpu(lambda: _output([str(scripts)], engine.folder), _children_cpu),
    }
    samples = interleaved(variants, rounds=JOB_ROUNDS)
    title = f"{JOBS} jobs of one epoch, {AT_ONCE} at a time"
    print_table(title, samples, goal=f"{PROCESSES} / {WARM} CPU 3 or more; {WARM} / {ONE} CPU 1.3 or less")
    medians = {name: statistics.median(sample.cpu for sample in taken) for name, taken in samples.items()}
    walls = {name: statistics.median(sample.wall for sample in taken) for name, taken in samples.items()}
    for slow, fast in ((PROCESSES, WARM), (WARM, ONE)):
        print(
            f"\n  {slow} / {fast}: CPU {medians[slow] / medians[fast]:.2f}, wall {walls[slow] / walls[fast]:.2f}",
            end="",
        )
    print()


def _with_cpu(work: Callable[[], object], cpu: Callable[[], float]) -> Sample:
    begin, before = time.perf_counter(), cpu()
    work()
    wall = time.perf_counter() - begin
    # Supervisors end a moment after their jobs.
    time.sleep(1)
    return Sample(wall, cpu() - before)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
