"""One look after another: what a monitoring job finds, tells and writes down, and why it ends.

An alert is told once, and none is forgotten: what began is on the disk before it is told, and the log tells what was.
"""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.api.inputs import is_remote
from mlmagic.api.monitor_arguments import read_wanted
from mlmagic.api.monitor_endpoint import deployed_versions, monitor_endpoint
from mlmagic.api.monitor_given import monitor_files
from mlmagic.api.monitor_job_words import MonitorWords
from mlmagic.api.monitor_log import newest_request
from mlmagic.errors import MlmagicError, NotFoundError
from mlmagic.panels.text import one_line
from mlmagic.runtime.event_writer import EventWriter
from mlmagic.runtime.monitored import look_line, read_status
from mlmagic.spec import codec
from mlmagic.spec.job import JobState
from mlmagic.spec.monitoring import FeatureComparison
from mlmagic.spec.monitoring_alert import Alert, MonitorStatus
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.files import make_folder, write_atomic
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.monitors import MonitorFolder, end_alerts, is_over, read_alerts, record_look

if TYPE_CHECKING:
    from mlmagic.api.monitor_views import Monitoring
    from mlmagic.session import Session
    from mlmagic.workspace.layout import JobFolder

_BEGAN, _ENDED = "Alert", "Ended"
_TOLD = re.compile(rb"(Alert|Ended) ([0-9a-f]{12}) ")


class Looks:
    """What a job knows between its looks; made anew, it goes on where the one before was."""

    def __init__(
        self,
        session: Session,
        words: MonitorWords,
        folder: JobFolder,
        *,
        tell: Callable[[str], bool],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`tell` writes a line into the job's log, and says whether it could."""
        self._session = session
        self._words = words
        self._folder = folder
        self._tell = tell
        self._now = now
        self._endpoint: str | None = words.given["endpoint"]
        root = folder.monitoring if self._endpoint is None else session.location.endpoint(self._endpoint).monitoring
        self.record = MonitorFolder(root)
        self.status = read_status(folder) or MonitorStatus()
        self._told = _told_in(folder.log())
        self._is_waiting = False
        self._writers: dict[str, EventWriter] = {}

    def look(self) -> None:
        """Look once, if there is anything new, and tell what there is to tell; `status.ended` tells a last look.

        Nothing that goes wrong with a look is an error: it is a line, and the next one comes.
        """
        try:
            self.check()
            if self.status.ended is not None:
                return
            seen = self._seen()
            newest = None if seen == self.status.seen else self._newest()
            if seen == self.status.seen or self._is_known(seen, newest):
                self.status = replace(self.status, seen=seen)
                self._wait("nothing is new since the last look")
            elif self._endpoint is not None and newest is None:
                self._wait(f"{self._endpoint} has logged nothing yet")
            else:
                self._look(seen, newest)
        except NotFoundError as error:
            # Of files, the model; an endpoint is asked for before.
            self._end(error.message.rstrip("."))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look is to come
            self._fail(error)
        self.tell_alerts()

    def check(self) -> None:
        """Look whether there is still something to look at; `status.ended` tells.

        Raises:
            MlmagicError: that cannot be read now.
        """
        if self._endpoint is not None:
            try:
                EndpointStore(Database(self._session.workspace)).get(self._endpoint)
            except NotFoundError:
                self._end(f"the endpoint {self._endpoint} is deleted")

    def _look(self, seen: str, newest: datetime | None) -> None:
        looked = self._now()
        found = self._compare(newest)
        look = record_look(
            self.record,
            found,
            now=looked,
            endpoint=self._endpoint,
            job=self._folder.id,
            deployed=self._deployed(),
            is_over=partial(is_over, JobStore(Database(self._session.workspace)).get),
        )
        self.status = replace(
            self.status,
            looks=self.status.looks + 1,
            last_look=looked,
            alerts=len(look.lasting),
            alerts_told=len({told for word, told in self._told if word == _BEGAN} | {each.id for each in look.began}),
            problem=None,
            seen=seen,
            window_end=found.end or self.status.window_end,
        )
        self._is_waiting = False
        self._tell(look_line(self.status, found.rows))
        self._write()
        self._write_scalars(found, looked)

    def _deployed(self) -> tuple[str, ...]:
        """Return the versions that answer."""
        if self._endpoint is None:
            return ()
        return deployed_versions(EndpointStore(Database(self._session.workspace)).get(self._endpoint))

    def _compare(self, newest: datetime | None) -> Monitoring:
        wanted = read_wanted(self._session.location.inputs, self._words.given)
        if (name := wanted.endpoint) is None:
            return monitor_files(self._session, wanted)
        since = self._since(newest)
        if since is None and self._words.given["last"] is None:
            wanted = replace(wanted, seconds=self._words.every)
        return monitor_endpoint(self._session, wanted, name, since=since)

    def _since(self, newest: datetime | None) -> datetime | None:
        """Return after when the window begins: where the one before ended, unless it has a length of its own."""
        before = self.status.window_end
        if self._words.given["last"] is not None or before is None or newest is None:
            return None
        return before if before < newest else None

    def _newest(self) -> datetime | None:
        if self._endpoint is None:
            return None
        return newest_request(self._session.location.endpoint(self._endpoint).requests)

    def _is_known(self, seen: str, newest: datetime | None) -> bool:
        """Say whether the files of the log are others, but not what is in them: a journal became Parquet."""
        if newest is None or self.status.seen is None or newest != self.status.window_end:
            return False
        return seen.partition("-")[0] == self.status.seen.partition("-")[0]

    def _seen(self) -> str:
        """Return what there is to look at, in a form that changes with it: what was given, and the endpoint's log."""
        given = self._words.given
        paths = [path for name in ("input", "truth") for path in _paths(given[name])]
        paths += [Path(given["statistics"])] if given["statistics"] is not None else []
        # Nobody can tell whether what is elsewhere changed, so each look is a new one.
        is_elsewhere = any(is_remote(word) for name in ("input", "truth") for word in given[name] or ())
        told = _digest(paths, f"{self.status.looks}" if is_elsewhere else "")
        if self._endpoint is None:
            return told
        return f"{told}-{_digest(_files(self._session.location.endpoint(self._endpoint).requests))}"

    def _wait(self, why: str) -> None:
        if not self._is_waiting:
            self._tell(f"Waiting: {why}.")
        self._is_waiting = True

    def _end(self, why: str) -> None:
        self.status = replace(self.status, ended=f"{why}, so there is nothing to look at any more", alerts=0)
        self._tell(f"The end: {self.status.ended}.")
        # Of an endpoint that is deleted there are none any more.
        with suppress(OSError):
            end_alerts(self.record, job=self._folder.id, now=self._now())
        self._write()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, OSError):
            told = error.strerror or str(error)
        else:
            told = str(error) if isinstance(error, MlmagicError) else f"{type(error).__name__}: {error}"
        looks = self.status.looks + 1
        self.status = replace(self.status, looks=looks, last_look=self._now(), problem=one_line(told), seen=None)
        self._is_waiting = False
        self._tell(look_line(self.status, 0))
        self._write()

    def leave(self) -> None:
        """End the alerts, if the job is cancelled; one that is only to be started again has them still."""
        with suppress(MlmagicError, OSError):
            if JobStore(Database(self._session.workspace)).get(self._folder.id).state is JobState.CANCELLING:
                end_alerts(self.record, job=self._folder.id, now=self._now())

    def tell_alerts(self) -> None:
        """Tell which alerts began and ended, and were not told; one that was killed may have left some."""
        for alert in read_alerts(self.record):
            if alert.job != self._folder.id:
                continue
            words = [_BEGAN] if alert.end_time is None else [_BEGAN, _ENDED]
            for word in words:
                if (word, alert.id) not in self._told and self._tell(_alert_line(word, alert)):
                    self._told.add((word, alert.id))

    def _write(self) -> None:
        # On a full disk it is written with a later look.
        with suppress(OSError):
            make_folder(self._folder.monitoring)
            write_atomic(self._folder.monitor_status, codec.dumps(self.status), sync=False)

    def _write_scalars(self, found: Monitoring, looked: datetime) -> None:
        time = looked.timestamp()
        for window in found.windows:
            scalars: dict[str, float] = {}
            for feature in (*window.report.features, *window.report.predictions):
                scalars |= _scalars(feature)
            run = window.version or ""
            if run not in self._writers:
                self._writers[run] = EventWriter(self._folder.tensorboard_dir / run, time=time)
            self._writers[run].write(scalars, step=self.status.looks, time=time)


def _scalars(feature: FeatureComparison) -> dict[str, float]:
    values = {
        "distance": feature.distribution_deviation,
        "missing": feature.current_missing_rate,
        "unseen": feature.unseen_rate,
    }
    return {f"monitoring/{feature.feature}/{name}": value for name, value in values.items()}


def _alert_line(word: str, alert: Alert) -> str:
    return one_line(f"{word} {alert.id} · {alert.line}")


def _told_in(log: Path) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    # Line by line: after years of looks it is long.
    with suppress(OSError), log.open("rb") as lines:
        found.update((told[1].decode(), told[2].decode()) for line in lines if (told := _TOLD.match(line)))
    return found


def _paths(words: list[str] | None) -> Iterator[Path]:
    """Yield the files of this machine that words name."""
    for word in words or ():
        yield from map(Path, [] if is_remote(word) else glob.glob(word, recursive=True))  # noqa: PTH207 - absolute ones too


def _digest(paths: Iterable[Path], more: str = "") -> str:
    told = hashlib.sha256(more.encode())
    for path in sorted(paths):
        # A journal may just be turned into Parquet.
        with suppress(FileNotFoundError):
            status = path.stat()
            told.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return told.hexdigest()[:32]


def _files(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from folder.iterdir()
