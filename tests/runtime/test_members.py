from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.queued import is_running

from mlmagic.runtime.members import end_members, members

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
    assert members(JOB, session=None, apart_from={marked.pid}) == set()


def test_nobody_else_is_meant(marked: subprocess.Popen[bytes]) -> None:
    assert members(JOB[:-1], session=None) == set()
    assert members("another", session=None) == set()


def test_the_dead_are_not_counted(marked: subprocess.Popen[bytes]) -> None:
    assert end_members(JOB, session=marked.pid) == {marked.pid}
    # Nobody has waited for it: it is a zombie now.
    assert not is_running(marked.pid)
    assert members(JOB, session=marked.pid) == members(JOB, session=None) == set()
