from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.queued import Jobs
from support.rest import Ask

from mlmagic import __version__
from mlmagic.server.live_views import views_of
from mlmagic.server.stream import EventsHandler
from mlmagic.server.watcher_messages import Message
from mlmagic.session import Session
from mlmagic.spec.codec import decode, parse_time
from mlmagic.spec.job import JobState
from mlmagic.spec.panel_rows import Hello, JobRow
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.processes import ProcessIdentity

PATIENCE = 60.0


@dataclass
class Tab:
    """A tab of a browser that listens."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str = ""

    async def block(self) -> dict[str, str]:
        """The next event, or the next comment as `""`; of a body in chunks."""
        async with asyncio.timeout(PATIENCE):
            fields: dict[str, str] = {}
            while True:
                line = (await self.reader.readuntil(b"\n")).decode().rstrip("\r\n")
                if not line and fields:
                    return fields
                name, colon, value = line.partition(": ")
                if colon:
                    fields[name] = value

    async def event(self, wanted: str) -> dict[str, str]:
        while (block := await self.block()).get("event") != wanted:
            pass
        return block

    async def row(self) -> JobRow:
        return decode(JobRow, json.loads((await self.event("job"))["data"]))


Open = Callable[..., Any]


@asynccontextmanager
async def listening(port: int, path: str, headers: dict[str, str]) -> AsyncIterator[Tab]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Accept-Encoding: gzip"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(PATIENCE):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    try:
        yield Tab(reader, writer, head)
    finally:
        writer.close()


@pytest.fixture
def listen(
    session: Session,
    *,
    jp_serverapp: Any,
    http_server_client: Any,
    http_server_port: tuple[socket.socket, int],
    jp_auth_header: dict[str, str],
) -> Open:
    path = f"{jp_serverapp.base_url}mlmagic/api/v1/events"
    return lambda **headers: listening(http_server_port[1], path, jp_auth_header | headers)


@pytest.fixture
def jobs(session: Session) -> Jobs:
    jobs = Jobs(session.workspace)
    ended(jobs)
    return jobs


def ended(jobs: Jobs) -> JobFolder:
    """A job that has ended, so that nobody begins to run it."""
    job = jobs.make("")
    advance(jobs, job, JobState.SUCCEEDED)
    return job


def advance(jobs: Jobs, job: JobFolder, state: JobState) -> None:
    jobs.store.advance(job.id, expect=frozenset(JobState), to=state, now=datetime.now(UTC))


async def nobody_looks(session: Session) -> None:
    async with asyncio.timeout(PATIENCE):
        while views_of(session).watcher.is_looking:  # noqa: ASYNC110 - the server says nothing when it has noticed
            await asyncio.sleep(0.01)


async def test_the_stream_begins_with_where_it_begins(listen: Open, jobs: Jobs) -> None:
    begun = datetime.now(UTC)
    async with listen() as tab:
        assert tab.head.startswith("HTTP/1.1 200 ")
        for header in (
            "Content-Type: text/event-stream; charset=utf-8",
            "Cache-Control: no-cache, no-transform",
            "X-Accel-Buffering: no",
            "Content-Encoding: identity",
        ):
            assert header in tab.head
        block = await tab.event("hello")
        hello, last = decode(Hello, json.loads(block["data"])), EventLog(jobs.database).last_id()
        assert (hello.event, hello.version, block["id"]) == (last, __version__, str(last))
        assert begun <= hello.time <= datetime.now(UTC)


async def test_every_tab_is_told_what_happens(listen: Open, jobs: Jobs) -> None:
    async with listen() as first, listen() as second:
        for tab in (first, second):
            await tab.event("hello")
        job = ended(jobs)
        for tab in (first, second):
            row = await tab.row()
            assert (row.summary.id, row.summary.state) == (job.id, JobState.SUCCEEDED)
        jobs.store.delete(job.id)
        assert json.loads((await first.event("deleted"))["data"]) == {"job": job.id}


async def test_what_moves_in_a_running_job_is_told(listen: Open, jobs: Jobs) -> None:
    job = jobs.make("")
    jobs.store.claim(job.id, ProcessIdentity.current())
    advance(jobs, job, JobState.RUNNING)
    job.logs.mkdir(exist_ok=True)
    async with listen() as tab:
        await tab.event("hello")
        job.log().write_text("Epoch 2/4\n")
        while (row := await tab.row()).fraction is None:
            pass
        assert (row.summary.id, row.fraction) == (job.id, 0.25)


async def test_who_comes_back_is_told_what_it_missed(listen: Open, jobs: Jobs) -> None:
    async with listen() as tab:
        begun = json.loads((await tab.event("hello"))["data"])["event"]
    job = ended(jobs)
    async with listen(**{"Last-Event-ID": str(begun)}) as tab:
        first = await tab.block()
        hello, missed = json.loads(first["data"]), await tab.block()
        assert "id" not in first, "whoever breaks off here has not been told"
        assert json.loads(missed["data"])["summary"]["id"] == job.id
        assert int(missed["id"]) == hello["event"] == begun + 2


@pytest.mark.parametrize("last", ["0", "999999999999999", "x", "-1", "1" * 30])
async def test_who_was_away_for_too_long_is_to_read_everything_again(listen: Open, jobs: Jobs, last: str) -> None:
    async with listen(**{"Last-Event-ID": last}) as tab:
        hello, told = await tab.event("hello"), await tab.block()
        assert (told["event"], told["id"]) == ("lagging", str(json.loads(hello["data"])["event"]))


async def test_there_is_a_stream_before_there_is_a_workspace(listen: Open, session: Session) -> None:
    async with listen() as tab:
        assert json.loads((await tab.event("hello"))["data"])["event"] == 0
        assert not session.location.root.exists()
        jobs = Jobs(session.workspace)
        ended(jobs)
        await tab.event("lagging")
        assert (await tab_row_of(tab, jobs)).summary.state is JobState.SUCCEEDED


async def tab_row_of(tab: Tab, jobs: Jobs) -> JobRow:
    job = ended(jobs)
    while (row := await tab.row()).summary.id != job.id or not row.summary.state.is_final:
        pass
    return row


async def test_a_stream_in_which_nothing_happens_says_that_it_is_there(
    listen: Open, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventsHandler, "ping_seconds", 0.01)
    async with listen() as tab:
        await tab.event("hello")
        (word, time) = (await tab.block())[""].split()
        assert word == "ping"
        assert abs((datetime.now(UTC) - parse_time(time)).total_seconds()) < PATIENCE


async def test_a_stream_in_which_much_happens_says_what_time_it_is(
    listen: Open, session: Session, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventsHandler, "ping_seconds", 0.05)
    async with listen() as tab:
        await tab.event("hello")
        (listener,) = views_of(session).watcher._listeners
        while "" not in await tab.block():
            listener.put(Message(event="model"))


async def test_a_stream_ends_after_a_while_so_that_the_login_is_looked_at(
    listen: Open, session: Session, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventsHandler, "longest_seconds", 0.05)
    async with listen() as tab:
        await tab.event("hello")
        await nobody_looks(session)
        assert b"0\r\n\r\n" in await tab.reader.readuntil(b"0\r\n\r\n")


async def test_a_tab_that_takes_nothing_is_let_go(
    listen: Open, session: Session, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventsHandler, "patience_seconds", 0.05)
    async with listen() as tab:
        await tab.event("hello")
        tab.writer.transport.pause_reading()  # type: ignore[attr-defined]
        (listener,) = views_of(session).watcher._listeners
        for number in range(100):
            listener.put(Message(event="model", data=str(number) * 1_000_000))
        await nobody_looks(session)


async def test_nothing_is_looked_at_when_the_last_tab_has_gone(listen: Open, session: Session, jobs: Jobs) -> None:
    async with listen() as first:
        async with listen() as second:
            await second.event("hello")
        await first.event("hello")
        assert views_of(session).watcher.is_looking
    await nobody_looks(session)


async def test_a_tab_that_does_not_read_holds_nobody_up_and_is_told_so(
    listen: Open, session: Session, jobs: Jobs
) -> None:
    async with listen() as slow, listen() as other:
        await slow.event("hello")
        await other.event("hello")
        (watcher, text) = (views_of(session).watcher, "x" * 100_000)
        for number in range(600):
            for listener in list(watcher._listeners):
                listener.put(Message(event="job", data=json.dumps(text), replaces=f"job-{number}"))
            if number % 20 == 0:
                await asyncio.sleep(0)
                while (await other.block()).get("event") is None:
                    pass
        await asyncio.wait_for(slow.event("lagging"), PATIENCE)


async def test_strangers_are_told_nothing(
    session: Session, jp_serverapp: Any, http_server_client: Any, http_server_port: tuple[socket.socket, int]
) -> None:
    path = f"{jp_serverapp.base_url}mlmagic/api/v1/events"
    async with listening(http_server_port[1], path, {}) as tab:
        assert tab.head.startswith("HTTP/1.1 403 ")
    assert not views_of(session).watcher.is_looking


async def test_other_requests_are_answered_while_tabs_listen(ask: Ask, listen: Open, jobs: Jobs) -> None:
    async with listen() as tab:
        await tab.event("hello")
        assert (await ask("jobs")).json["total"] == 1


async def test_a_server_ends_although_tabs_listen(tmp_path: Path) -> None:
    ended(Jobs(open_workspace(Workspace(tmp_path / ".mlmagic"))))
    runtime, log = tmp_path / "runtime", tmp_path / "server.log"
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--ServerApp.port=0"]
    command += [f"--ServerApp.root_dir={tmp_path}", "--IdentityProvider.token=a-token"]
    command += ["--ServerApp.jpserver_extensions=mlmagic=True", "--ServerApp.port_retries=0"]
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(runtime), "MLMAGIC_HOME": str(tmp_path / ".mlmagic")}
    with log.open("wb") as sink:
        process = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)  # noqa: ASYNC220
    try:
        port = await _port_of(process, runtime)
        async with listening(port, "/mlmagic/api/v1/events", {"Authorization": "token a-token"}) as tab:
            await tab.event("hello")
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait, PATIENCE)
    finally:
        process.kill()
        process.wait()
    told = log.read_text()
    assert "Traceback" not in told
    assert "was destroyed" not in told
    assert "was never" not in told


async def _port_of(process: subprocess.Popen[bytes], runtime: Path) -> int:
    information = runtime / f"jpserver-{process.pid}.json"
    async with asyncio.timeout(PATIENCE):
        while True:
            assert process.poll() is None
            if information.exists() and (text := information.read_text()):
                port = int(json.loads(text)["port"])
                try:
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                except OSError:
                    pass
                else:
                    return port
            await asyncio.sleep(0.1)
