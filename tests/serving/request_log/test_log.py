"""What a worker logs: sampled, bounded, whole after a kill, and never in the way."""

from __future__ import annotations

import base64
import json
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from mlmagic.serving.request_log import folder as folder_module
from mlmagic.serving.request_log import log as log_module
from mlmagic.serving.request_log.convert import convert_journals
from mlmagic.serving.request_log.folder import LogFolder
from mlmagic.serving.request_log.instances import instances_of
from mlmagic.serving.request_log.log import LARGEST_RECORD, RequestLog
from mlmagic.serving.request_log.reading import LogPart, read_parts
from mlmagic.spec.request_log import RequestLogging, RequestLogStatus

ALL = RequestLogging(sampling_rate=1.0)
REPLY = b'{"predictions": [1.5]}'
PATIENCE_SECONDS = 60.0
CONVERTER = Path(folder_module.__file__).with_name("__main__.py")


def _body(number: int, size: int = 0) -> bytes:
    # What would be hardly smaller as Parquet.
    padding = base64.b64encode(Random(number).randbytes(size)).decode()  # noqa: S311
    return json.dumps({"instances": [{"id": f"ride {number}", "padding": padding}]}).encode()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RequestLog]]:
    logs: list[RequestLog] = []

    def started(settings: RequestLogging = ALL) -> RequestLog:
        logs.append(RequestLog(tmp_path / "log", settings, endpoint="rides", model="taxi", random=Random(5)))  # noqa: S311
        return logs[-1]

    yield started
    for log in logs:
        log.close()


def _ids(parts: list[LogPart]) -> list[int]:
    return [id_ for part in parts for id_ in part.table.column("request_id").to_pylist()]


def test_what_is_told_as_sampled_is_there_with_the_version_that_answered(
    start: Callable[..., RequestLog], tmp_path: Path
) -> None:
    log = start(RequestLogging(sampling_rate=1.0, key="id"))
    for number in range(5):
        log.offer(number % 2, _body(number), REPLY)
    log.close()
    (part,) = read_parts(tmp_path / "log")
    rows = part.table.to_pylist()
    assert log.status == RequestLogStatus(sampled=5)
    assert [(row["model"], row["deployed_model_id"], row["keys"]) for row in rows[:2]] == [
        ("taxi@0", "0", ["ride 0"]),
        ("taxi@1", "1", ["ride 1"]),
    ]
    assert [row["request_payload"].encode() for row in rows] == [_body(number) for number in range(5)]
    assert {row["response_payload"].encode() for row in rows} == {REPLY}


def test_a_journal_becomes_parquet_with_the_same_rows(start: Callable[..., RequestLog], tmp_path: Path) -> None:
    log = start()
    for number in range(100):
        log.offer(1, _body(number), REPLY)
    log.close()
    (before,) = read_parts(tmp_path / "log")
    assert len(convert_journals(tmp_path / "log")) == 1
    (after,) = read_parts(tmp_path / "log")
    assert after.table.to_pylist() == before.table.to_pylist()
    assert len(pd.read_parquet(tmp_path / "log")) == 100
    assert not LogFolder(tmp_path / "log").usage().journals
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "log").iterdir()} == {0o600}


def test_a_journal_that_is_being_written_is_read_and_not_converted(
    start: Callable[..., RequestLog], tmp_path: Path
) -> None:
    log = start()
    log.offer(1, _body(0), REPLY)
    _wait(lambda: log.status.sampled == 1)
    assert convert_journals(tmp_path / "log") == []
    assert sum(part.table.num_rows for part in read_parts(tmp_path / "log")) == 1


def test_what_a_worker_left_is_converted_by_the_next(
    start: Callable[..., RequestLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = start()
    log.offer(1, _body(0), REPLY)
    log.close()
    monkeypatch.setattr(log_module, "_LOOK_SECONDS", 0.0)
    start()
    _wait(lambda: bool(LogFolder(tmp_path / "log").usage().parquets))
    assert sum(part.table.num_rows for part in read_parts(tmp_path / "log")) == 1


def test_a_sample_is_as_large_as_its_rate_says(start: Callable[..., RequestLog]) -> None:
    log = start(RequestLogging(sampling_rate=0.1))
    for number in range(20_000):
        log.offer(1, b"%d" % number, REPLY)
    log.close()
    assert 1_850 < log.status.sampled < 2_150
    assert log.status.dropped == 0


def test_a_share_next_to_nothing_draws_next_to_nothing(start: Callable[..., RequestLog]) -> None:
    log = start(RequestLogging(sampling_rate=5e-324))
    for number in range(100):
        log.offer(1, _body(number), REPLY)
    log.close()
    assert log.status == RequestLogStatus()


def test_a_folder_that_cannot_be_looked_at_does_not_end_the_log(
    start: Callable[..., RequestLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_LOOK_SECONDS", 0.0)
    (tmp_path / "log").write_text("no folder")
    log = start()
    _wait(lambda: log.status.error is not None)
    (tmp_path / "log").unlink()
    log.offer(1, _body(1), REPLY)
    log.close()
    assert (log.status.sampled, log.status.dropped) == (1, 0)


def test_what_is_too_large_and_what_cannot_be_written_is_dropped_and_told(
    start: Callable[..., RequestLog], tmp_path: Path
) -> None:
    log = start()
    log.offer(1, b"x" * LARGEST_RECORD, REPLY)
    assert log.status.dropped == 1
    (tmp_path / "log").write_text("no folder")
    log.offer(1, _body(1), REPLY)
    log.close()
    assert (log.status.sampled, log.status.dropped) == (0, 2)
    assert "log" in (log.status.error or "")


def test_what_a_killed_converter_left_is_read_once(start: Callable[..., RequestLog], tmp_path: Path) -> None:
    log = start()
    log.offer(1, _body(0), REPLY)
    log.close()
    folder = LogFolder(tmp_path / "log")
    (stem,) = folder.usage().journals
    journal = folder.journal(stem).read_bytes()
    convert_journals(folder.root)
    folder.journal(stem).write_bytes(journal)
    (folder.root / f".{stem}.tmp").write_bytes(b"half")
    assert len(_ids(list(read_parts(folder.root)))) == 1
    convert_journals(folder.root)
    assert {path.name for path in folder.root.iterdir()} == {f"{stem}.parquet", ".lock", ".convert.lock"}


def test_a_body_that_is_nested_deeply_keeps_no_other_from_being_converted(
    start: Callable[..., RequestLog], tmp_path: Path
) -> None:
    log = start(RequestLogging(sampling_rate=1.0, key="id"))
    log.offer(1, b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", REPLY)
    log.offer(1, _body(1), REPLY)
    log.close()
    assert convert_journals(tmp_path / "log")
    (part,) = read_parts(tmp_path / "log")
    assert part.table.column("keys").to_pylist() == [None, ["ride 1"]]
    assert sum(found.skipped for found in instances_of(part.table)) == 1


def test_a_journal_that_cannot_be_read_keeps_no_other_from_being_converted(
    start: Callable[..., RequestLog], tmp_path: Path
) -> None:
    log = start()
    log.offer(1, _body(1), REPLY)
    log.close()
    folder = LogFolder(tmp_path / "log")
    folder.journal("0000000000000-1-a").mkdir()
    with pytest.raises(IsADirectoryError):
        convert_journals(folder.root)
    assert len(folder.usage().parquets) == 1


def test_a_converter_ends_well_where_the_endpoint_was_deleted_and_not_where_it_fails(tmp_path: Path) -> None:
    def convert(root: Path) -> int:
        return subprocess.run([sys.executable, "-I", CONVERTER, root], capture_output=True, check=False).returncode

    assert convert(tmp_path / "gone") == 0
    (tmp_path / "file").write_text("no folder")
    assert convert(tmp_path / "file") == 1


def test_the_budget_is_kept_at_every_moment_and_the_oldest_go(start: Callable[..., RequestLog], tmp_path: Path) -> None:
    budget, largest, is_over = 2 << 20, 0, threading.Event()
    folder = LogFolder(tmp_path / "log")
    log = start(RequestLogging(sampling_rate=1.0, budget_bytes=budget))

    def watch() -> None:
        nonlocal largest
        while not is_over.wait(0.002):
            largest = max(largest, _size(folder.root))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for round_ in range(12):
        for number in range(100):
            log.offer(1, _body(round_ * 100 + number, 2_000), REPLY)
        _wait(lambda sent=(round_ + 1) * 100: log.status.sampled + log.status.dropped == sent)
        _wait(lambda: bool(convert_journals(folder.root)) or len(folder.usage().journals) <= 1)
    log.close()
    is_over.set()
    watcher.join()
    assert budget / 2 < largest <= budget
    ids = [id_ & 0xFFFFFFFF for id_ in _ids(list(read_parts(folder.root)))]
    assert 1 not in ids
    assert (ids, log.status.dropped) == (list(range(1_201 - len(ids), 1_201)), 0)


def _size(root: Path) -> int:
    total = 0
    for path in root.glob("*") if root.exists() else ():
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


# Tells after each write how many were sampled, and is killed in the middle of one by the limit of a file's size.
_WRITER = """
import resource, signal, sys, time
from pathlib import Path
from mlmagic.serving.request_log.log import RequestLog
from mlmagic.spec.request_log import RequestLogging
if int(sys.argv[2]):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
log = RequestLog(Path(sys.argv[1]), RequestLogging(sampling_rate=1.0), endpoint="rides", model="taxi")
for offered in range(20, 1_000_000, 20):
    for number in range(20):
        log.offer(1, b'{"instances": [%d]}' % number, b'{"predictions": [1]}')
    while log.status.sampled < offered:
        time.sleep(0.01)
    print(log.status.sampled, flush=True)
"""


def _killed(folder: Path, limit: int) -> int:
    """Return how many a writer had told when it was killed."""
    told = 0
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(folder), str(limit)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            told = int(line)
            if not limit and told > 100:
                writer.kill()
    assert writer.returncode == -(signal.SIGXFSZ if limit else signal.SIGKILL)
    return told


@pytest.mark.parametrize("limit", [0, 5_000, 7_777])
def test_a_worker_that_is_killed_at_a_flush_loses_nothing_that_it_told(tmp_path: Path, limit: int) -> None:
    told = _killed(tmp_path / "log", limit)
    assert convert_journals(tmp_path / "log")
    (part,) = read_parts(tmp_path / "log")
    assert part.table.num_rows >= told > 0
    assert part.torn == (limit > 0)
    ids = [id_ & 0xFFFFFFFF for id_ in part.table.column("request_id").to_pylist()]
    assert ids == list(range(1, part.table.num_rows + 1))


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
