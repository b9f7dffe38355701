"""Charts of a study on their own: an output beside the page, for JupyterLab shows one form of each alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlmagic.panels.bundle import Bundle
from mlmagic.panels.study_charts import Chart, PlotKind, charts_of, kind_of
from mlmagic.panels.study_svg import charts_picture, title_of
from mlmagic.panels.study_vega import charts_vega
from mlmagic.panels.text import plain_log
from mlmagic.panels.vega import MIME_TYPE as VEGA_MIME_TYPE
from mlmagic.spec.study_report import IMPORTANCE_TRIALS, StudyReport
from mlmagic.tuning.libraries import missing_for_importance

_NOTHING = "No trial of {name} has a result yet: there is nothing to draw."
_FEWEST = {PlotKind.HISTORY: 1, PlotKind.SLICES: 1, PlotKind.PARALLEL: 2, PlotKind.IMPORTANCE: IMPORTANCE_TRIALS}
"""So many trials with a result each kind needs."""


def study_plots(report: StudyReport, kinds: Sequence[PlotKind] = tuple(PlotKind)) -> Bundle:
    """Return charts of a study: for Vega-Lite, as a picture, and what they are as text; each tells what is missing."""
    charts = charts_of(report, kinds)
    missing = _missing(report, kinds, charts)
    if not charts:
        told = missing if _results(report) else [_NOTHING.format(name=report.reference)]
        return {"text/plain": plain_log("\n".join(told))}
    told = ["Charts:", *(f"  {title_of(chart)}" for chart in charts), *missing]
    return {
        VEGA_MIME_TYPE: charts_vega(charts, missing),
        "image/svg+xml": charts_picture(charts, missing),
        "text/plain": plain_log("\n".join(told)),
    }


def _missing(report: StudyReport, kinds: Sequence[PlotKind], charts: Sequence[Chart]) -> list[str]:
    """Return for each kind that was asked for and cannot be drawn, why not: in a sentence."""
    drawn = {kind_of(chart) for chart in charts}
    return [_why(report, kind) for kind in dict.fromkeys(kinds) if kind not in drawn]


def _results(report: StudyReport) -> int:
    """Return how many trials have a result that can be drawn."""
    finals = [trial.final.value for trial in report.study.trials if trial.final is not None]
    return sum(map(math.isfinite, finals))


def _why(report: StudyReport, kind: PlotKind) -> str:
    count, fewest = _results(report), _FEWEST[kind]
    if count < fewest:
        there = f"there {'is' if count == 1 else 'are'} {count or 'none'}"
        return f"{kind} needs {fewest} trial{'s' * (fewest != 1)} with a result; {there}."
    if kind is PlotKind.IMPORTANCE and (names := missing_for_importance()):
        return f'{kind} needs {" and ".join(names)}: pip install "mlmagic[tune]".'
    if kind is PlotKind.IMPORTANCE:
        return f"{kind}: no parameter seems to have mattered."
    return f"{kind}: there is nothing to compare."
