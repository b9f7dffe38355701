"""Tutorial 2, run from top to bottom as a reader runs it."""

from __future__ import annotations

import re

import pytest
from support.tutorials import Run, run_tutorial

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_tutorial("02-from-raw-files-to-features.ipynb", tmp_path_factory.mktemp("tutorial"), warm=True)


def test_no_cell_fails(run: Run) -> None:
    assert run.failed == set()


def test_the_dataset_has_the_flights_that_were_flown(run: Run) -> None:
    schema = run.session.datasets.resolve("flights@1").schema
    assert sum(schema.rows.values()) == 327_346
    assert schema.rows["train"] / 327_346 == pytest.approx(0.7, abs=0.01)


def test_it_is_described_and_plotted(run: Run) -> None:
    assert all(word in run.text("describe") for word in ("dep_delay", "carrier", "bucketized"))
    assert any("application/vnd.vegalite.v5+json" in output.get("data", {}) for output in run.cells["plot"].outputs)


def test_raw_rows_are_answered_missing_values_and_all(run: Run) -> None:
    assert "prediction" in run.text("predict")
    answers = re.findall(r"-?\d+\.\d+", run.text("missing"))
    assert len(answers) == 2
    assert all(0 < float(answer) < 60 for answer in answers)


def test_more_buckets_need_no_other_dataset(run: Run) -> None:
    versions = run.session.models.versions("delay")
    assert [version.origin.dataset for version in versions] == ["flights@1", "flights@1"]
    assert "hour_buckets" in run.text("compare")


def test_the_difference_of_the_versions_is_told(run: Run) -> None:
    assert "arr_delay" in run.text("diff")
    assert "age" in run.text("diff")
