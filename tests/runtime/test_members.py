from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.queued import is_running

from mlmagic.errors import WorkspaceError
from mlmagic.runtime.members import Household, end_members, members

JOB = "taxi-20260131-235959-0a1b"
SLEEP = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]


@pytest.fixture
def marked() -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "CLOUD_ML_JOB_ID": JOB}
    with subprocess.Popen(SLEEP, env=environment, start_new_session=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_found_by_mark_and_by_session(marked: subprocess.Popen[bytes]) -> None:
    assert members(JOB, session=None) == {marked.pid}
    assert members("another", session=marked.pid) == {marked.pid}
    assert members(JOB, session=None, apart_from=lambda: {marked.pid}) == set()


def test_nobody_else_is_meant(marked: subprocess.Popen[bytes]) -> None:
    assert members(JOB[:-1], session=None) == set()
    assert members("another", session=None) == set()


def test_the_dead_are_not_counted(marked: subprocess.Popen[bytes]) -> None:
    assert end_members(JOB, session=marked.pid) == {marked.pid}
    # Nobody has waited for it: it is a zombie now.
    assert not is_running(marked.pid)
    assert members(JOB, session=marked.pid) == members(JOB, session=None) == set()


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, env={})
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """A process, and its child in another session, without a mark."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        yield parent.pid, child
        os.kill(child, signal.SIGKILL)


def test_descendants_are_found(family: tuple[int, int]) -> None:
    parent, child = family
    assert members("another", session=None, root=parent) == {child}
    assert members("another", session=None, root=parent, apart_from=lambda: {child}) == set()


def test_who_works_for_others_may_be_an_ancestor_of_the_root(family: tuple[int, int]) -> None:
    parent, child = family
    assert members("another", session=None, root=parent, apart_from=lambda: {os.getpid()}) == {child}


def test_what_is_stopped_ends_too(marked: subprocess.Popen[bytes]) -> None:
    marked.send_signal(signal.SIGSTOP)
    assert end_members(JOB, session=None, grace=60.0) == {marked.pid}
    assert marked.wait(60) == -signal.SIGTERM


def unknown() -> set[int]:
    raise WorkspaceError("the database is locked.")


def test_where_neighbours_are_unknown_only_what_surely_is_the_jobs_ends(
    marked: subprocess.Popen[bytes], family: tuple[int, int]
) -> None:
    parent, child = family
    assert Household(job_id=JOB, head=parent, neighbours=unknown).end() == 1
    assert marked.wait(60) == -signal.SIGKILL
    assert is_running(child)
