"""Tables and queries of BigQuery: read by Beam's own source, in batches like those of files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import apache_beam as beam

from mlmagic.errors import BackendError, MissingDependencyError, UsageError
from mlmagic.preprocessing.reading.batch import RawBatch
from mlmagic.preprocessing.reading.credentials import check_credentials
from mlmagic.preprocessing.reading.members import members_batch
from mlmagic.preprocessing.reading.options import Format, ReadOptions
from mlmagic.preprocessing.reading.rejections import Rejection
from mlmagic.preprocessing.reading.source import Source
from mlmagic.spec.dataset import Column, ColumnType

_BATCH_ROWS = 16_384
_KINDS = {
    "INTEGER": ColumnType.INTEGER,
    "INT64": ColumnType.INTEGER,
    "FLOAT": ColumnType.FLOAT,
    "FLOAT64": ColumnType.FLOAT,
    "NUMERIC": ColumnType.FLOAT,
    "BIGNUMERIC": ColumnType.FLOAT,
    "BOOLEAN": ColumnType.BOOLEAN,
    "BOOL": ColumnType.BOOLEAN,
    "STRING": ColumnType.STRING,
    "BYTES": ColumnType.STRING,
    "TIME": ColumnType.STRING,
    "JSON": ColumnType.STRING,
    "GEOGRAPHY": ColumnType.STRING,
    "TIMESTAMP": ColumnType.TIMESTAMP,
    "DATETIME": ColumnType.TIMESTAMP,
    "DATE": ColumnType.DATE,
}


def plan_bigquery(patterns: Sequence[str], options: ReadOptions, client: Client | None = None) -> Source:
    """Ask BigQuery for the columns of a table or query; nothing is read yet, and nothing costs.

    Raises:
        UsageError: not one table or query, or columns that a dataset cannot have.
        MissingDependencyError: Beam's support for Google Cloud is not installed.
        BackendError: there are no credentials, or BigQuery refuses.
    """
    if len(patterns) > 1:
        raise UsageError(
            "BigQuery gives one table or query at a time, and no files beside it.",
            problems=patterns,
            hint="Put them together in one query: bq:SELECT … UNION ALL SELECT …",
        )
    (pattern,) = patterns
    reference = pattern.removeprefix("bq://") if pattern.startswith("bq://") else pattern.removeprefix("bq:").strip()
    if pattern.startswith("bq://") and len(reference.split(".")) < 3:
        raise UsageError(f"{pattern}: is no table; write it as bq://project.dataset.table")
    client = client or _GoogleClient(pattern)
    fields = client.table_fields(reference) if pattern.startswith("bq://") else client.query_fields(reference)
    wanted = options.types
    problems = [
        f"{field.name}: {'REPEATED ' if field.mode == 'REPEATED' else ''}{field.field_type}"
        for field in fields
        if field.mode == "REPEATED" or field.field_type not in _KINDS
    ]
    problems += [
        f"--types: there is no column {name}" for name in wanted if name not in {field.name for field in fields}
    ]
    if problems:
        raise UsageError(
            f"{pattern}: some columns cannot be read.", problems=problems, hint="Select or unnest them in a query."
        )
    columns = [Column(name=f.name, type=wanted.get(f.name) or _KINDS[f.field_type]) for f in fields]
    return Source(format=Format.BIGQUERY, columns=tuple(columns), options=options, reference=pattern)


class ReadBigQuery(beam.PTransform):  # type: ignore[misc]
    """Give the rows of a source in BigQuery as `RawBatch`es."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def expand(self, pipeline: Any) -> Any:
        """Read, and put rows together."""
        return pipeline | _rows(self._source.reference or "") | MakeBatches(self._source)


class MakeBatches(beam.PTransform):  # type: ignore[misc]
    """Make batches of rows that are dictionaries."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def expand(self, rows: Any) -> Any:
        """Put rows together."""
        batches = beam.BatchElements(min_batch_size=1024, max_batch_size=_BATCH_ROWS)
        return rows | batches | beam.Map(rows_batch, self._source)


def rows_batch(rows: Iterable[Mapping[str, object]], source: Source) -> RawBatch:
    """Bring rows, as BigQuery gives them, to the types of the columns."""
    rows = list(rows)
    batch, faults = members_batch(source, rows, _value_text)
    path = source.reference or ""
    rejected = tuple(
        Rejection(path, 0, *fault, text=str({name: str(value) for name, value in rows[row].items()}))
        for row, fault in sorted(faults.items())
    )
    return RawBatch(path=path, batch=batch, rejected=rejected)


def _value_text(value: object, null_values: Sequence[str]) -> str | None:  # noqa: ARG001 - NULL is all there is
    if value is None:
        return None
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


class Client(Protocol):
    """What is asked of BigQuery before anything is read."""

    def table_fields(self, table: str) -> Sequence[Any]:
        """Return the fields of a table, each with `name`, `field_type` and `mode`."""

    def query_fields(self, query: str) -> Sequence[Any]:
        """Return the fields that a query would give."""


class _GoogleClient:
    def __init__(self, pattern: str) -> None:
        try:
            from google.cloud import bigquery
        except ImportError as error:
            raise _missing() from error
        check_credentials(pattern)
        self._pattern = pattern
        self._bigquery = bigquery

    def table_fields(self, table: str) -> Sequence[Any]:
        with self._asking() as client:
            return list(client.get_table(table).schema)

    def query_fields(self, query: str) -> Sequence[Any]:
        # A dry run has the schema, and costs nothing.
        config = self._bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
        with self._asking() as client:
            return list(client.query(query, job_config=config).schema or ())

    @contextlib.contextmanager
    def _asking(self) -> Iterator[Any]:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        try:
            yield self._bigquery.Client()
        except (GoogleAPIError, GoogleAuthError, OSError) as error:  # OSError: no project is known
            raise BackendError(f"{self._pattern} cannot be read: {' '.join(str(error).split())[:500]}") from error


def _rows(reference: str) -> Any:
    try:
        from apache_beam.io.gcp.bigquery import ReadFromBigQuery
    except ImportError as error:
        raise _missing() from error
    if reference.startswith("bq://"):
        project, dataset, table = reference.removeprefix("bq://").split(".", 2)
        return ReadFromBigQuery(table=f"{project}:{dataset}.{table}", method=ReadFromBigQuery.Method.DIRECT_READ)
    return ReadFromBigQuery(query=reference.removeprefix("bq:").strip(), use_standard_sql=True)


def _missing() -> MissingDependencyError:
    return MissingDependencyError(
        "Reading from BigQuery needs Beam's support for Google Cloud.",
        hint="Install it with: pip install 'apache-beam[gcp]'",
    )
