"""Two versions of datasets side by side, as a panel."""

from __future__ import annotations

import pyarrow as pa
from support.dataset_tables import statistics_of

from mlmagic.panels import dataset_diff_bundle
from mlmagic.spec.dataset_report import DatasetDiff, Drift, InputChange, InputDifference, Moved
from mlmagic.spec.report import Difference, FileDifference
from mlmagic.spec.statistics import ColumnStatistics

HTML, TEXT = "text/html", "text/plain"
EVIL = "<img src=x onerror=alert(1)>"


def column(name: str, values: object) -> ColumnStatistics:
    return statistics_of(pa.table({name: pa.array(values)})).columns[0]


def moved(name: str, first: object, second: object, measure: str = "Jensen-Shannon") -> Moved:
    drift = Drift(column=name, measure=measure, distance=0.25, missing=0.5)
    return Moved(drift=drift, first=column(name, first), second=column(name, second))


def diff(**fields: object) -> DatasetDiff:
    return DatasetDiff(first="taxi@1", second="taxi@2", **fields)  # type: ignore[arg-type]


def test_versions_that_are_the_same() -> None:
    text = "They are the same: rows, columns, values, features and what they were made from."
    bundle = dataset_diff_bundle(diff(compared=3, same_inputs=1))
    assert text in bundle[HTML]
    assert bundle[TEXT] == f"- taxi@1\n+ taxi@2\n{text}"


def test_values_that_moved() -> None:
    rows = (
        moved("miles", [1.0, 2.0, 3.0], [4.0, 5.0, None]),
        moved("kind", ["a", "b"], ["b", "b"], "L-infinity"),
        moved("gone", pa.nulls(2, pa.float64()), pa.nulls(2, pa.float64())),
    )
    bundle = dataset_diff_bundle(diff(moved=rows, compared=9))
    lines = [line.split() for line in bundle[TEXT].split("\n")]
    assert any(line[:3] == ["miles", "0.250", "JS"] and line[-3:] == ["2", "→", "4"] for line in lines)
    assert any(line[:3] == ["kind", "0.250", "L∞"] for line in lines)
    assert "3 of 9 columns moved, in train." in bundle[HTML]
    assert set(bundle["application/vnd.mlmagic.datasetdiff+json"]["moved"][0]) == {
        "column",
        "measure",
        "distance",
        "missing",
        "noise",
    }


def test_files_that_were_read() -> None:
    files = [InputDifference(path=f"/d/{n:02}.csv", change=InputChange.ADDED, second_bytes=10) for n in range(24)]
    grown = InputDifference(path="/d/a.csv", change=InputChange.CHANGED, first_bytes=10, second_bytes=2048)
    bundle = dataset_diff_bundle(diff(inputs=(grown, *files), same_inputs=1))
    assert "/d/a.csv   changed  10 B → 2.0 KiB" in bundle[TEXT]
    assert "and 5 more, in .inputs; 1 file is the same" in bundle[HTML]


def test_of_many_differences_the_first_are_shown() -> None:
    many = tuple(Difference(key=f"c{n}", first="float", second=None) for n in range(1000))
    columns = tuple(moved(f"c{n}", [1.0], [2.0]) for n in range(100))
    bundle = dataset_diff_bundle(diff(columns=many, moved=columns, compared=100))
    assert "and 970 more, in .columns" in bundle[HTML]
    assert "and 970 more, in .columns" in bundle[TEXT]
    assert "The 30 that moved most are shown; all are in .moved." in bundle[HTML]


def test_hostile_names_and_code_stay_text() -> None:
    rows = (Difference(key=EVIL, first=EVIL, second=None),)
    code = (FileDifference(name=EVIL, text=f"@@ -1 +1 @@\n-{EVIL}\n"),)
    files = (InputDifference(path=EVIL, change=InputChange.REMOVED, first_bytes=1),)
    hostile = diff(
        columns=rows, features=rows, code=code, inputs=files, moved=(moved(EVIL, [EVIL], ["b"], "L-infinity"),)
    )
    bundle = dataset_diff_bundle(hostile)
    assert "<img" not in bundle[HTML]
    assert bundle[HTML].count("&lt;img src=x") >= 6
    assert f"-{EVIL}" in bundle[TEXT]
