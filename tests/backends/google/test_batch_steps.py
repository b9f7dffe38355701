"""A batch prediction's step whose process is killed: its program goes on, and nobody starts a second one beside it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.vertex import until

from mlmagic.backends.google.batch_steps import end_step, run_step
from mlmagic.runtime.inspection import Interrupted
from mlmagic.spec.codec import loads
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.processes import ProcessIdentity, is_alive

PROGRAM = """#!/bin/sh
echo begun >> "{place}/begun"
while [ ! -e "{place}/go" ]; do sleep 0.05; done
touch "{made}"
"""


@pytest.fixture
def folder(workspace: Workspace, tmp_path: Path) -> Iterator[JobFolder]:
    """A job's folder; the program of its step waits for the file `go`."""
    folder = workspace.job("houses-20260101-000000-0a1b")
    folder.root.mkdir(parents=True)
    (tmp_path / "python").write_text(PROGRAM.format(place=tmp_path, made=folder.batch_prepared))
    (tmp_path / "python").chmod(0o700)
    yield folder
    (tmp_path / "go").touch()


@pytest.fixture
def step(folder: JobFolder, tmp_path: Path) -> Callable[[Callable[[], None]], object]:
    spec = JobSpec(display_name="houses", package=PackageReference(digest="d"), python=str(tmp_path / "python"))
    return lambda go_on: run_step(folder, spec, "prepare", go_on, {})


@pytest.fixture
def left(folder: JobFolder, step: Callable[[Callable[[], None]], object], tmp_path: Path) -> ProcessIdentity:
    """The program of a process that was killed when it had begun."""

    def die() -> None:
        if (tmp_path / "begun").exists():
            os.kill(os.getpid(), signal.SIGKILL)

    if (pid := os.fork()) == 0:
        try:
            step(die)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    return loads(ProcessIdentity, folder.batch_step.read_bytes())


def test_the_next_process_waits_for_the_program(
    left: ProcessIdentity, step: Callable[[Callable[[], None]], object], tmp_path: Path
) -> None:
    looks: list[bool] = []

    def look() -> None:
        looks.append(is_alive(left))
        (tmp_path / "go").touch()

    assert step(look) is None
    assert looks[0]
    assert (tmp_path / "begun").read_text() == "begun\n"


def test_who_no_longer_waits_ends_it(
    left: ProcessIdentity, folder: JobFolder, step: Callable[[Callable[[], None]], object]
) -> None:
    def stop() -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        step(stop)
    assert not is_alive(left)
    assert not folder.batch_prepared.exists()


def test_a_job_that_has_ended_leaves_none(left: ProcessIdentity, folder: JobFolder) -> None:
    end_step(folder)
    until(lambda: not is_alive(left))
    end_step(folder)


def test_one_that_was_killed_too_is_started_again(
    left: ProcessIdentity, step: Callable[[Callable[[], None]], object], tmp_path: Path
) -> None:
    os.kill(left.pid, signal.SIGKILL)
    (tmp_path / "go").touch()
    assert step(lambda: None) is None
    assert (tmp_path / "begun").read_text() == "begun\nbegun\n"
