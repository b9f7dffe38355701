from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest
from support.queued import Jobs
from support.rest import Ask

from mlmagic.errors import WorkspaceError
from mlmagic.filters.parser import parse
from mlmagic.server import pattern_search
from mlmagic.server.pattern_search import has_pattern, search_apart
from mlmagic.session import Session

ENDLESS = 'labels.team~"(a+)+$"'


@pytest.fixture
def jobs(session: Session) -> Jobs:
    jobs = Jobs(session.workspace)
    for name in ("taxi", "a" * 40 + "b", "bikes"):
        # Of no backend that is here: who looks at the list has those started that can be.
        jobs.make("", labels={"team": name}, backend="elsewhere")
    return jobs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("displayName~a", True),
        ("NOT displayName!~a", True),
        ("state=FAILED OR (kind=TRAINING AND displayName~a)", True),
        ("displayName:a", False),
        ('displayName="~"', False),
    ],
)
def test_a_filter_with_a_pattern_is_known(text: str, expected: bool) -> None:
    assert has_pattern(parse(text)) is expected


async def test_jobs_are_found_by_a_pattern(ask: Ask, jobs: Jobs) -> None:
    where = quote('labels.team~"^(taxi|bikes)$"')
    found = (await ask(f"jobs?filter={where}&limit=1")).json
    assert [job["summary"]["displayName"] for job in found["jobs"]] == ["taxi"]
    assert (found["total"], found["unfinished"]) == (2, 3)


async def test_a_pattern_without_end_holds_nobody_up(ask: Ask, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_search, "PATTERN_SECONDS", 1.0)
    endless = asyncio.ensure_future(ask(f"jobs?filter={quote(ENDLESS)}"))
    assert (await ask("jobs")).json["total"] == 3
    assert not endless.done()
    answer = await endless
    assert (answer.status, answer.problem) == (
        400,
        {
            "message": "the filter has a pattern with which the jobs were not looked through in 1 s.",
            "hint": "What repeats a repetition, such as (a+)+, may take for ever: write it without, here a+.",
        },
    )


def test_a_search_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"cannot be searched by that pattern: sqlite3\.OperationalError: unable"):
        search_apart(tmp_path / "none.db", "SELECT 1", ())
