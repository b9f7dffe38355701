"""How a job was invoked, and what else is known of it: what stands at the end of its panel."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from mlmagic.panels import theme
from mlmagic.panels.markup import Html
from mlmagic.panels.numbers import number
from mlmagic.panels.text import folded, one_line, wrapped
from mlmagic.panels.timeline import timeline
from mlmagic.panels.times import absolute, duration
from mlmagic.spec.job import READING_KINDS, JobKind, JobRecord
from mlmagic.spec.report import JobDescription

_DIGEST_LENGTH = 12
_LONG = 600


def details_html(description: JobDescription) -> Html:
    """Return all facts, folded in."""
    known = [(name, value and _bounded(value)) for name, value in _facts(description)]
    return theme.folded("Details", theme.facts(known))


def details_text(record: JobRecord) -> list[str]:
    """Return for a terminal how it was invoked."""
    spec = record.spec
    origin = [
        origin_of(record),
        f"commit {_short(spec.git_commit)}" if spec.git_commit else None,
        f"rerun of {spec.rerun_of}" if spec.rerun_of else None,
        f"trial {spec.trial} of {spec.parent}" if spec.parent else None,
        f"best of {spec.from_study}" if spec.from_study else None,
        f"package {_short(spec.package.digest)}",
    ]
    known = [one_line(part) for part in origin if part]
    versions = [f"{name} {version}" for name, version in spec.versions.items()]
    starts = _starts(record)
    lines = wrapped("Typed: ", [one_line(spec.invocation)]) if spec.invocation else []
    lines += folded(f"Starts: {one_line(starts)}") if starts else []
    lines += wrapped("From: ", known) if len(known) > 1 else []
    return lines + (wrapped("With: ", list(map(one_line, versions))) if versions else [])


def origin_of(record: JobRecord) -> str | None:
    """Return `Cell [7] of a.ipynb`."""
    origin = record.spec.origin
    cell = None if origin.cell_number is None else f"Cell [{origin.cell_number}]"
    return " of ".join(part for part in (cell, origin.notebook) if part) or None


def _facts(description: JobDescription) -> list[tuple[str, str | None]]:
    record = description.record
    spec = record.spec
    return [
        ("Typed", spec.invocation),
        ("From", origin_of(record)),
        ("Rerun of", spec.rerun_of),
        ("Trial", f"{spec.trial} of {spec.parent}" if spec.parent else None),
        ("Best of study", spec.from_study),
        ("Backend", spec.backend),
        ("Scale tier", spec.resources.scale_tier if spec.resources.scale_tier != "BASIC" else None),
        ("Model", spec.model and (f"{spec.model}, to become its default" if spec.set_default else spec.model)),
        ("Trained on" if spec.kind is JobKind.TRAINING else "Dataset", spec.dataset),
        ("Program", shlex.join(["python", "-m", spec.package.module, *spec.args])),
        ("Flags", _pairs(spec.flags)),
        ("Metrics", _pairs({name: number(value) for name, value in record.metrics.items()})),
        ("Labels", _pairs(dict(sorted(spec.labels.items())))),
        ("Versions", ", ".join(f"{name} {version}" for name, version in spec.versions.items())),
        ("Requirements", ", ".join(spec.package.requirements)),
        ("Package", _short(spec.package.digest)),
        ("Git commit", _short(spec.git_commit or "")),
        ("Starts", _starts(record)),
        ("Priority", str(spec.priority) if spec.priority else None),
        ("Timeout", duration(spec.timeout_seconds) if spec.timeout_seconds is not None else None),
        ("Retries", f"{spec.max_retries} at most" if spec.max_retries else None),
        *_times(description),
        ("Exit status", None if record.exit_code is None else str(record.exit_code)),
        ("Attempt", str(record.attempt) if record.attempt > 1 else None),
    ]


def _bounded(value: str) -> str:
    """Return a value that takes no more than a few lines: 200 flags scroll."""
    return theme.block(value, height="8em") if len(value) > _LONG and not isinstance(value, Html) else value


def _times(description: JobDescription) -> list[tuple[str, str | None]]:
    if lines := timeline(description.changes):
        return [("States", theme.paragraphs(lines))]
    record = description.record
    times = [("Submitted", record.create_time), ("Started", record.start_time), ("Ended", record.end_time)]
    return [(label, absolute(time) if time else None) for label, time in times]


def _starts(record: JobRecord) -> str | None:
    """Return why the program starts cold; None where it need not, or could not gain by it."""
    if record.spec.kind in {*READING_KINDS, JobKind.MONITORING}:
        return None
    if record.spec.fresh:
        return "from nothing, as asked for with --fresh"
    if not record.spec.warm_starts:
        return "from nothing: warm starts are off (%mlmagic config warm-starts on)"
    reason = record.spec.package.cold_reason
    return f"from nothing, without a warm start: {reason}" if reason else None


def _pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


def _short(digest: str) -> str:
    return digest[:_DIGEST_LENGTH]
