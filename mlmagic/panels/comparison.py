"""Jobs side by side: the flags in which they differ against their final metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.numbers import best, column
from mlmagic.panels.text import WIDTH, display_width, fit, one_line, table
from mlmagic.panels.times import duration
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobState
from mlmagic.spec.report import ComparedJob, Comparison

MIME_TYPE = "application/vnd.mlmagic.comparison+json"
_NONE = "—"
_NOTHING = "No jobs to compare."
_NO_FLAGS = "There is no flag in which they differ."
_ONE = 'One job has nothing to be compared with. Several: %jobs compare --filter "displayName=NAME"'
_BEST = "★"
_VALUE_WIDTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column of the table."""

    name: str
    values: list[str]
    best: frozenset[int] = frozenset()
    is_number: bool = False

    def shown(self, row: int) -> str:
        return f"{_BEST} {self.values[row]}" if row in self.best else self.values[row]


def comparison_bundle(comparison: Comparison) -> Bundle:
    """Return the table of jobs; the best value of a metric is marked where its name tells which way is better."""
    if not comparison.jobs:
        return document(MIME_TYPE, encode(comparison), html=theme.card(theme.faint(_NOTHING)), text=_NOTHING)
    columns = _columns(comparison)
    notes = _notes(comparison, columns)
    html = theme.card(
        _table_html(comparison.jobs, columns),
        *(theme.row(theme.faint(note)) for note in notes),
        theme.hints("Next", _next(comparison.jobs)) if len(comparison.jobs) > 1 else None,
    )
    lines = [_table_text(comparison.jobs, columns), *notes]
    lines += [f"Next: {'   '.join(_next(comparison.jobs))}"] if len(comparison.jobs) > 1 else []
    return document(MIME_TYPE, encode(comparison), html=html, text="\n".join(lines))


def _columns(comparison: Comparison) -> list[_Column]:
    jobs = comparison.jobs
    took = [_NONE if job.seconds is None else duration(job.seconds) for job in jobs]
    versions = [job.model_version or job.dataset_version or _NONE for job in jobs]
    columns = [_flag_column(jobs, name) for name in comparison.flags]
    columns += [_metric_column(jobs, name) for name in comparison.metrics]
    columns += [] if set(versions) == {_NONE} else [_Column(name="Version", values=versions)]
    return [*columns, _Column(name="Took", values=took, is_number=True)]


def _flag_column(jobs: Sequence[ComparedJob], name: str) -> _Column:
    values = [job.flags.get(name) for job in jobs]
    shown = [_NONE if value is None else fit(value, _VALUE_WIDTH) or '""' for value in values]
    return _Column(name=fit(name, _VALUE_WIDTH), values=shown, is_number=all(_is_number(v) for v in values if v))


def _metric_column(jobs: Sequence[ComparedJob], name: str) -> _Column:
    values = [job.metrics.get(name) for job in jobs]
    return _Column(name=fit(name, _VALUE_WIDTH), values=column(values), best=best(name, values), is_number=True)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _notes(comparison: Comparison, columns: Sequence[_Column]) -> list[str]:
    is_marked = any(each.best for each in columns)
    notes = [] if comparison.flags else [_NO_FLAGS if len(comparison.jobs) > 1 else _ONE]
    return [*notes, *([f"{_BEST} the best of its column"] if is_marked else [])]


def _next(jobs: Sequence[ComparedJob]) -> list[str]:
    return [f"%jobs diff {jobs[0].id} {jobs[1].id}"]


def _table_html(jobs: Sequence[ComparedJob], columns: Sequence[_Column]) -> Html:
    rows = [[_job(job), *(_cell(each, row) for each in columns)] for row, job in enumerate(jobs)]
    numbers = {at for at, each in enumerate(columns, 1) if each.is_number}
    return theme.table(["Job", *(each.name for each in columns)], rows, wraps=[0], right=numbers)


def _job(job: ComparedJob) -> Html:
    # What went as it should needs no more than its sign.
    is_good = job.state is JobState.SUCCEEDED
    state = theme.signed(job.state) if is_good else theme.badge(job.state)
    return join([state, " ", element("strong", job.display_name), element("br"), theme.copyable(job.id)])


def _cell(each: _Column, row: int) -> str:
    if row not in each.best:
        return each.values[row]
    return element("strong", each.shown(row), style=f"color:{theme.toned(theme.GREEN)}", title="the best")


def _table_text(jobs: Sequence[ComparedJob], columns: Sequence[_Column]) -> str:
    """Return the table; what does not fit beside the jobs follows below, beside the jobs again."""
    first = ["JOB", *(f"{theme.icon(job.state)} {one_line(job.id)}" for job in jobs)]
    room = WIDTH - max(map(display_width, first))
    parts: list[list[_Column]] = [[]]
    left = room
    for each in columns:
        width = 2 + max(display_width(text) for text in (each.name, *(each.shown(row) for row in range(len(jobs)))))
        if parts[-1] and width > left:
            parts.append([])
            left = room
        parts[-1].append(each)
        left -= width
    return "\n\n".join(_part_text(first, part) for part in parts)


def _part_text(first: Sequence[str], part: Sequence[_Column]) -> str:
    header = [first[0], *(each.name.upper() if each.name in {"Took", "Version"} else each.name for each in part)]
    rows = [[job, *(each.shown(row) for each in part)] for row, job in enumerate(first[1:])]
    return table(header, rows, flexible=0, right={at for at, each in enumerate(part, 1) if each.is_number})
