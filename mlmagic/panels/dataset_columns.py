"""The columns of a dataset as a table: types, missing and distinct values, how they are distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlmagic.panels import theme
from mlmagic.panels.dataset_bins import Bars, bars
from mlmagic.panels.dataset_chart import blocks, legend, spark_svg
from mlmagic.panels.dataset_values import (
    NONE,
    PERCENTILES,
    quantile_texts,
    range_text,
    share,
    top_texts,
    unique_text,
)
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import fit, one_line, table
from mlmagic.spec.dataset import Column, DatasetSchema, in_order
from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics

_MARKS = {"target": theme.PURPLE, "key": theme.GREY}
_TEXT_HEADER = ("COLUMN", "TYPE", "MISSING", "UNIQUE", "", "RANGE OR MOST FREQUENT")
_NAME_WIDTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownColumn:
    """A column with what is known of it in the split that models learn from, and its chart."""

    column: Column
    mark: str | None
    """`target` or `key`."""
    statistics: ColumnStatistics | None
    chart: Bars | None


def chart_splits(splits: Sequence[str]) -> list[str]:
    """Return the two splits that are compared in charts: `train` and `eval`, or the first two."""
    return list(in_order(splits)[:2])


def shown_columns(schema: DatasetSchema, statistics: DatasetStatistics, names: Sequence[str]) -> list[ShownColumn]:
    """Return what is told of the columns of these names."""
    marks = {schema.target: "target", schema.key: "key"}
    splits = chart_splits(list(statistics.splits))
    known = {split: {column.name: column for column in statistics.splits[split].columns} for split in splits}
    columns = {column.name: column for column in schema.columns}
    shown = []
    for name in names:
        of_splits = {split: known[split][name] for split in splits if name in known[split]}
        first = next(iter(of_splits.values()), None)
        shown.append(ShownColumn(column=columns[name], mark=marks.get(name), statistics=first, chart=bars(of_splits)))
    return shown


def columns_html(shown: Sequence[ShownColumn], splits: Sequence[str]) -> Html:
    """Return the table; it fits a narrow page, for what is told of values wraps."""
    quantiles = " · ".join(f"p{percent}" for percent in PERCENTILES)
    header = ["Column", "Missing", "Unique", legend(splits), f"{quantiles}, or the most frequent"]
    rows = [
        [
            _name_html(each),
            _missing(each),
            unique_text(each.statistics) if each.statistics else NONE,
            spark_svg(each.chart) if each.chart else NONE,
            _values_html(each),
        ]
        for each in shown
    ]
    return theme.table(header, rows, wraps=[0, 4], right=[1, 2])


def columns_text(shown: Sequence[ShownColumn]) -> str:
    """Return the table for a terminal, and below it that of the quantiles."""
    rows = [
        [
            _name_text(each),
            each.column.type.value,
            _missing(each),
            unique_text(each.statistics) if each.statistics else NONE,
            blocks(each.chart, 10) if each.chart else "",
            _range(each) or " · ".join(_values(each)),
        ]
        for each in shown
    ]
    numbers = [
        [_name_text(each), *quantile_texts(each.statistics)] for each in shown if _range(each) and each.statistics
    ]
    tables = [table(_TEXT_HEADER, rows, flexible=5, right=(2, 3))]
    if numbers:
        header = ["COLUMN", *(f"P{percent}" for percent in PERCENTILES)]
        tables += ["", table(header, numbers, flexible=0, right=range(1, len(header)))]
    return "\n".join(tables)


def _name_text(each: ShownColumn) -> str:
    mark = f" ({each.mark})" if each.mark else ""
    return f"{fit(literal_name(each.column.name), _NAME_WIDTH - len(mark))}{mark}"


def _range(each: ShownColumn) -> str | None:
    return range_text(each.statistics) if each.statistics else None


def columns_payload(shown: Sequence[ShownColumn]) -> list[dict[str, object]]:
    """Return the same for a front end of ours, without the 257 quantiles of each."""
    return [_payload(each) for each in shown]


def _name_html(each: ShownColumn) -> Html:
    name = element("strong", literal_name(each.column.name), style="unicode-bidi:isolate")
    kind = element("span", theme.faint(each.column.type.value), style="font-size:12px")
    return join([name, theme.pill(each.mark, _MARKS[each.mark]) if each.mark else None, kind], " ")


def _missing(each: ShownColumn) -> str:
    known = each.statistics
    return share(known.missing, known.count + known.missing) if known else NONE


def literal_name(name: str) -> str:
    """Return a column's name so that an empty or a blank one can be seen."""
    return one_line(name) or repr(name)


def _values(each: ShownColumn) -> list[str]:
    if each.statistics is None:
        return []
    return quantile_texts(each.statistics) or top_texts(each.statistics)


def _values_html(each: ShownColumn) -> Html:
    if each.statistics is None or not each.statistics.count:
        return theme.faint(NONE)
    texts = _values(each)
    # The median, among the five of numbers, is what the eye looks for.
    middle = len(PERCENTILES) // 2 if _range(each) else None
    spans = [
        element("span", text, style=f"white-space:nowrap{';font-weight:600' if at == middle else ''}")
        for at, text in enumerate(texts)
    ]
    return element("span", join(spans, " · "), title=_range(each), style="font-variant-numeric:tabular-nums")


def _payload(each: ShownColumn) -> dict[str, object]:
    told: dict[str, object] = {"name": each.column.name, "type": each.column.type.value}
    if each.statistics is not None:
        known = each.statistics
        told |= {"count": known.count, "missing": known.missing, "unique": known.unique}
        told |= {"isUniqueExact": known.is_unique_exact, "values": _values(each)}
    if each.chart is not None:
        told["bars"] = _bars_payload(each.chart)
    return told


def _bars_payload(chart: Bars) -> Mapping[str, object]:
    scale = {"labels": list(chart.labels)} if chart.labels else {"edges": list(chart.edges)}
    return {**scale, "shares": {split: list(shares) for split, shares in chart.shares.items()}}
