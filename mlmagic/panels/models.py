"""The list of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import element
from mlmagic.panels.numbers import lower_is_better, number
from mlmagic.panels.text import table
from mlmagic.panels.times import ago, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.model import ModelSummary

MIME_TYPE = "application/vnd.mlmagic.models+json"
_EMPTY = "No models yet."
_EMPTY_COMMAND = "%%train NAME"
_NONE = "—"
_HEADER = ("Model", "Default", "Latest", "Versions", "Metric of latest", "Served by", "Changed")
# Those that are left out where no model has any.
_OPTIONAL = (4, 5)


def models_bundle(summaries: Sequence[ModelSummary], *, now: datetime | None = None) -> Bundle:
    """Return the list of models."""
    now = now or utc_now()
    payload = {"models": [encode(summary) for summary in summaries]}
    if not summaries:
        html = theme.card(theme.faint(_EMPTY), " A job that writes one makes it: ", theme.code(_EMPTY_COMMAND), ".")
        return document(
            MIME_TYPE, payload, html=html, text=f"{_EMPTY} A job that writes one makes it: {_EMPTY_COMMAND}."
        )
    rows = [_row(summary, now) for summary in summaries]
    columns = [at for at in range(len(_HEADER)) if at not in _OPTIONAL or any(row[at] != _NONE for row in rows)]
    header = [_HEADER[at] for at in columns]
    rows = [[row[at] for at in columns] for row in rows]
    # Names may be long, and an endpoint's is one word.
    wraps = [at for at, name in enumerate(header) if name in {"Model", "Served by"}]
    html = theme.card(theme.table(header, [[element("strong", name), *rest] for name, *rest in rows], wraps=wraps))
    text = table([name.split()[0].upper() for name in header], rows, flexible=0)
    return document(MIME_TYPE, payload, html=html, text=text)


def main_metrics(metrics: Mapping[str, float], most: int) -> list[str]:
    """Return the names of the metrics that tell most: of the data that was held back, and with a better end."""

    def rank(name: str) -> tuple[bool, bool, bool]:
        held_back = name.startswith(("val_", "eval_", "test_"))
        return not held_back, lower_is_better(name) is None, name.endswith("loss")

    return sorted(metrics, key=rank)[:most]


def _row(summary: ModelSummary, now: datetime) -> list[str]:
    metrics = summary.latest.origin.metrics
    told = [f"{name} {number(metrics[name])}" for name in main_metrics(metrics, 1)]
    return [
        summary.model.name,
        _NONE if summary.default is None else str(summary.default),
        str(summary.latest),
        str(summary.versions),
        *(told or [_NONE]),
        ", ".join(summary.endpoints) or _NONE,
        ago(summary.latest.create_time, now),
    ]
