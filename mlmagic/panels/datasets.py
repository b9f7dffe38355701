"""The list of datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import fit, one_line, table
from mlmagic.panels.times import ago, utc_now
from mlmagic.spec.dataset import DatasetVersion, in_order

MIME_TYPE = "application/vnd.mlmagic.datasets+json"
_EMPTY = "No datasets yet."
_EMPTY_COMMAND = "%%preprocess NAME --input 'FILES'"
_TARGET_WIDTH = 24
_HTML_HEADER = ("Dataset", "Rows", "Columns", "Target", "Made")
_HEADER = ("Dataset", "Newest", "Versions", "Rows", "Columns", "Target", "Made", "Size")


def datasets_bundle(entries: Sequence[Sequence[DatasetVersion]], *, now: datetime | None = None) -> Bundle:
    """Return the list of datasets, each with its versions in ascending order."""
    now = now or utc_now()
    payload = {"datasets": [_payload(versions) for versions in entries]}
    if not entries:
        html = theme.card(theme.faint(_EMPTY), " Raw files become one with ", theme.code(_EMPTY_COMMAND), ".")
        text = f"{_EMPTY} Raw files become one with {_EMPTY_COMMAND}."
        return document(MIME_TYPE, payload, html=html, text=text)
    html = theme.card(
        theme.table(_HTML_HEADER, [_row_html(versions, now) for versions in entries], right=[2], wraps=[0]),
        theme.hints("Next", [f"%datasets describe {entries[0][-1].dataset}"]),
    )
    rows = [_row(versions, now) for versions in entries]
    text = table([name.upper() for name in _HEADER], rows, flexible=5, right=[2, 3, 4])
    return document(MIME_TYPE, payload, html=html, text=f"{text}\nNext: %datasets describe {entries[0][-1].dataset}")


def rows_text(rows: Mapping[str, int]) -> str:
    """Return `train 5,133 · eval 1,100`."""
    return " · ".join(f"{split} {rows[split]:,}" for split in in_order(rows))


def _payload(versions: Sequence[DatasetVersion]) -> dict[str, object]:
    newest = versions[-1]
    return {
        "dataset": newest.dataset,
        "newest": newest.number,
        "versions": [version.number for version in versions],
        "rows": dict(newest.schema.rows),
        "columns": len(newest.schema.columns),
        "target": newest.schema.target,
        "createTime": newest.create_time.isoformat(),
        "sizeBytes": newest.size_bytes,
    }


def _row(versions: Sequence[DatasetVersion], now: datetime) -> list[str]:
    newest = versions[-1]
    return [
        newest.dataset,
        str(newest),
        str(len(versions)),
        f"{sum(newest.schema.rows.values()):,}",
        f"{len(newest.schema.columns):,}",
        one_line(newest.schema.target or "—"),
        ago(newest.create_time, now),
        size_text(newest.size_bytes),
    ]


def _row_html(versions: Sequence[DatasetVersion], now: datetime) -> list[str]:
    name, newest, count, rows, columns, target, made, size = _row(versions, now)
    splits = theme.faint(rows_text(versions[-1].schema.rows))
    numbered = theme.faint(f"{newest}{f', newest of {count}' if count != '1' else ''}")
    return [
        _above(element("strong", name), numbered),
        _above(rows, splits),
        columns,
        fit(target, _TARGET_WIDTH),
        _above(made, theme.faint(size)),
    ]


def _above(text: str, below: str) -> Html:
    return join([text, element("br"), element("span", below, style="font-size:12px;white-space:nowrap")])
