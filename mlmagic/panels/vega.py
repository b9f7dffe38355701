"""What the Vega-Lite specifications of charts share: small multiples in greys that fit a light and a dark page.

Names and values of the user's stand in data, titles and domains alone, never in names of fields or in expressions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlmagic.panels.svg import INK

MIME_TYPE = "application/vnd.vegalite.v5+json"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_GRID = "rgba(128,128,128,.25)"

Spec = dict[str, Any]


def multiples(panels: Sequence[Spec], *, across: int, spacing: tuple[int, int], scales: Spec) -> Spec:
    """Return the specification of charts beside each other.

    Args:
        panels: the charts.
        across: how many stand in a row.
        spacing: between rows and between columns.
        scales: which scales the charts share.
    """
    gaps = {"row": spacing[0], "column": spacing[1]}
    return whole({"concat": list(panels), "columns": across, "spacing": gaps, "resolve": {"scale": scales}})


def whole(charts: Spec) -> Spec:
    """Return the specification of charts that are arranged already."""
    # A page may change its theme while it shows the chart.
    axis = {"labelColor": INK, "titleColor": INK, "gridColor": _GRID, "domainColor": INK, "tickColor": INK}
    return {
        "$schema": _SCHEMA,
        "config": {
            "background": "transparent",
            "view": {"stroke": None},
            "axis": {**axis, "labelFontSize": 10, "titleFontSize": 10, "titleFontWeight": "normal"},
            "title": {"color": INK, "fontSize": 12, "anchor": "start", "frame": "group"},
            "legend": {"labelColor": INK, "titleColor": INK, "orient": "top", "title": None},
        },
        **charts,
    }
