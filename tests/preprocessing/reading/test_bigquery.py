"""BigQuery, as far as it goes without an account."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that
from google.auth.compute_engine import _metadata

from mlmagic.errors import BackendError, UsageError
from mlmagic.preprocessing.reading import metadata_server
from mlmagic.preprocessing.reading.bigquery import MakeBatches, plan_bigquery, rows_batch
from mlmagic.preprocessing.reading.credentials import check_credentials
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.plan import plan_source
from mlmagic.spec.dataset import ColumnType


class Field(NamedTuple):
    name: str
    field_type: str
    mode: str = "NULLABLE"


class Tables:
    """A BigQuery of one table."""

    fields = (
        Field("n", "INT64"),
        Field("x", "NUMERIC"),
        Field("t", "TIMESTAMP"),
        Field("d", "DATE"),
        Field("s", "STRING"),
    )

    def table_fields(self, table: str) -> Sequence[Field]:
        return {"p.d.rides": self.fields}[table]

    def query_fields(self, query: str) -> Sequence[Field]:
        return (
            self.fields
            if query == "SELECT * FROM p.d.rides"
            else [Field("a", "RECORD"), Field("b", "INT64", "REPEATED")]
        )


ROW = {"n": 1, "x": Decimal("2.5"), "t": datetime(2013, 5, 1, 12, tzinfo=UTC), "d": date(2013, 5, 1), "s": "NA"}


def test_the_columns_of_a_table_and_of_a_query():
    table = plan_bigquery(["bq://p.d.rides"], ReadOptions(types={"n": ColumnType.FLOAT}), Tables())
    query = plan_bigquery(["bq:SELECT * FROM p.d.rides"], ReadOptions(), Tables())
    assert [str(column.type) for column in query.columns] == ["integer", "float", "timestamp", "date", "string"]
    assert table.columns[0].type is ColumnType.FLOAT
    assert table.units == ()


def test_rows_become_batches():
    source = plan_bigquery(["bq://p.d.rides"], ReadOptions(), Tables())
    raw = rows_batch([ROW, dict.fromkeys(ROW), {**ROW, "n": "x"}], source)
    assert raw.batch.to_pylist() == [{**ROW, "x": 2.5, "t": datetime(2013, 5, 1, 12)}, dict.fromkeys(ROW)]  # noqa: DTZ001
    assert [row.reason for row in raw.rejected] == ["n: not a whole number"]


def test_batches_are_made_in_the_pipeline():
    source = plan_bigquery(["bq://p.d.rides"], ReadOptions(), Tables())

    def check(raws: list) -> None:
        assert sum(raw.batch.num_rows for raw in raws) == 100

    with beam.Pipeline("FnApiRunner") as pipeline:
        assert_that(pipeline | beam.Create([ROW] * 100) | MakeBatches(source), check)


@pytest.mark.parametrize(
    ("patterns", "told"),
    [
        (["bq://rides"], "bq://rides: is no table; write it as bq://project.dataset.table"),
        (["bq://p.d.rides", "a.csv"], "one table or query at a time, and no files beside it"),
        (["bq:SELECT a, b"], "some columns cannot be read.\n  - a: RECORD\n  - b: REPEATED INT64\nSelect or unnest"),
    ],
)
def test_what_cannot_be_read(patterns, told):
    with pytest.raises(UsageError) as caught:
        plan_bigquery(patterns, ReadOptions(), Tables())
    assert told in str(caught.value)


@pytest.fixture
def logged_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is logged in with Google here, nor is this one of its machines."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.mark.usefixtures("logged_out")
@pytest.mark.parametrize("pattern", ["bq://p.d.rides", "bq:SELECT 1", "gs://bucket/rides-*.csv"])
def test_nobody_is_logged_in(pattern):
    with pytest.raises(BackendError) as caught:
        plan_source([pattern], ReadOptions())
    assert f"{pattern} cannot be read: there are no Google credentials on this machine." in str(caught.value)
    assert "gcloud auth application-default login" in str(caught.value)


@pytest.mark.usefixtures("logged_out")
def test_a_metadata_server_that_never_answers_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_GCE_CHECK")
    monkeypatch.setattr(_metadata, "_GCE_PRODUCT_NAME_FILE", os.devnull)
    monkeypatch.setattr(metadata_server, "_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("GCE_METADATA_IP", f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(BackendError, match=r"^gs://bucket/a\.csv cannot be read: there are no Google credentials"):
            check_credentials("gs://bucket/a.csv")
        silent.accept()[0].close()
        silent.settimeout(0.1)
        with pytest.raises(TimeoutError):
            silent.accept()


UNINSTALLED = """
import sys
sys.modules[sys.argv[1]] = None
from mlmagic.errors import MissingDependencyError
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.plan import plan_source
try:
    plan_source([sys.argv[2]], ReadOptions())
except MissingDependencyError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("module", "pattern"),
    [("google.cloud.bigquery", "bq://p.d.rides"), ("google.cloud.storage", "gs://bucket/rides.csv")],
)
def test_what_is_not_installed(module, pattern):
    # In a process of its own: this one has imported what the test wants not to be there.
    words = [sys.executable, "-c", UNINSTALLED, module, pattern]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "pip install 'apache-beam[gcp]'" in said
