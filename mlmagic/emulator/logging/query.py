"""Filters of Cloud Logging: which entries they let through, and what can be told of those without reading them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from mlmagic.emulator.errors import invalid
from mlmagic.emulator.filtering import Predicate, parse_filter

SEVERITIES: Mapping[str, int] = MappingProxyType(
    {
        "DEFAULT": 0,
        "DEBUG": 100,
        "INFO": 200,
        "NOTICE": 300,
        "WARNING": 400,
        "ERROR": 500,
        "CRITICAL": 600,
        "ALERT": 700,
        "EMERGENCY": 800,
    }
)
"""google.logging.type.LogSeverity: in their order, not that of their letters."""

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SEVERITY = re.compile(rf'\bseverity\s*(?P<operator>[<>!]?=|[<>:])\s*(?P<word>"?[A-Za-z]+"?)|{_QUOTED}')
_GROUP = re.compile(rf"\((?:[^()\"]|{_QUOTED})*\)")
_NOT_PLAIN = re.compile(r"(?:^|[\s(])(?:OR|NOT)(?:[\s(]|$)|(?:^|\s)-\S|[()]")
_JOB = re.compile(r'resource\.labels\.job_id\s*=\s*"?(\d+)"?')
_SINCE = re.compile(r'\btimestamp\s*>=?\s*"([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A filter that was read."""

    lets_through: Predicate
    job_id: str | None = None
    """All entries that it lets through are of this job; None if that is not said."""
    since: str = ""
    """None of them is earlier; in the form of entries' times."""


def read_query(text: str) -> Query:
    """Return what a filter says.

    Raises:
        ApiError: INVALID_ARGUMENT; it cannot be read.
    """
    predicate = parse_filter(_SEVERITY.sub(_with_number, text))
    terms = _all_required(text)
    job = _JOB.search(terms)
    return Query(
        lets_through=lambda entry: predicate({**entry, "severity": SEVERITIES[entry["severity"]]}),
        job_id=None if job is None else job[1],
        since=max((_normal(found) for found in _SINCE.findall(terms)), default=""),
    )


def _with_number(match: re.Match[str]) -> str:
    word = match["word"]
    if word is None:
        return match[0]
    name = word.strip('"').upper()
    if name not in SEVERITIES:
        raise invalid("filter", f"Unparseable filter: unknown severity {word}.")
    # Of severities, `:` is the same as `=`.
    return f"severity{match['operator'].replace(':', '=')}{SEVERITIES[name]}"


def _all_required(text: str) -> str:
    """Return terms that each entry must fulfil: those outside of parentheses, if nothing there is OR or NOT."""
    while (shorter := _GROUP.sub(" ", text)) != text:
        text = shorter
    return "" if _NOT_PLAIN.search(re.sub(_QUOTED, '""', text)) else text


def _normal(text: str) -> str:
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError as error:
        raise invalid("filter", f"Unparseable filter: invalid timestamp {text!r}.") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def entry_key(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return what entries are sorted by."""
    return entry["timestamp"], entry["insert_id"]
