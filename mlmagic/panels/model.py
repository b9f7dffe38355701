"""The page of a model: its versions, which is the default, how good they are, where they are served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.models import main_metrics
from mlmagic.panels.numbers import best, column
from mlmagic.panels.signature import signature_html, signature_text
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import fit, table, wrapped
from mlmagic.panels.times import ago, short_absolute, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.model_report import ModelPage

MIME_TYPE = "application/vnd.mlmagic.model+json"
_NONE = "—"
_BEST = "★"
# Beside what else a version has to tell.
_METRICS, _METRICS_IN_TEXT = 2, 1


def model_bundle(page: ModelPage, *, now: datetime | None = None) -> Bundle:
    """Return the page of a model."""
    now = now or utc_now()
    return document(MIME_TYPE, encode(page), html=_html(page, now), text=_text(page, now))


def alias_pills(aliases: Sequence[str]) -> Html:
    """Return aliases, the default in a colour of its own."""
    return join([theme.pill(name, theme.BLUE if name == "default" else theme.GREY) for name in aliases], " ")


def _endpoints(page: ModelPage, version: ModelVersion) -> str:
    return ", ".join(page.deployed.get(str(version), ()))


def _source(version: ModelVersion) -> str | None:
    """Return what made it, where that was no job."""
    return f"imported from {PurePath(version.origin.source).name}" if version.origin.source else None


def _metric_columns(versions: Sequence[ModelVersion], most: int) -> list[tuple[str, list[str], frozenset[int]]]:
    """Return for each of the main metrics its name, its values, and which of them are the best."""
    known: dict[str, float] = {}
    for version in versions:
        known = {**version.origin.metrics, **known}
    found = []
    for name in main_metrics(known, most):
        values = [version.origin.metrics.get(name) for version in versions]
        found.append((name, column(values), best(name, values)))
    return found


def _more(page: ModelPage) -> str | None:
    left = page.count - len(page.versions)
    return f"and {left:,} older version{'' if left == 1 else 's'}" if left else None


def _shown(page: ModelPage) -> ModelVersion:
    """Return the version whose signature is shown: the default one."""
    default = page.model.aliases.get("default")
    return next((version for version in page.versions if version.number == default), page.versions[-1])


def _next(page: ModelPage) -> list[str]:
    name, latest = page.model.name, page.versions[-1]
    default = page.model.aliases.get("default")
    if default == latest.number:
        return [f"%predict {name} $data", f"%models describe {latest}"]
    return [f"%predict {name} $data", f"%models diff {name}@{default} {latest}", f"%models set-default {latest}"]


def _html(page: ModelPage, now: datetime) -> Html:
    default = page.model.aliases.get("default")
    heading = theme.heading(
        theme.title(page.model.name),
        theme.pill(f"default @{default}", theme.BLUE) if default is not None else None,
        right=f"{page.count:,} version{'' if page.count == 1 else 's'}",
    )
    versions = list(reversed(page.versions))
    metrics = _metric_columns(versions, _METRICS)
    rows = [
        [
            element("strong", str(version)),
            alias_pills(page.model.aliases_of(version.number)),
            *(_cell(values[at], is_best=at in winners) for _, values, winners in metrics),
            _endpoints(page, version) or _NONE,
            _made(version, now),
            size_text(version.size_bytes),
            theme.copyable(version.origin.job_id) if version.origin.job_id else _source(version) or _NONE,
        ]
        for at, version in enumerate(versions)
    ]
    header = ["Version", "Aliases", *(name for name, _, _ in metrics), "Served by", "Made", "Size", "By job"]
    more = _more(page)
    return theme.card(
        heading,
        theme.table(
            header, rows, wraps=[len(header) - 4, len(header) - 3, len(header) - 1], right=range(2, 2 + len(metrics))
        ),
        theme.row(theme.faint(more)) if more else None,
        signature_html(_shown(page)),
        theme.hints("Next", _next(page)),
    )


def _cell(value: str, *, is_best: bool) -> str:
    return element("strong", f"{_BEST} {value}", title="the best of those shown") if is_best else value


def _made(version: ModelVersion, now: datetime) -> Html:
    times = (ago(version.create_time, now), short_absolute(version.create_time))
    first, second = (
        element("span", text, style=f"white-space:nowrap{style}")
        for text, style in zip(times, ("", ";opacity:.65"), strict=True)
    )
    return join([first, " ", second])


def _text(page: ModelPage, now: datetime) -> str:
    versions = list(reversed(page.versions))
    metrics = _metric_columns(versions, _METRICS_IN_TEXT)
    rows = [
        [
            str(version),
            ", ".join(page.model.aliases_of(version.number)),
            *(f"{_BEST} {values[at]}" if at in winners else values[at] for _, values, winners in metrics),
            *([_endpoints(page, version) or _NONE] if page.deployed else []),
            ago(version.create_time, now),
            version.origin.job_id or _source(version) or _NONE,
        ]
        for at, version in enumerate(versions)
    ]
    header = ["VERSION", "ALIASES", *(fit(name, 14) for name, _, _ in metrics)]
    header += [*(["SERVED BY"] if page.deployed else []), "MADE", "BY JOB"]
    more = _more(page)
    lines = [page.model.name, "", table(header, rows, flexible=len(header) - 1, right=range(2, 2 + len(metrics)))]
    lines += [more] if more else []
    if signature := signature_text(_shown(page)):
        lines += ["", *signature]
    return "\n".join([*lines, "", *wrapped("Next: ", _next(page), separator="   ")])
