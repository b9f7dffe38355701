"""Rows of a dataset as a DataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.errors import MissingDependencyError, WorkspaceError

if TYPE_CHECKING:
    import pandas as pd

_BATCH_ROWS = 65_536
_BUFFER = 1 << 16


def read_frame(paths: Sequence[Path], columns: Sequence[str], limit: int | None) -> pd.DataFrame:
    """Return the rows of shards in order: text as text, whole numbers with gaps as pandas's `Int64`.

    Raises:
        MissingDependencyError: pyarrow or pandas is not installed.
    """
    arrow = import_arrow()
    batches = list(_batches(paths, columns, limit))
    if not batches:
        import pandas as pd

        return pd.DataFrame(columns=list(columns))
    return _frame(arrow, batches)


def iterate_frames(paths: Sequence[Path], columns: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
    """Yield the rows of shards in order, so many at a time at most; their values are those of `read_frame`.

    Raises:
        MissingDependencyError: pyarrow or pandas is not installed.
        WorkspaceError: a file is not what was written there.
    """
    arrow = import_arrow()
    for path in paths:
        for batch in read_batches(path, columns, rows):
            yield _frame(arrow, [batch])


def _frame(arrow: Any, batches: Sequence[Any]) -> pd.DataFrame:
    table = arrow.Table.from_batches([batch.cast(_plain_schema(batch.schema)) for batch in batches])
    frame: pd.DataFrame = table.to_pandas(types_mapper=_nullable(table), date_as_object=False)
    return frame


def import_arrow() -> Any:
    """Return pyarrow, if pandas is there too.

    Raises:
        MissingDependencyError: one of them is not.
    """
    try:
        import pandas as pd  # noqa: F401 - asked for early
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError(
            f"the rows of a dataset are read with pyarrow and pandas; {error.name} is not installed.",
            hint="%pip install pyarrow pandas",
        ) from error
    return pa


def _batches(paths: Sequence[Path], columns: Sequence[str], limit: int | None) -> Iterator[Any]:
    left = limit
    for path in paths:
        if left == 0:
            return
        for batch in read_batches(path, columns, _BATCH_ROWS if left is None else min(left, _BATCH_ROWS)):
            taken = batch if left is None else batch.slice(0, left)
            yield taken
            left = None if left is None else left - taken.num_rows
            if left == 0:
                break


def read_batches(path: Path, columns: Sequence[str], rows: int) -> Iterator[Any]:
    """Yield batches of a shard; of a large row group no more is read than the batches that are taken.

    Raises:
        WorkspaceError: the file is not what was written there.
    """
    pa = import_arrow()
    try:
        with pa.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
            for batch in file.iter_batches(rows, columns=list(columns)):
                yield batch.select(list(columns))
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise WorkspaceError(f"{path} cannot be read: {str(error).rstrip('.')}.") from error


def _plain_schema(schema: Any) -> Any:
    pa = import_arrow()
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema
    ]
    return pa.schema(fields)


def _nullable(table: Any) -> Any:
    """Return which pandas type an Arrow type becomes: one that has gaps, where the table has some in such a column."""
    import pandas as pd
    import pyarrow as pa

    gaps = {column.type for column in table.columns if column.null_count}
    types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return {kind: types[kind] for kind in types if kind in gaps}.get
