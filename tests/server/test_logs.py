from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from support.queued import Jobs
from support.rest import Ask

from mlmagic.server.log_search import LogSearch
from mlmagic.session import Session
from mlmagic.workspace.layout import JobFolder

PATIENCE = 60.0


@pytest.fixture
def job(session: Session) -> JobFolder:
    job = Jobs(session.workspace).make("")
    job.logs.mkdir(exist_ok=True)
    return job


async def test_the_logs_of_a_job_are_listed_chief_first(ask: Ask, job: JobFolder) -> None:
    assert (await ask(f"jobs/{job.id}/logs")).json == {"sources": []}
    for name in ("worker-10", "worker-2", "chief-0", "ps-0", "other-0", "worker", "chief-01"):
        (job.logs / f"{name}.log").write_text("x\n")
    told = (await ask(f"jobs/{job.id}/logs")).json["sources"]
    assert [source["replica"] for source in told] == ["chief-0", "worker-2", "worker-10", "ps-0"]
    assert told[0]["sizeBytes"] == 2


async def test_a_log_is_read_from_its_end_unless_told_otherwise(ask: Ask, job: JobFolder) -> None:
    job.log().write_text("".join(f"line {number}\n" for number in range(3_000)))
    end = (await ask(f"jobs/{job.id}/logs/chief-0")).json
    assert (end["first"], end["total"], len(end["lines"])) == (1_000, 3_000, 2_000)
    part = (await ask(f"jobs/{job.id}/logs/chief-0?first=10&count=2")).json
    assert (part["first"], [line["text"] for line in part["lines"]]) == (10, ["line 10", "line 11"])
    last = (await ask(f"jobs/{job.id}/logs/chief-0?first=-1")).json
    assert (last["first"], last["lines"][0]["text"]) == (2_999, "line 2999")


async def test_a_log_that_grows_goes_on_where_it_ended(ask: Ask, job: JobFolder) -> None:
    job.log("worker", 1).write_text("one\ntw")
    first = (await ask(f"jobs/{job.id}/logs/worker-1")).json
    assert ([line["text"] for line in first["lines"]], first["total"]) == (["one", "tw"], 2)
    with job.log("worker", 1).open("a") as file:
        file.write("o\nthree\n")
    more = (await ask(f"jobs/{job.id}/logs/worker-1?first=1")).json
    assert ([line["text"] for line in more["lines"]], more["total"]) == (["two", "three"], 3)


async def test_the_chief_has_a_log_before_it_has_printed_anything(ask: Ask, job: JobFolder) -> None:
    answer = await ask(f"jobs/{job.id}/logs/chief-0")
    told = {key: value for key, value in answer.json.items() if key != "file"}
    assert (answer.status, told) == (200, {"first": 0, "lines": [], "total": 0, "sizeBytes": 0})


async def test_a_replica_that_is_not_there_is_told_with_those_that_are(ask: Ask, job: JobFolder) -> None:
    job.log().write_text("x")
    job.log("worker", 1).write_text("x")
    answer = await ask(f"jobs/{job.id}/logs/worker-7")
    assert answer.status == 404
    assert answer.problem["message"] == f"job {job.id} has no replica worker-7; it has chief-0, worker-1."
    assert (await ask(f"jobs/{job.id}/logs/worker-7/search?text=x")).status == 404
    assert (await ask("jobs/taxi-20260131-235959-0a1b/logs/chief-0")).status == 404


async def test_no_other_file_is_read(ask: Ask, job: JobFolder) -> None:
    for name in ("..", "%2e%2e", "..%2fspec.json", "chief-0.log", "%2fetc%2fpasswd", "chief-0%00"):
        answer = await ask(f"jobs/{job.id}/logs/{name}")
        assert answer.status == 404, name


async def test_a_log_is_searched(ask: Ask, job: JobFolder) -> None:
    job.log().write_text("Epoch 1\nERROR: oh no\nepoch 2\nEPOCH 3\n")
    found = (await ask(f"jobs/{job.id}/logs/chief-0/search?text=epoch")).json
    file = (await ask(f"jobs/{job.id}/logs/chief-0")).json["file"]
    assert found == {"lines": [0, 2, 3], "hasMore": False, "total": 4, "file": file}
    cased = (await ask(f"jobs/{job.id}/logs/chief-0/search?text=epoch&case=true")).json
    assert cased["lines"] == [2]
    grave = (await ask(f"jobs/{job.id}/logs/chief-0/search?severity=error")).json
    assert grave["lines"] == [1]
    next_one = (await ask(f"jobs/{job.id}/logs/chief-0/search?text=epoch&from=1&limit=1")).json
    assert next_one == {"lines": [2], "hasMore": True, "total": 2, "file": file}


async def test_a_log_that_was_replaced_is_told_as_another(ask: Ask, job: JobFolder) -> None:
    job.log().write_text("one\ntwo\n")
    before = (await ask(f"jobs/{job.id}/logs/chief-0")).json
    job.log().unlink()
    job.log().write_text("three\nfour\nfive\n")
    after = (await ask(f"jobs/{job.id}/logs/chief-0?first=1")).json
    assert ([line["text"] for line in after["lines"]], after["total"]) == (["four", "five"], 3)
    assert before["file"] != after["file"] == (await ask(f"jobs/{job.id}/logs/chief-0")).json["file"]


async def test_questions_that_make_no_sense_are_refused(ask: Ask, job: JobFolder) -> None:
    job.log().write_text("x")
    count = await ask(f"jobs/{job.id}/logs/chief-0?count=2001")
    assert (count.status, count.problem["message"]) == (400, "count is from 0 to 2000, not 2001.")
    search = await ask(f"jobs/{job.id}/logs/chief-0/search?from=-1&limit=0")
    assert search.status == 400
    assert search.problem["problems"] == [
        "there is neither a text nor a severity to look for.",
        "from is the number of a line, from 0, not -1.",
        "limit is from 1 to 10,000, not 0.",
    ]
    assert (await ask(f"jobs/{job.id}/logs/chief-0/search?severity=grave")).status == 400


async def test_a_search_ends_when_nobody_waits_for_it(
    ask: Ask,
    job: JobFolder,
    *,
    jp_serverapp: Any,
    http_server_port: tuple[socket.socket, int],
    jp_auth_header: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job.log().write_text("x\n")
    looks: list[int] = []
    monkeypatch.setattr(LogSearch, "go_on", lambda _: looks.append(1) or True)
    port = http_server_port[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    path = f"{jp_serverapp.base_url}mlmagic/api/v1/jobs/{job.id}/logs/chief-0/search?text=none"
    token = jp_auth_header["Authorization"]
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE):
        while not looks:  # noqa: ASYNC110 - it is another thread that looks
            await asyncio.sleep(0.01)
        # Others are answered meanwhile.
        assert (await ask(f"jobs/{job.id}/logs")).status == 200
        writer.close()
        await writer.wait_closed()
        count = -1
        while len(looks) != count:
            count = len(looks)
            await asyncio.sleep(0.2)
