"""Datasets as panels: list, page, charts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from support.dataset_tables import column_type, divided, rides, statistics_of

from mlmagic.panels import dataset_bundle, dataset_chart_bundle, dataset_plot_table_bundle, datasets_bundle
from mlmagic.spec.dataset import Column, DatasetOrigin, DatasetSchema, DatasetVersion, InputFile, SplitBy, SplitRule
from mlmagic.spec.dataset_report import DatasetReport, DatasetWarning, WarningKind
from mlmagic.spec.statistics import DatasetStatistics, RejectedRow, RowCounts

HTML, TEXT, VEGA = "text/html", "text/plain", "application/vnd.vegalite.v5+json"
MADE = datetime(2026, 11, 21, 9, tzinfo=UTC)
NOW = MADE + timedelta(hours=2)
EVIL = "<img src=x onerror=alert(1)> {{7*7}} \"'`\n\x1b[31m"


def report(splits: dict[str, pa.Table], *, rows: RowCounts | None = None, **told: Any) -> DatasetReport:
    first = next(iter(splits.values()))
    columns = tuple(Column(name=name, type=column_type(first[name].type)) for name in first.column_names)
    schema = DatasetSchema(
        columns=columns, rows={split: t.num_rows for split, t in splits.items()}, **told.pop("schema", {})
    )
    version = DatasetVersion(
        dataset="taxi",
        number=1,
        create_time=MADE,
        schema=schema,
        size_bytes=5 << 20,
        origin=told.pop("origin", DatasetOrigin()),
    )
    statistics = DatasetStatistics(
        splits={split: statistics_of(table) for split, table in splits.items()},
        rows=rows or RowCounts(read=400, written=400),
    )
    names = told.pop("columns", tuple(first.column_names))
    return DatasetReport(version=version, statistics=statistics, columns=names, **told)


@pytest.fixture(scope="module")
def taxi() -> DatasetReport:
    schema = {"target": "fare", "key": "ride_id", "features": {"payment": "categorical", "miles": "numeric"}}
    return report(divided(rides()), schema=schema)


def charts(shown: DatasetReport) -> dict[str, Any]:
    return dataset_chart_bundle(shown.version, shown.statistics, shown.columns)


def test_the_list(taxi: DatasetReport) -> None:
    newest = replace(taxi.version, number=2)
    bundle = datasets_bundle([(taxi.version, newest)], now=NOW)
    assert bundle[TEXT].split("\n")[1].split() == [
        "taxi",
        "taxi@2",
        "2",
        "400",
        "7",
        "fare",
        "2",
        "h",
        "ago",
        "5.0",
        "MiB",
    ]
    for text in ("taxi@2, newest of 2", "train 280 · eval 120", "%datasets describe taxi"):
        assert text in bundle[HTML]
    assert bundle["application/vnd.mlmagic.datasets+json"]["datasets"][0]["versions"] == [1, 2]


def test_an_empty_list_says_what_to_do() -> None:
    bundle = datasets_bundle([])
    assert bundle[TEXT] == "No datasets yet. Raw files become one with %%preprocess NAME --input 'FILES'."
    assert "%%preprocess NAME" in bundle[HTML]


def test_the_page(taxi: DatasetReport) -> None:
    text = dataset_bundle(taxi, now=NOW)[TEXT]
    assert text.startswith(
        "taxi@1\nRows    train 280 (70 %) · eval 120 (30 %), by a hash of the row\nTarget  fare\nKey     ride_id\n"
    )
    lines = {line.split()[0]: line.split() for line in text.split("\n") if line}
    assert lines["passengers"][:4] == ["passengers", "1", "1", "1"]
    assert lines["shared"][1:5] == ["boolean", "0", "%", "2"]
    assert "features:\n  miles: numeric\n  payment: categorical\n" in text
    assert "Next: %datasets plot taxi@1   %%train NAME --data taxi@1" in text


def test_the_page_in_html(taxi: DatasetReport) -> None:
    html = dataset_bundle(replace(taxi, newest=3), now=NOW)[HTML]
    for text in ("newest @3", "400 rows · 7 columns", ">target<", ">key<", "distribution of miles", "  miles: numeric"):
        assert text in html
    assert "such as" in html


def test_the_page_of_a_split_by_time(taxi: DatasetReport) -> None:
    rule = SplitRule(by=SplitBy.TIME, column="pickup", starts={"eval": MADE})
    schema = replace(taxi.version.schema, split=rule, are_features_inferred=True)
    text = dataset_bundle(replace(taxi, version=replace(taxi.version, schema=schema)), now=NOW)[TEXT]
    assert "by pickup: eval from 2026-11-21 09:00" in text
    assert "Features, inferred from the values: copy, change" in text
    key = replace(schema, split=SplitRule(by=SplitBy.KEY, column="ride_id"))
    assert "by a hash of ride_id" in dataset_bundle(replace(taxi, version=replace(taxi.version, schema=key)))[TEXT]


def test_what_looks_wrong_is_told_by_kind(taxi: DatasetReport) -> None:
    constant = [DatasetWarning(kind=WarningKind.CONSTANT, subject=f"c{n}", detail="7") for n in range(12)]
    leak = DatasetWarning(kind=WarningKind.LEAK, subject="copy", detail="99.50 % of it")
    bundle = dataset_bundle(replace(taxi, warnings=(*constant, leak)), now=NOW)
    assert bundle[TEXT].index("! May leak the target: copy (99.50 % of it)") < bundle[TEXT].index(
        "! Constant: c0 (7), c1"
    )
    assert "and 4 more" in bundle[TEXT]
    assert "May leak the target: " in bundle[HTML]
    assert len(bundle["application/vnd.mlmagic.dataset+json"]["warnings"]) == 13


def test_provenance_and_rejected_rows() -> None:
    files = tuple(InputFile(path=f"/data/{n}.csv", size_bytes=1 << 20, digest=f"sha256:{n:064x}") for n in range(25))
    sample = RejectedRow(file="/data/3.csv", line=7, reason='fare: "<b>" is not a number', text="1,<b>,2")
    counts = RowCounts(read=10, written=6, removed=1, rejected={"fare: not a number": 3}, samples=(sample,))
    origin = DatasetOrigin(job_id="taxi-20261121-090000-ab12", package_digest="ab" * 32, inputs=files)
    bundle = dataset_bundle(report(divided(rides(20)), rows=counts, origin=origin), now=NOW)
    assert (
        "10 rows read, 3 rejected (30 %), 1 removed by clean, 6 written\n          3  fare: not a number"
        in bundle[TEXT]
    )
    assert "Made from 25 files, 25 MiB:" in bundle[TEXT]
    assert "and 15 more, in .version.origin.inputs" in bundle[TEXT]
    for text in (
        "/data/3.csv:7",
        "1,&lt;b&gt;,2",
        "sha256:000000000000",
        "taxi-20261121-090000-ab12",
        "package abababababab",
    ):
        assert text in bundle[HTML]


def test_rows_that_clean_added_and_many_reasons() -> None:
    counts = RowCounts(read=20, written=30, removed=-10)
    assert (
        "20 rows read, 10 added by clean, 30 written" in dataset_bundle(report(divided(rides(20)), rows=counts))[HTML]
    )
    many = RowCounts(read=20, written=8, rejected={f"reason {n:02}": 1 for n in range(12)})
    assert "          2  (other reasons)" in dataset_bundle(report(divided(rides(20)), rows=many))[TEXT]


def test_charts_have_a_specification_and_a_picture(taxi: DatasetReport) -> None:
    bundle = charts(taxi)
    assert HTML not in bundle
    spec = bundle[VEGA]
    assert [panel["title"]["text"] for panel in spec["concat"]] == [
        "miles",
        "fare",
        "passengers",
        "payment",
        "shared",
        "pickup",
    ]
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    assert bundle["image/svg+xml"].count("<g ") == 12
    assert bundle[TEXT].startswith("taxi@1\nCOLUMN")


def test_train_and_eval_lie_over_one_another(taxi: DatasetReport) -> None:
    fare = charts(taxi)[VEGA]["concat"][1]
    assert [layer["mark"]["type"] for layer in fare["layer"]] == ["rect", "line", "rect"]
    colours = [layer["encoding"]["color"]["datum"] for layer in fare["layer"][:2]]
    assert colours == ["train", "eval"]
    *rows, end = fare["data"]["values"]
    assert sum(row["share0"] for row in rows) == pytest.approx(1, abs=1e-3)
    assert (end["low"], "high" in end) == (rows[-1]["high"], False)


def test_times_are_in_utc(taxi: DatasetReport) -> None:
    pickup = charts(taxi)[VEGA]["concat"][-1]
    x = pickup["layer"][0]["encoding"]["x"]
    assert (x["type"], x["scale"]["type"]) == ("temporal", "utc")
    assert datetime.fromtimestamp(pickup["data"]["values"][0]["low"] / 1000, UTC).year == 2013


def test_a_chart_of_one_split_has_no_line() -> None:
    alone = report({"train": pa.table({"x": [1.0, 2.0], "s": ["a", "b"]})})
    assert [len(panel["layer"]) for panel in charts(alone)[VEGA]["concat"]] == [2, 1]


def test_what_cannot_be_drawn_leaves_the_table() -> None:
    empty = report({"train": pa.table({"x": pa.nulls(3, pa.float64())})})
    assert list(charts(empty)) == [TEXT]
    table = dataset_plot_table_bundle(empty.version, empty.statistics, empty.columns)
    assert "100 %" in table[HTML]
    none = report({"train": pa.table({})}, columns=())
    assert "It has no columns." in dataset_plot_table_bundle(none.version, none.statistics, ())[HTML]


def test_some_of_the_columns_name_the_others(taxi: DatasetReport) -> None:
    some = replace(taxi, columns=("fare",))
    note = "1 of 7 columns. Others: %datasets {} taxi@1 --columns 'NAME,BEGIN*'"
    assert note.format("describe") in dataset_bundle(some)[TEXT].replace("\n  ", " ")
    table = dataset_plot_table_bundle(some.version, some.statistics, some.columns)
    assert note.format("plot") in table[TEXT].replace("\n  ", " ")
    assert "1 of 7 columns" in table[HTML]


def test_hostile_names_and_values_stay_text() -> None:
    table = pa.table({EVIL: [EVIL, "b", EVIL], "": [1.0, 2.0, 3.0], "  ": [1, 2, 3]})
    hostile = report({"train": table, EVIL: table}, schema={"target": EVIL, "features": {EVIL: "categorical"}})
    bundles = [dataset_bundle(hostile), charts(hostile)]
    bundles.append(dataset_plot_table_bundle(hostile.version, hostile.statistics, hostile.columns))
    for bundle in bundles:
        assert "<img" not in bundle.get(HTML, "") + bundle.get("image/svg+xml", "")
        assert "\x1b" not in bundle[TEXT]
    assert "&lt;img src=x" in bundles[0][HTML]


def test_a_thousand_columns_stay_small() -> None:
    wide = report({"train": pa.table({f"c{n:04}": [1.0, 2.0, float(n)] for n in range(1000)})})
    some = replace(wide, columns=wide.columns[:50])
    sizes = {kind: len(json.dumps(content)) for kind, content in dataset_bundle(some).items()}
    assert sum(sizes.values()) < 400_000
    assert "50 of 1,000 columns" in dataset_bundle(some)[HTML]
