"""`--with df`: a DataFrame or array becomes a data file of the package. Nothing is pickled.

What is written is read again and compared before it is shipped: an object comes back equal, or there is an error.
"""

from __future__ import annotations

import io
import keyword
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MAX_BYTES = 512 * 2**20
_SUPPORTED = "DataFrames and Series of pandas, arrays of NumPy, DataFrames of Polars and tables of PyArrow"
# Stands for a missing value in CSV, where nothing would be the empty text.
_MISSING = "\\N"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A data file and the expression that reads it again."""

    name: str
    """The name in the notebook, and in `model.py`."""
    file_name: str
    """Within `trainer/data/`."""
    content: bytes
    loader: str
    """An expression for `model.py`, where `Path` is imported."""
    imports: tuple[str, ...] = ()
    """What the loader needs, such as `import pandas as pd`."""
    modules: tuple[str, ...] = ()
    """What it needs to be installed besides."""


def to_data_file(name: str, value: Any) -> DataFile:
    """Return the object as a file that gives an equal object when it is read.

    Raises:
        UsageError: it is of a kind that cannot be shipped, too large, or would not come back the same.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(f"--with {name}: that is not a name.", hint="Give the name of a variable: --with df.")
    writer = _WRITERS.get(_kind(value))
    if writer is None:
        raise UsageError(
            f"--with {name}: an object of type {type(value).__module__}.{type(value).__qualname__} cannot be shipped.",
            hint=f"What can be: {_SUPPORTED}. Save anything else to a file, and give its path as a flag.",
        )
    file = writer(name, value)
    if len(file.content) > MAX_BYTES:
        raise UsageError(
            f"--with {name}: {len(file.content) / 2**20:,.0f} MB are too many to ship; the limit is "
            f"{MAX_BYTES // 2**20} MB.",
            hint="Save it to a file that the job can read, and give its path as a flag.",
        )
    return file


def _kind(value: object) -> str:
    """Return `pandas.DataFrame` and the like for an object, subclasses included, without importing anything."""
    for cls in type(value).__mro__:
        kind = f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}"
        if kind in _WRITERS:
            return kind
    return ""


def _path(file_name: str) -> str:
    return f'Path(__file__).parent / "data" / "{file_name}"'


def _write_frame(name: str, frame: pd.DataFrame) -> DataFile:
    """Parquet where PyArrow is installed, otherwise CSV with the types in the loader."""
    import importlib.util

    if importlib.util.find_spec("pyarrow") is not None:
        file = _frame_to_parquet(name, frame)
    else:
        file = _frame_to_csv(name, frame)
    return file


def _frame_to_parquet(name: str, frame: pd.DataFrame) -> DataFile:
    import pandas as pd

    try:
        content = frame.to_parquet(engine="pyarrow")
        difference = _difference(pd.read_parquet(io.BytesIO(content)), frame)
    except Exception as error:  # noqa: BLE001 - whatever Arrow has against a column, it says so
        difference = str(error)
    if difference:
        raise _unfaithful(name, "Parquet", difference)
    return DataFile(
        name=name,
        file_name=f"{name}.parquet",
        content=content,
        loader=f"pd.read_parquet({_path(f'{name}.parquet')})",
        imports=("import pandas as pd",),
        modules=("pyarrow",),
    )


def _frame_to_csv(name: str, frame: pd.DataFrame) -> DataFile:
    import pandas as pd

    default_index = isinstance(frame.index, pd.RangeIndex) and frame.index.equals(pd.RangeIndex(len(frame)))
    arguments = _csv_arguments(frame, default_index=default_index)
    content = frame.to_csv(index=not default_index, na_rep=_MISSING, lineterminator="\n").encode()
    difference = _csv_difference(content, arguments, frame)
    if difference:
        # Before pandas 3.1, what reads floats to the last digit was an option.
        exact = arguments | {"float_precision": "round_trip"}
        if _csv_difference(content, exact, frame):
            raise _unfaithful(name, "CSV", difference)
        arguments = exact
    shown = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return DataFile(
        name=name,
        file_name=f"{name}.csv",
        content=content,
        loader=f"pd.read_csv({_path(f'{name}.csv')}, {shown})",
        imports=("import pandas as pd",),
    )


def _csv_arguments(frame: pd.DataFrame, *, default_index: bool) -> dict[str, Any]:
    """Return what `read_csv` must be told to get the same frame."""
    times = [column for column, kind in frame.dtypes.items() if str(kind).startswith("datetime64")]
    types = {column: str(kind) for column, kind in frame.dtypes.items() if column not in times}
    arguments: dict[str, Any] = {} if default_index else {"index_col": 0}
    if times:
        arguments |= {"parse_dates": times, "date_format": "ISO8601"}
    return arguments | {"dtype": types, "keep_default_na": False, "na_values": [_MISSING]}


def _csv_difference(content: bytes, arguments: dict[str, Any], frame: pd.DataFrame) -> str | None:
    import pandas as pd

    try:
        return _difference(pd.read_csv(io.BytesIO(content), **arguments), frame)
    except Exception as error:  # noqa: BLE001 - whatever pandas cannot read again, it says why
        return str(error)


def _difference(actual: pd.DataFrame, expected: pd.DataFrame) -> str | None:
    """Return what is not the same, in pandas's words."""
    import pandas as pd

    try:
        pd.testing.assert_frame_equal(actual, expected, check_exact=True)
    except AssertionError as error:
        return " ".join(str(error).split())
    return None


def _unfaithful(name: str, form: str, difference: str) -> UsageError:
    hint = "Convert the columns named above to numbers, text, booleans or times"
    if form == "CSV":
        hint += ", or `%pip install pyarrow`, which can store more"
    return UsageError(f"--with {name}: it would not come back the same from {form}: {difference:.300}", hint=f"{hint}.")


def _write_series(name: str, series: pd.Series[Any]) -> DataFile:
    frame = series.to_frame(name="value" if series.name is None else series.name)
    file = _write_frame(name, frame)
    column = "value" if series.name is None else series.name
    loader = f"{file.loader}[{column!r}]" + (".rename(None)" if series.name is None else "")
    return DataFile(
        name=name,
        file_name=file.file_name,
        content=file.content,
        loader=loader,
        imports=file.imports,
        modules=file.modules,
    )


def _write_array(name: str, array: np.ndarray[Any, Any]) -> DataFile:
    import numpy as np

    if type(array) is not np.ndarray:
        raise UsageError(
            f"--with {name}: an array of type {type(array).__qualname__} would come back as a plain one.",
            hint="Ship np.asarray(...) of it, and a mask as an array of its own.",
        )
    buffer = io.BytesIO()
    try:
        np.save(buffer, array, allow_pickle=False)
    except ValueError as error:
        raise UsageError(
            f"--with {name}: an array of Python objects (dtype {array.dtype}) cannot be shipped.",
            hint="Give it a type of its own, such as arr.astype(float) or arr.astype(str).",
        ) from error
    return DataFile(
        name=name,
        file_name=f"{name}.npy",
        content=buffer.getvalue(),
        loader=f"np.load({_path(f'{name}.npy')}, allow_pickle=False)",
        imports=("import numpy as np",),
    )


def _write_polars(name: str, frame: Any) -> DataFile:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return DataFile(
        name=name,
        file_name=f"{name}.parquet",
        content=buffer.getvalue(),
        loader=f"pl.read_parquet({_path(f'{name}.parquet')})",
        imports=("import polars as pl",),
    )


def _write_arrow(name: str, table: Any) -> DataFile:
    import importlib

    buffer = io.BytesIO()
    importlib.import_module("pyarrow.parquet").write_table(table, buffer)
    return DataFile(
        name=name,
        file_name=f"{name}.parquet",
        content=buffer.getvalue(),
        loader=f"pq.read_table({_path(f'{name}.parquet')})",
        imports=("import pyarrow.parquet as pq",),
    )


_WRITERS: dict[str, Callable[[str, Any], DataFile]] = {
    "pandas.DataFrame": _write_frame,
    "pandas.Series": _write_series,
    "numpy.ndarray": _write_array,
    "polars.DataFrame": _write_polars,
    "pyarrow.Table": _write_arrow,
}
