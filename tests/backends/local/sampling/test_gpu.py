"""What a program called nvidia-smi prints is counted to the replicas, and never in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.puppets import Job

from mlmagic.backends.local.sampling.gpu import GpuReader, GpuUse
from mlmagic.backends.local.sampling.sampler import Sampler
from mlmagic.workspace.layout import Workspace

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a program called nvidia-smi on the path, which prints once and then nothing more."""

    def write(applications: str, gpus: str) -> None:
        program = tmp_path / "bin" / "nvidia-smi"
        program.parent.mkdir()
        program.write_text(
            f"#!{sys.executable} -S\nimport os, sys, time\n"
            f"open({os.fspath(tmp_path)!r} + f'/{{os.getpid()}}.pid', 'w').close()\n"
            f"print({applications!r} if 'apps' in sys.argv[1] else {gpus!r}, flush=True)\n"
            "assert sys.argv[2:] == ['--format=csv,noheader,nounits', '-l', '1']\n"
            "time.sleep(60)\n"
        )
        program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return write


@pytest.fixture
def reader() -> Iterator[GpuReader]:
    reader = GpuReader()
    yield reader
    reader.close()


def wait_for(reader: GpuReader, pids: tuple[int, ...], is_wanted: Callable[[GpuUse | None], bool]) -> GpuUse | None:
    while not is_wanted(use := reader.of(pids)):
        reader.read()
        time.sleep(0.01)
    return use


def is_whole(use: GpuUse | None) -> bool:
    return use is not None and use.percent is not None


def test_processes_have_their_memory_and_the_load_of_their_gpus(install: Install, reader: GpuReader) -> None:
    install("11, GPU-a, 300\n12, GPU-a, 200\n12, GPU-b, 100", "GPU-a, 90\nGPU-b, 40")
    assert wait_for(reader, (12,), is_whole) == GpuUse(percent=65.0, memory_bytes=300 << 20)
    assert reader.of((11, 13)) == GpuUse(percent=90.0, memory_bytes=300 << 20)
    assert reader.of((13,)) is None


def test_lines_that_are_not_understood_are_passed_over(install: Install, reader: GpuReader) -> None:
    install("No devices were found\n12, GPU-a, [N/A]\n12, GPU-b\nx, y, z", "GPU-a, [N/A]\n, ,\nGPU-a, 7")
    assert wait_for(reader, (12,), is_whole) == GpuUse(percent=7.0, memory_bytes=None)


def test_samples_have_gpus(install: Install, reader: GpuReader, workspace: Workspace, job: Callable[..., Job]) -> None:
    taxi = job()
    install(f"{taxi.replica().pid}, GPU-a, 300", "GPU-a, 90")
    wait_for(reader, (taxi.folder.root.stat().st_ino, *_pids(taxi)), is_whole)
    Sampler(workspace, gpus=reader).sample({taxi.folder.id: taxi.supervisor.pid})
    (sample,) = taxi.usage.samples
    assert (sample.gpu_percent, sample.gpu_memory_bytes) == (90.0, 300 << 20)


def _pids(job: Job) -> list[int]:
    return [child.pid for child in psutil.Process(job.supervisor.pid).children()]


def test_without_the_program_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    before = psutil.Process().children()
    reader = GpuReader()
    reader.read()
    assert reader.of((1,)) is None
    assert psutil.Process().children() == before


def test_a_program_that_ends_is_not_started_again_at_once(install: Install, reader: GpuReader, tmp_path: Path) -> None:
    install("", "")
    (tmp_path / "bin" / "nvidia-smi").write_text(f"#!/bin/sh\necho >> {tmp_path}/started\nexit 9\n")
    reader.read()
    while reader._programs:
        reader.read()
        time.sleep(0.01)
    reader.read()
    assert reader._programs == ()
    assert (tmp_path / "started").read_text().count("\n") <= 2


def test_the_programs_end_with_the_reader_and_stale_values_with_them(
    install: Install, reader: GpuReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = psutil.Process().children()
    install("12, GPU-a, 300", "GPU-a, 90")
    wait_for(reader, (12,), is_whole)
    monkeypatch.setattr("mlmagic.backends.local.sampling.gpu._STALE_SECONDS", 0.0)
    reader.read()
    assert reader.of((12,)) is None
    reader.close()
    assert psutil.Process().children() == before


def test_a_program_whose_reader_is_gone_is_not_started() -> None:
    command = [sys.executable, "-m", "mlmagic.backends.local.sampling.companion", "1", sys.executable, "-c", "print(1)"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("", "")


def test_the_programs_end_when_the_reader_is_killed(install: Install, tmp_path: Path) -> None:
    install("12, GPU-a, 300", "GPU-a, 90")
    source = (
        "import time; from mlmagic.backends.local.sampling.gpu import GpuReader; reader = GpuReader()\n"
        "while not (use := reader.of((12,))) or use.percent is None: reader.read(); time.sleep(0.01)\n"
        "print('read', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline() == "read\n"
        programs = [psutil.Process(int(path.stem)) for path in tmp_path.glob("*.pid")]
        agent.send_signal(signal.SIGKILL)
    assert len(programs) == 2
    assert psutil.wait_procs(programs, timeout=20)[1] == []
