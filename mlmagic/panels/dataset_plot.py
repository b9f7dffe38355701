"""How columns are distributed: charts, and the same as a table for who has none.

These are two outputs. Of one that holds both, JupyterLab would show the table alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.dataset_chart import grid_svg
from mlmagic.panels.dataset_columns import (
    ShownColumn,
    chart_splits,
    columns_html,
    columns_payload,
    columns_text,
    shown_columns,
)
from mlmagic.panels.dataset_vega import vega_spec
from mlmagic.panels.text import folded
from mlmagic.panels.vega import MIME_TYPE as VEGA_MIME_TYPE
from mlmagic.spec.dataset import DatasetVersion
from mlmagic.spec.statistics import DatasetStatistics

MIME_TYPE = "application/vnd.mlmagic.datasetplot+json"


def dataset_chart_bundle(version: DatasetVersion, statistics: DatasetStatistics, names: Sequence[str]) -> Bundle:
    """Return the charts: for Vega-Lite, as a picture, and as text with the table in it."""
    shown = shown_columns(version.schema, statistics, names)
    charts = [each.chart for each in shown if each.chart is not None]
    splits = chart_splits(list(statistics.splits))
    text = {"text/plain": _text(version, shown)}
    if not charts:
        return text
    return {VEGA_MIME_TYPE: vega_spec(charts, splits), "image/svg+xml": grid_svg(charts, splits), **text}


def dataset_plot_table_bundle(version: DatasetVersion, statistics: DatasetStatistics, names: Sequence[str]) -> Bundle:
    """Return the table beside the charts, and what is not shown."""
    shown = shown_columns(version.schema, statistics, names)
    splits = chart_splits(list(statistics.splits))
    note = _note(version, len(shown))
    body = columns_html(shown, splits) if shown else theme.row("It has no columns.")
    html = theme.card(theme.title(str(version)), body, theme.row(theme.faint(note)) if note else None)
    payload = {"dataset": version.dataset, "number": version.number, "columns": columns_payload(shown)}
    return document(MIME_TYPE, payload, html=html, text=_text(version, shown))


def _text(version: DatasetVersion, shown: Sequence[ShownColumn]) -> str:
    note = _note(version, len(shown))
    return "\n".join([str(version), columns_text(shown), *(folded(note) if note else [])])


def _note(version: DatasetVersion, shown: int) -> str | None:
    total = len(version.schema.columns)
    if shown == total:
        return None
    return f"{shown:,} of {total:,} columns. Others: %datasets plot {version} --columns 'NAME,BEGIN*'"
