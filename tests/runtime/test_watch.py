from __future__ import annotations

import os
import signal
import subprocess
import sys

from mlmagic.runtime.watch import Watch, _pipe


def test_the_end_of_a_child_wakes_up() -> None:
    with Watch() as watch, subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        watch.sleep(60)
        assert child.wait(60) == 0
        assert not watch.told_to_end


def test_sigterm_is_noted_and_sigint_is_not() -> None:
    with Watch() as watch:
        os.kill(os.getpid(), signal.SIGINT)
        assert not watch.told_to_end
        os.kill(os.getpid(), signal.SIGTERM)
        watch.sleep(60)
        assert watch.told_to_end


def test_the_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)]
    with Watch() as watch:
        watch.sleep(0)
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)] == before


def test_a_pipe_that_never_waits() -> None:
    ends = _pipe()
    assert [os.get_blocking(end) for end in ends] == [False, False]
    for end in ends:
        os.close(end)
