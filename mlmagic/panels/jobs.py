"""The list of jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.numbers import number
from mlmagic.panels.project_jobs import project_jobs_html, project_jobs_text
from mlmagic.panels.text import fit, one_line, table
from mlmagic.panels.times import absolute, ago, duration, short_absolute, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobKind, JobSummary
from mlmagic.spec.project_jobs import ProjectJobs

MIME_TYPE = "application/vnd.mlmagic.jobs+json"
EMPTY = "No jobs yet."
EMPTY_COMMAND = "%%train NAME"
EMPTY_STUDIES = "No studies yet."
_NOTHING_FOUND = "No job passes the filter"
_ALL = "All jobs:"
_SHORT: Mapping[JobKind, str] = {
    JobKind.PREPROCESSING: "dataset",
    JobKind.BATCH_PREDICTION: "batch",
    JobKind.MONITORING: "monitor",
}
"""In a terminal, where a list with backends leaves eight columns; the filter knows the whole words."""
_TELLING = frozenset({JobKind.TUNING, JobKind.MONITORING})


def jobs_bundle(
    summaries: Sequence[JobSummary],
    *,
    has_more: bool = False,
    filter_text: str | None = None,
    told: Mapping[str, Mapping[str, str | float]] | None = None,
    notes: Mapping[str, str] | None = None,
    short: Mapping[str, str] | None = None,
    of_studies: bool = False,
    troubles: Mapping[str, str] | None = None,
    others: Sequence[ProjectJobs] = (),
    now: datetime | None = None,
) -> Bundle:
    """Return the list of jobs in the order given.

    Args:
        summaries: the jobs to show.
        has_more: there are more than these.
        filter_text: the filter that they passed.
        told: by a job's id, flags and metrics to be shown with its result.
        notes: by a job's id, how far a study is, what a trial tries, or what monitoring found.
        short: by a job's id, what a terminal has room for in place of that.
        of_studies: it is the list of studies.
        troubles: by a backend's name, why it cannot be asked.
        others: jobs of projects in the cloud that are none of the workspace's.
        now: the present time, if another.
    """
    now = now or utc_now()
    payload: dict[str, object] = {"jobs": [encode(summary) for summary in summaries]}
    payload |= {"hasMore": True} if has_more else {}
    payload |= {} if filter_text is None else {"filter": filter_text}
    if summaries:
        lines = (
            _selected(len(summaries), filter_text, has_more=has_more),
            *(f"Not up to date, backend {name}: {one_line(why)}" for name, why in (troubles or {}).items()),
            _as_of(summaries, now, "%tune" if of_studies else "%jobs"),
        )
        said = [line for line in lines if line]
        results, narrow = _results(notes or {}, told or {}), _results({**(notes or {}), **(short or {})}, told or {})
        html, text = _html(summaries, said, results, now), _text(summaries, said, narrow, now)
    elif filter_text:
        html, text = _nothing_found_html(filter_text), f"{_NOTHING_FOUND} {one_line(filter_text)}\n{_ALL} %jobs"
    else:
        sentence, command = (EMPTY_STUDIES, "%%tune NAME") if of_studies else (EMPTY, EMPTY_COMMAND)
        html, text = empty(sentence, command), f"{sentence} Start one with {command}."
    if others:
        payload["others"] = [encode(project) for project in others]
        html = join([html, project_jobs_html(others, now)])
        text = f"{text}\n\n{project_jobs_text(others, now)}"
    return document(MIME_TYPE, payload, html=html, text=text)


def empty(sentence: str, command: str) -> Html:
    """Return the panel of a list that has nothing in it: what to do about it."""
    return theme.card(theme.faint(sentence), " Start one with ", theme.code(command), ".")


def _nothing_found_html(filter_text: str) -> Html:
    return theme.card(
        theme.faint(_NOTHING_FOUND),
        " ",
        theme.code(filter_text),
        theme.row(theme.faint(_ALL), " ", theme.code("%jobs")),
    )


def _selected(count: int, filter_text: str | None, *, has_more: bool) -> str | None:
    """Return whether there are more, and which filter they passed; None where all are shown."""
    if not has_more and not filter_text:
        return None
    jobs = f"{'The first ' if has_more else ''}{count:,} job{'' if count == 1 else 's'}"
    passing = f" that pass{'es' if count == 1 else ''} {one_line(filter_text)}" if filter_text else ""
    return f"{jobs}{passing}{'; more with --limit' if has_more else ''}."


def _html(summaries: Sequence[JobSummary], notes: Sequence[str], values: Mapping[str, str], now: datetime) -> Html:
    is_told = _is_mixed(summaries)
    rows = [
        [
            _state(summary),
            _name(summary),
            *([summary.backend] if is_told else []),
            element("span", _took(summary, now), style="white-space:nowrap"),
            _when(summary.create_time, now),
            _result_html(summary, values.get(summary.id, "")),
        ]
        for summary in summaries
    ]
    heads = ["State", "Job", *(["Backend"] if is_told else []), "Took", "Submitted", "Result"]
    return theme.card(
        theme.table(heads, rows, wraps=[1, len(heads) - 1]),
        theme.row(theme.paragraphs([theme.faint(note) for note in notes])) if notes else None,
    )


def _is_mixed(summaries: Sequence[JobSummary]) -> bool:
    """Say whether the jobs are on several backends."""
    return len({summary.backend for summary in summaries}) > 1


def _as_of(summaries: Sequence[JobSummary], now: datetime, command: str) -> str | None:
    """Return when this was so, if it will soon be otherwise."""
    is_over = all(summary.state.is_final for summary in summaries)
    return None if is_over else f"As of {absolute(now)}. Again for what is new: {command}"


def _state(summary: JobSummary) -> Html:
    extras = _extras(summary)
    small = "white-space:nowrap;font-size:12px;opacity:.75"
    below = [element("br"), element("span", ", ".join(extras), style=small)] if extras else []
    return join([theme.badge(summary.state), *below])


def _extras(summary: JobSummary, words: Mapping[JobKind, str] = MappingProxyType({})) -> list[str]:
    """Return what is not as it is by default: the kind, the attempt, the priority."""
    is_told = summary.kind is JobKind.TRAINING or summary.dataset_version is not None
    kind = [] if is_told else [words.get(summary.kind, summary.kind.value)]
    attempt = [f"try {summary.attempt}"] if summary.attempt > 1 else []
    return [*kind, *attempt, *([f"priority {summary.priority}"] if summary.priority else [])]


def _name(summary: JobSummary) -> Html:
    return join([element("strong", summary.display_name), element("br"), theme.copyable(summary.id)])


def _when(time: datetime, now: datetime) -> Html:
    relative = element("span", ago(time, now), style="white-space:nowrap")
    absolute = element("span", short_absolute(time), style="white-space:nowrap;opacity:.65")
    return join([relative, element("br"), absolute])


def _took(summary: JobSummary, now: datetime) -> str:
    if summary.start_time is None:
        return "—"
    return duration(((summary.end_time or now) - summary.start_time).total_seconds())


def _result(summary: JobSummary) -> str:
    return _made(summary) or one_line(summary.error or "")


def _short_result(summary: JobSummary) -> str:
    # The name first: what it is of may be cut off.
    is_dataset = summary.model_version is None and summary.dataset_version is not None
    return f"{summary.dataset_version}, dataset" if is_dataset else _result(summary)


def _made(summary: JobSummary) -> str | None:
    # A model may have the same name, and version.
    return summary.model_version or (f"dataset {summary.dataset_version}" if summary.dataset_version else None)


def _results(notes: Mapping[str, str], told: Mapping[str, Mapping[str, str | float]]) -> dict[str, str]:
    ranked = {id_: " · ".join(filter(None, [notes.get(id_, ""), _values(values)])) for id_, values in told.items()}
    return {**notes, **ranked}


def _values(values: Mapping[str, str | float]) -> str:
    told = [f"{name} {fit(value, 40) if isinstance(value, str) else number(value)}" for name, value in values.items()]
    return " · ".join(map(one_line, told))


def _result_html(summary: JobSummary, values: str) -> str:
    made = _made(summary)
    result = element("strong", made) if made else fit(_result(summary), 120)
    return join([result, element("br") if result else "", values]) if values else result


def _text(summaries: Sequence[JobSummary], notes: Sequence[str], values: Mapping[str, str], now: datetime) -> str:
    is_told = _is_mixed(summaries)
    rows = [
        [
            f"{theme.icon(summary.state)} {summary.state.value}",
            summary.id,
            *([summary.backend] if is_told else []),
            _took(summary, now),
            ago(summary.create_time, now),
            _result_text(summary, values.get(summary.id, "")),
        ]
        for summary in summaries
    ]
    heads = ["  STATE", "JOB", *(["BACKEND"] if is_told else []), "TOOK", "SUBMITTED", "RESULT"]
    return "\n".join([table(heads, rows, flexible=len(heads) - 1), *notes])


def _result_text(summary: JobSummary, values: str) -> str:
    # How far a study is tells that it is one, as what monitoring found does.
    extras = _extras(summary, _SHORT)[1:] if values and summary.kind in _TELLING else _extras(summary, _SHORT)
    result = _short_result(summary)
    # Of a job that has ended its result says more.
    told = [result, *extras] if summary.state.is_final else [*extras, result]
    # A terminal has room for little.
    return ", ".join(filter(None, [*told[:1], values.replace(" trials · ", " · "), *told[1:]]))
