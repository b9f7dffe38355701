"""SQL and Python are two spellings of one meaning."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmagic.errors import UsageError
from mlmagic.filters import predicate, sort, sql
from mlmagic.filters.check import check_term
from mlmagic.filters.keys import Kind, all_keys, find
from mlmagic.filters.parser import parse
from mlmagic.filters.tree import And, Filter, Node, Not, Operator, Or, Term, Value, unparse
from mlmagic.spec import codec
from mlmagic.spec.job import JobError, JobKind, JobRecord, JobState, Origin, PackageReference
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.workspace.rows import write_job

NOW = datetime(2026, 1, 31, 12, 30, 15, 123456, tzinfo=UTC)
WORDS = [
    "taxi",
    "Taxi",
    "census-2017",
    "abc.pdq.xyz",
    "café",
    "CAFE",
    "10",
    "10.0",
    "1e1",
    " 7 ",
    "-3",
    "nan",
    "true",
    "",
]
# Digits that SQLite and Python read as the same number: beyond 15 SQLite does not promise to.
numbers = st.one_of(
    st.integers(-20, 20), st.integers(-9999, 9999).map(lambda n: n / 100), st.sampled_from([1e300, 1e-9])
)
words = st.one_of(
    st.sampled_from(WORDS),
    numbers.map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    st.text("aA-_.:@*[?(é 1", max_size=5),
)
names = st.one_of(
    st.sampled_from(["a", "lr", "val_loss", "x y", 'q"t', "a.b", "é"]), st.text("aB$.'[\\", min_size=1, max_size=3)
)
moments = st.integers(0, 4 * 10**9).map(lambda n: NOW - timedelta(seconds=n / 1000))
floats = st.one_of(numbers, st.sampled_from([float("nan"), float("inf"), -float("inf")])).map(float)

NOW = datetime(2026, 1, 31, 12, 30, 15, 123456, tzinfo=UTC)
records = st.fixed_dictionaries(
    {
        "display_name": st.sampled_from(["taxi", "Taxi", "census", "my-census_2", "c10"]),
        "state": st.sampled_from(JobState),
        "kind": st.sampled_from(JobKind),
        "create_time": moments,
        "end_time": st.none() | moments,
        "priority": st.integers(-3, 12),
        "exit_code": st.none() | st.integers(-9, 10),
        "timeout_seconds": st.none() | numbers.map(float),
        "model": st.none() | st.sampled_from(["taxi", "c10"]),
        "fresh": st.booleans(),
        "labels": st.dictionaries(names, words, max_size=2),
        "flags": st.dictionaries(names, words, max_size=2),
        "versions": st.dictionaries(names, words, max_size=1),
        "metrics": st.dictionaries(names, floats, max_size=2),
        "args": st.lists(words, max_size=3).map(tuple),
        "invocation": st.none() | words,
        "error": st.none() | st.builds(JobError, message=words),
        "origin": st.builds(Origin, notebook=st.none() | words, cell_number=st.none() | st.integers(0, 12)),
        "package": st.builds(PackageReference, digest=words, requirements=st.lists(words, max_size=2).map(tuple)),
        "resources": st.builds(
            Resources,
            scale_tier=st.sampled_from(["BASIC", "CUSTOM"]),
            worker_pools=st.lists(
                st.builds(WorkerPool, machine_type=words, replica_count=st.integers(0, 10)), max_size=2
            ).map(tuple),
        ),
    }
)

FREE = sorted(name for name, key in all_keys().items() if key.is_mapping)
keys = st.one_of(
    st.sampled_from(sorted(all_keys())),
    st.builds("{}.{}".format, st.sampled_from(FREE), names),
).map(lambda name: find(name).name)
times = st.sampled_from(
    ["2026", "2026-01", "2026-01-31", "2026-01-31T12", "-P1D", "-PT1H", "P1M", "2026-01-31T12:30:15Z"]
)
patterns = st.one_of(st.sampled_from(["^t", "10", "[a-c]+", "x$", ".", r"\d", "(?i)TAXI"]), st.sampled_from(["", "é"]))
choices = st.sampled_from([*map(str, JobState), *map(str, JobKind), "JOB_STATE_RUNNING", "failed", "PREPARING"])
texts = st.one_of(words, words.map(lambda word: word + "*"), times, patterns, choices, st.just("*"))


def is_typed(value: Value) -> bool:
    """Values that can be typed without quotes: the parser makes no others."""
    plain = value.text and not set(value.text) & set("(),") and not any(letter.isspace() for letter in value.text)
    return value.is_quoted or bool(plain and value.text not in {"AND", "OR", "NOT"})


@st.composite
def terms(draw: st.DrawFn) -> Term:
    key, operator = draw(keys), draw(st.sampled_from(Operator))
    most = 3 if operator in {Operator.HAS, Operator.EQUAL} else 1
    fits = st.builds(Value, texts, st.booleans()).filter(
        lambda value: is_typed(value) and check_term(find(key), operator, value) is None
    )
    if find(key).kind is Kind.TIME and operator not in {Operator.HAS, Operator.MATCHES, Operator.DIFFERS}:
        fits = st.builds(Value, times, st.just(True))  # noqa: FBT003
    elif find(key).choices and operator in {Operator.EQUAL, Operator.UNEQUAL}:
        fits = st.sampled_from(find(key).choices).map(Value)
    elif find(key).kind is Kind.NUMBER:
        fits = st.one_of(numbers.map(str).map(Value), fits)
    return Term(key, operator, tuple(draw(st.lists(fits, min_size=1, max_size=most))))


def joined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    nodes = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(And, nodes), st.builds(Or, nodes))


nodes = st.recursive(terms(), joined, max_leaves=6)
thorough = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@thorough
@given(nodes)
def test_what_is_written_reads_as_what_it_was(node: Node) -> None:
    assert parse(unparse(node)).root == node


@thorough
@given(nodes, st.lists(records, min_size=1, max_size=4))
def test_sql_and_python_find_the_same(
    found_in_sql: Callable[..., list[str]],
    new_record: Callable[..., JobRecord],
    node: Node,
    found: list[dict[str, Any]],
) -> None:
    given_filter = Filter(text="", root=node)
    numbered = [new_record(n, **fields) for n, fields in enumerate(found)]
    expected = [record.id for record in numbered if predicate.matches(given_filter, codec.encode(record), NOW)]
    assert found_in_sql(given_filter, numbered) == expected, sql.condition(given_filter, NOW)


sort_keys = keys.filter(lambda name: find(name).is_single).flatmap(
    lambda name: st.builds(sort.SortKey, key=st.just(name), is_descending=st.booleans())
)


@thorough
@given(st.lists(sort_keys, min_size=1, max_size=2), st.lists(records, min_size=2, max_size=5))
def test_sql_and_python_sort_the_same(
    connection: sqlite3.Connection,
    new_record: Callable[..., JobRecord],
    by: list[sort.SortKey],
    found: list[dict[str, Any]],
) -> None:
    numbered = [new_record(n, **fields) for n, fields in enumerate(found)]
    key = sort.python_key(by)
    expected = [record.id for record in sorted(numbered, key=lambda record: key(codec.encode(record)))]
    order = sort.order(by)
    assert order is not None
    connection.execute("BEGIN")
    for record in numbered:
        write_job(connection, record)
    query = f"SELECT id FROM jobs ORDER BY {order.sql}, number"  # noqa: S608
    rows = connection.execute(query, order.values).fetchall()
    connection.execute("ROLLBACK")
    assert [row[0] for row in rows] == expected


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=30),
        st.text("stae=:<>!~()-'\"\\ANDORT*.12 ", max_size=40),
        st.lists(
            st.sampled_from(["state", "=", "(", ")", "AND", "OR", "NOT", "-", "x", ":", "*", "'", "labels.a"])
        ).map(" ".join),
    )
)
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    with contextlib.suppress(UsageError):
        sql.condition(parse(text), NOW)
    with contextlib.suppress(UsageError):
        sort.parse_sort(text)


def test_of_nothing_an_and_lets_all_through_and_an_or_none(
    found_in_sql: Callable[..., list[str]], new_record: Callable[..., JobRecord]
) -> None:
    record = new_record()
    for root, found in ((And(()), [record.id]), (Or(()), [])):
        assert found_in_sql(Filter(text="", root=root), [record]) == found
        assert predicate.matches(Filter(text="", root=root), codec.encode(record), record.create_time) is bool(found)
