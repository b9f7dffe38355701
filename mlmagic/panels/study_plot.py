"""Charts of a study on their own: an output beside the page, for JupyterLab shows one form of each alone."""

from __future__ import annotations

from collections.abc import Sequence

from mlmagic.panels.bundle import Bundle
from mlmagic.panels.study_charts import PlotKind, charts_of
from mlmagic.panels.study_svg import charts_picture, title_of
from mlmagic.panels.study_vega import charts_vega
from mlmagic.panels.text import plain_log
from mlmagic.panels.vega import MIME_TYPE as VEGA_MIME_TYPE
from mlmagic.spec.study_report import StudyReport

_NOTHING = "No trial of {name} has a result yet: there is nothing to draw."


def study_plots(report: StudyReport, kinds: Sequence[PlotKind] = tuple(PlotKind)) -> Bundle:
    """Return charts of a study: for Vega-Lite, as a picture, and what they are as text."""
    charts = charts_of(report, kinds)
    if not charts:
        return {"text/plain": plain_log(_NOTHING.format(name=report.reference))}
    told = "\n".join(["Charts:", *(f"  {title_of(chart)}" for chart in charts)])
    return {
        VEGA_MIME_TYPE: charts_vega(charts),
        "image/svg+xml": charts_picture(charts),
        "text/plain": plain_log(told),
    }
