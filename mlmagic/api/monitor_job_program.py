"""The program that a monitoring job runs: it looks, waits, and looks again."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mlmagic.api.monitor_job_looks import Looks
from mlmagic.api.monitor_job_webhook import Sender, read_webhook
from mlmagic.api.monitor_job_words import parse_words, seconds_text
from mlmagic.errors import MlmagicError, UsageError
from mlmagic.runtime.contract import JOB_ID_VARIABLE

if TYPE_CHECKING:
    from mlmagic.workspace.layout import JobFolder

_LONGEST_SLEEP = 15.0
"""After so many seconds it looks whether the endpoint is still there."""


class Failed(Exception):  # noqa: N818 - the run did
    """An error that says all there is to say."""


def main(argv: Sequence[str] | None = None) -> None:
    """Look again and again, as the arguments say, until there is nothing to look at any more."""
    from mlmagic.session import Session

    try:
        words = parse_words(sys.argv[1:] if argv is None else argv)
        session = Session(environ={**os.environ, "MLMAGIC_HOME": words.workspace, "MLMAGIC_BACKEND": "local"})
        folder = session.workspace.job(os.environ[JOB_ID_VARIABLE])
        log = Log(1)
        looks = Looks(session, words, folder, tell=log.tell)
        looks.tell_alerts()
        sending = Sending(looks, folder, tell=log.tell)
        if words.has_webhook:
            sending.start()
        signal.signal(signal.SIGTERM, _leave)
        try:
            run(looks, words.every, tell=log.tell, on_look=sending.wake if words.has_webhook else _nothing)
        except SystemExit:
            looks.leave()
            # As the signal itself would have ended it: who is only killed is started again.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            raise
    except MlmagicError as error:
        # Our own frames would only push it off the screen.
        raise Failed(str(error)) from None


def run(
    looks: Looks,
    every: float,
    *,
    tell: Callable[[str], object],
    on_look: Callable[[], object],
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Look every so many seconds until there is nothing to look at any more; after a kill, go on in its turn."""
    last = looks.status.last_look
    due = clock() if last is None else max(clock(), last.timestamp() + every)
    while looks.status.ended is None:
        # It is never longer, but if the clock was set back.
        left = min(due - clock(), every)
        due = clock() + left
        if left > 0:
            sleep(min(left, _LONGEST_SLEEP))
            with suppress(MlmagicError, OSError):
                looks.check()
            continue
        began = clock()
        looks.look()
        on_look()
        took = clock() - began
        if took > every:
            tell(f"That took {took:.0f} s, and a look is due every {seconds_text(every)}: those between are left out.")
        due = began + every * max(1, math.ceil(took / every))


class Sending:
    """What is sent, once the address is there: it is written down just after the job is submitted."""

    def __init__(self, looks: Looks, folder: JobFolder, *, tell: Callable[[str], object]) -> None:
        self._looks = looks
        self._folder = folder
        self._tell = tell
        self._sender: Sender | None = None
        self._is_missed = False

    def start(self) -> bool:
        """Begin to send, also what is left from before; say whether there is an address."""
        if self._sender is None:
            folder = self._folder
            try:
                address = read_webhook(folder.webhook.read_text())
            except (OSError, UsageError):
                return False
            record, sent = self._looks.record, folder.sent_alerts
            self._sender = Sender(address, record, job=folder.id, sent=sent, tell=self._tell)
            self._sender.start()
        return True

    def wake(self) -> None:
        """Say that there may be new alerts; returns at once."""
        if self.start():
            assert self._sender is not None  # noqa: S101 - it has been started
            self._sender.wake()
        elif not self._is_missed:
            # A job that is run again is another one, and gets nobody's secrets.
            self._tell("No alert is sent: this job has no webhook's address. Start it anew, with --webhook.")
            self._is_missed = True


class Log:
    """Lines to a descriptor. A disk that is full costs lines, never the program."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_torn = False

    def tell(self, line: str) -> bool:
        """Write a line, and say whether all of it could be written."""
        data = f"{line}\n".encode("utf-8", "replace")
        try:
            if self._is_torn:
                os.write(self._descriptor, b"\n")
                self._is_torn = False
            written = os.write(self._descriptor, data)
        except OSError:
            return False
        self._is_torn = written < len(data)
        return not self._is_torn


def _nothing() -> None:
    pass


def _leave(number: int, _: object) -> None:
    # What is being written now is cut off, as by any kill, and whoever writes next mends it.
    raise SystemExit(128 + number)
