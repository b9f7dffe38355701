from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlmagic.server.log_index import LogIndex
from mlmagic.server.log_search import LogQuery, LogSearch
from mlmagic.spec.log import Severity
from mlmagic.spec.panel_rows import LogMatches

Search = Callable[..., LogMatches]


@pytest.fixture
def search(tmp_path: Path) -> Search:
    def run(data: bytes, **query: Any) -> LogMatches:
        (tmp_path / "chief-0.log").write_bytes(data)
        search = LogSearch(LogIndex(tmp_path / "chief-0.log").open(), LogQuery(**query))
        while search.go_on():
            pass
        search.close()
        return search.result()

    return run


LOG = b"Epoch 1\nloss 0.5\nEPOCH 2\nloss 0.4 [a.b]\n\nepoch 3"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"text": "epoch"}, (0, 2, 5)),
        ({"text": "epoch", "is_case": True}, (5,)),
        ({"text": "EPOCH", "is_case": True}, (2,)),
        ({"text": "epoch", "first": 1}, (2, 5)),
        ({"text": "[a.b]"}, (3,)),
        ({"text": "a.b"}, (3,)),
        ({"text": "axb"}, ()),
        ({"text": ".*"}, ()),
        ({"text": "2\nloss"}, ()),
        ({"text": ""}, (0, 1, 2, 3, 4, 5)),
        ({"text": "epoch", "first": 99}, ()),
    ],
)
def test_lines_with_a_text_are_found(search: Search, query: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert search(LOG, **query).lines == expected


def test_other_than_latin_letters_are_found_whatever_their_case(search: Search) -> None:
    assert search("Ä\nä\nΩ\n".encode(), text="ä").lines == (0, 1)


def test_a_search_ends_at_its_limit_and_says_how_far_it_looked(search: Search) -> None:
    found = search(b"yes\nno\n" * 100_000, text="yes", limit=3)
    assert (found.lines, found.has_more, found.total) == ((0, 2, 4), True, 6)
    again = search(b"yes\nno\n" * 100_000, text="yes", limit=3, first=6)
    assert again.lines == (6, 8, 10)


def test_a_search_to_the_end_has_looked_at_all_lines(search: Search) -> None:
    found = search(b"no\n" * 1_000_000 + b"yes", text="yes", first=10)
    assert (found.lines, found.has_more, found.total) == ((1_000_000,), False, 999_991)


def test_exactly_as_many_as_the_limit_are_all(search: Search) -> None:
    found = search(b"yes\n" * 3, text="yes", limit=3)
    assert (found.lines, found.has_more, found.total) == ((0, 1, 2), False, 3)


def test_what_is_searched_is_what_is_shown(search: Search) -> None:
    log = b"\x1b[1mlo\x1b[0mss 1\nloss\rgone\nx\bloss\n" + b"y" * 50_000 + b"loss\n"
    assert search(log, text="loss").lines == (0, 2)


def test_lines_as_grave_as_asked_for_are_found_over_the_borders_of_pieces(search: Search) -> None:
    filler = b"plain text that says nothing\n" * 40_000
    head = b"Traceback (most recent call last):\n"
    log = filler + head + b'  File "a.py", line 1\n' * 3 + b"ValueError: no\n" + filler + b"WARNING:root:hm\n"
    assert search(log, severity=Severity.ERROR).lines == tuple(range(40_000, 40_005))
    assert search(log, severity=Severity.ERROR, first=40_002).lines == (40_002, 40_003, 40_004)
    assert search(log, severity=Severity.ERROR, text="file").lines == (40_001, 40_002, 40_003)
    assert search(log, severity=Severity.WARNING).lines == (80_005,)


def test_a_log_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    search = LogSearch(LogIndex(tmp_path / "none.log").open(), LogQuery(text="x"))
    assert search.go_on() is False
    assert (search.result().lines, search.result().total) == ((), 0)


@pytest.mark.parametrize("after", [None, b"no\n" * 9])
def test_a_search_looks_at_the_log_that_it_began_with(tmp_path: Path, after: bytes | None) -> None:
    log = tmp_path / "chief-0.log"
    log.write_bytes(b"no\nyes\n")
    search = LogSearch(LogIndex(log).open(), LogQuery(text="yes"))
    log.unlink()
    if after is not None:
        log.write_bytes(after)
    while search.go_on():
        pass
    search.close()
    assert (search.result().lines, search.result().total) == ((1,), 2)


def test_a_log_that_is_emptied_ends_its_search(tmp_path: Path) -> None:
    log = tmp_path / "chief-0.log"
    log.write_bytes(b"yes\n" * 9)
    search = LogSearch(LogIndex(log).open(), LogQuery(text="yes"))
    log.write_bytes(b"")
    assert search.go_on() is False
    search.close()
    assert search.result().lines == ()


@pytest.mark.parametrize("text", ["(a+)+$", "(", "\\", "[", "a{1,99999}", "(?i)x"])
def test_what_would_be_a_pattern_elsewhere_is_a_text(search: Search, text: str) -> None:
    assert search(f"{'a' * 5_000}b\n{text}\n".encode(), text=text).lines == (1,)


def test_bytes_that_are_no_text_are_looked_through(search: Search) -> None:
    assert search(b"\xff\xfeloss\x00\n\xe4\nloss \xc3\n", text="loss").lines == (0, 2)
