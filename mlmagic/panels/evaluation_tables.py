"""The tables of an evaluation as rows of words: by class, which class was taken for which, and by slice."""

from __future__ import annotations

from dataclasses import dataclass

from mlmagic.panels.evaluation_words import NONE, OTHERS, SMALL, metric_text
from mlmagic.panels.numbers import column, number
from mlmagic.panels.text import fit
from mlmagic.spec.evaluation import Confusion, EvaluationReport, Importances

_VALUE_WIDTH, _LABEL_WIDTH = 28, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows below a header; all columns but the first hold numbers."""

    title: str
    header: list[str]
    rows: list[list[str]]


def tables_of(report: EvaluationReport) -> list[Table]:
    """Return what there is to tell beside the metrics."""
    matrices = [confusion_table(each.version, each.confusion) for each in report.versions if each.confusion]
    classes = [class_table(report)] if (report.classes or 0) > 2 else []
    slices = [slice_table(report)] if report.slices else []
    importances = [importance_table(report, report.importances)] if report.importances else []
    return [*importances, *slices, *classes, *matrices]


def importance_table(report: EvaluationReport, importances: Importances) -> Table:
    """Return a row for each column: of one version with the error, of several one beside the other."""
    names = list(dict.fromkeys(each.column for each in importances.columns))
    found = {(each.version, each.column): each for each in importances.columns}
    header, columns = ["column"], []
    for version in report.versions:
        known = [found.get((version.version, name)) for name in names]
        header.append(f"{importances.metric} worse by" if len(report.versions) == 1 else version.version)
        columns.append(column([each.worse if each else None for each in known]))
        if len(report.versions) == 1:
            header.append("±")
            columns.append(column([each.error if each else None for each in known]))
    rows = [[fit(name, _VALUE_WIDTH), *(each[at] for each in columns)] for at, name in enumerate(names)]
    title = f"By how much {importances.metric} gets worse when a column is shuffled, in {importances.rows:,} rows"
    return Table(title=title, header=header, rows=rows)


def confusion_table(version: str, matrix: Confusion) -> Table:
    """Return a row for each actual class."""
    labels = [fit(label, _LABEL_WIDTH) for label in matrix.labels] + [OTHERS] * matrix.has_others
    rows = [[label, *(f"{count:,}" for count in counts)] for label, counts in zip(labels, matrix.counts, strict=True)]
    return Table(title=f"Confusion matrix of {version}", header=["actual ↓ predicted →", *labels], rows=rows)


def class_table(report: EvaluationReport) -> Table:
    """Return a row for each of the most frequent classes: of one version with precision and recall."""
    first, *others = report.versions
    if not others:
        rows = [
            [fit(each.label, _VALUE_WIDTH), f"{each.rows:,}", *map(_part, (each.precision, each.recall, each.f1))]
            for each in first.classes
        ]
        return Table(title="By class", header=["class", "rows", "precision", "recall", "f1"], rows=rows)
    known = [{each.label: each.f1 for each in version.classes} for version in report.versions]
    rows = [
        [fit(each.label, _VALUE_WIDTH), f"{each.rows:,}", *(_part(own.get(each.label)) for own in known)]
        for each in first.classes
    ]
    return Table(
        title="By class", header=["class", "rows", *(f"f1 {each.version}" for each in report.versions)], rows=rows
    )


def slice_table(report: EvaluationReport) -> Table:
    """Return a row for each slice: of one version all metrics that are told, of several the first one of each."""
    told = range(len(report.slice_metrics)) if len(report.versions) == 1 else range(1)
    header = ["value", "rows"]
    columns = []
    for at in told:
        for place, version in enumerate(report.versions):
            found = [part.metrics[place][at] for part in report.slices]
            columns.append(column([metric.value for metric in found]))
            header.append(report.slice_metrics[at] if len(report.versions) == 1 else version.version)
            if at == 0 and len(report.versions) <= 2:
                columns.append([metric_text(metric)[1] for metric in found])
                header.append("95 %")
    rows = [
        [
            fit(f"{SMALL} {part.value}" if part.is_small else part.value, _VALUE_WIDTH) or repr(part.value),
            f"{part.rows:,}",
            *(each[row] for each in columns),
        ]
        for row, part in enumerate(report.slices)
    ]
    what = f"{report.slice_metrics[0]} by " if len(report.versions) > 1 else "By "
    return Table(title=f"{what}{fit(report.by or '', _VALUE_WIDTH)}", header=header, rows=rows)


def _part(value: float | None) -> str:
    return NONE if value is None else number(value)
