"""The trials of a study alone, by number."""

from __future__ import annotations

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.study_table import trials_html, trials_text
from mlmagic.spec.codec import encode
from mlmagic.spec.study_report import StudyReport

MIME_TYPE = "application/vnd.mlmagic.trials+json"
_EMPTY = "No trials yet."


def trials_bundle(report: StudyReport) -> Bundle:
    """Return all trials of a study, by number."""
    trials = report.study.trials
    if not trials:
        return document(MIME_TYPE, encode(report.study), html=theme.card(theme.faint(_EMPTY)), text=_EMPTY)
    html, text = theme.card(trials_html(report, trials)), trials_text(report, trials)
    return document(MIME_TYPE, encode(report.study), html=html, text=text)
