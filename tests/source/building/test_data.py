"""DataFrames and arrays become files that give the same again."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlmagic.errors import UsageError
from mlmagic.source import data as data_module
from mlmagic.source.data import DataFile, to_data_file

WITHOUT_PYARROW = importlib.util.find_spec("pyarrow") is None


def load(file: DataFile, folder: Path) -> object:
    """What `model.py` would have."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / file.file_name).write_bytes(file.content)
    names: dict[str, object] = {"Path": Path, "__file__": str(folder / "model.py")}
    exec("\n".join(file.imports), names)  # noqa: S102 - what model.py says
    return eval(file.loader, names)  # noqa: S307


FRAMES = {
    "numbers": pd.DataFrame({"a": [1, 2], "b": [0.1, 1 / 3], "c": np.array([1, 2], dtype="int8")}),
    "missing": pd.DataFrame({"a": [1.5, np.nan], "b": ["", None], "c": ["NA", "x"]}),
    "awkward": pd.DataFrame({"a b": ['"q"', "a,b"], "n": ["x\ny", "ü\\N'"]}),
    "bools": pd.DataFrame({"a": [True, False], "i": [np.inf, -np.inf]}),
    "times": pd.DataFrame({"t": pd.to_datetime(["2013-01-01 05:00:00.0", "2013-01-02 06:30:01.5"]), "x": [1, 2]}),
    "missing times": pd.DataFrame({"t": pd.to_datetime(["2013-01-01", None])}),
    "nullable": pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}),
    "own index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="k")),
    "shifted index": pd.DataFrame({"a": [1, 2, 3]}).iloc[1:],
    "empty": pd.DataFrame({"a": pd.Series([], dtype="float64")}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_a_frame_comes_back_the_same(frame: pd.DataFrame, tmp_path: Path) -> None:
    file = to_data_file("df", frame)
    pd.testing.assert_frame_equal(load(file, tmp_path), frame, check_exact=True)
    assert to_data_file("df", frame) == file
    assert file.loader.startswith("pd.read_")


@pytest.mark.skipif(not WITHOUT_PYARROW, reason="PyArrow is installed, so Parquet is written")
def test_without_pyarrow_the_types_stand_in_the_loader() -> None:
    file = to_data_file("df", pd.DataFrame({"a": [1, 2], "b": ["x", None]}))
    assert file.content == b"a,b\n1,x\n2,\\N\n"
    assert file.loader == (
        "pd.read_csv(Path(__file__).parent / \"data\" / \"df.csv\", dtype={'a': 'int64', 'b': 'str'}, "
        "keep_default_na=False, na_values=['\\\\N'])"
    )


@pytest.mark.parametrize(
    "series", [pd.Series([1, 2], name="a"), pd.Series([1.5, None]), pd.Series(["x"], index=["k"], name="n")]
)
def test_a_series_comes_back_the_same(series: pd.Series, tmp_path: Path) -> None:
    pd.testing.assert_series_equal(load(to_data_file("s", series), tmp_path), series)


@pytest.mark.parametrize("array", [np.eye(2), np.array(["a", "bc"]), np.array(3), np.zeros((0, 4), "f4")])
def test_an_array_comes_back_the_same(array: np.ndarray, tmp_path: Path) -> None:
    file = to_data_file("x", array)
    loaded = load(file, tmp_path)
    np.testing.assert_array_equal(loaded, array)
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    assert file.loader == 'np.load(Path(__file__).parent / "data" / "x.npy", allow_pickle=False)'


@pytest.mark.skipif(not WITHOUT_PYARROW, reason="PyArrow can store more")
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [[1], [2]]}),
        pd.DataFrame({1: [1, 2]}),
        pd.DataFrame({"a": [dt.date(2020, 1, 1)]}),
        pd.DataFrame({"a": ["\\N"]}),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
    ],
)
def test_a_frame_that_would_change_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="--with df: it would not come back the same from CSV: ") as caught:
        to_data_file("df", frame)
    assert str(caught.value).endswith(", or `%pip install pyarrow`, which can store more.")


@pytest.mark.skipif(WITHOUT_PYARROW, reason="PyArrow is not installed")
def test_with_pyarrow_a_frame_is_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"kind": pd.Categorical(["a", "b"], ordered=True), "t": pd.to_timedelta([1, 2], "s")})
    file = to_data_file("df", frame)
    assert file.loader == 'pd.read_parquet(Path(__file__).parent / "data" / "df.parquet")'
    assert file.modules == ("pyarrow",)
    pd.testing.assert_frame_equal(load(file, tmp_path), frame)
    with pytest.raises(UsageError, match="--with df: it would not come back the same from Parquet: "):
        to_data_file("df", pd.DataFrame({"a": [1, "x"]}))


def test_frames_of_polars_and_tables_of_arrow_are_parquet(tmp_path: Path) -> None:
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    frame, table = pl.DataFrame({"a": [1, None], "b": [["x"], []]}), pa.table({"a": [1, None]})
    assert load(to_data_file("p", frame), tmp_path).equals(frame)
    assert load(to_data_file("q", table), tmp_path).equals(table)
    assert to_data_file("p", frame).imports == ("import polars as pl",)


@pytest.mark.slow
def test_these_tests_pass_where_pyarrow_and_polars_are_installed(tmp_path: Path) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    install = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--no-deps",
        "--target",
        str(tmp_path / "site"),
    ]
    subprocess.run([*install, "pyarrow", "polars", "polars-runtime-32"], check=True, timeout=250)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", __file__]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert told.returncode == 0, told.stdout
    assert "PyArrow is not installed" not in told.stdout


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], None, "text", pd.DataFrame])
def test_what_cannot_be_shipped_is_told(value: object) -> None:
    kind = type(value)
    with pytest.raises(UsageError) as caught:
        to_data_file("x", value)
    assert str(caught.value) == (
        f"--with x: an object of type {kind.__module__}.{kind.__qualname__} cannot be shipped.\n"
        "What can be: DataFrames and Series of pandas, arrays of NumPy, DataFrames of Polars and tables of PyArrow. "
        "Save anything else to a file, and give its path as a flag."
    )


def test_arrays_of_objects_and_masked_ones_are_refused() -> None:
    with pytest.raises(UsageError, match=r"an array of Python objects \(dtype object\) cannot be shipped"):
        to_data_file("x", np.array([{}, []], dtype=object))
    with pytest.raises(UsageError, match="an array of type MaskedArray would come back as a plain one"):
        to_data_file("x", np.ma.masked_array([1, 2], mask=[0, 1]))


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_module, "MAX_BYTES", 2**20)
    with pytest.raises(UsageError, match="--with x: 2 MB are too many to ship; the limit is 1 MB"):
        to_data_file("x", np.zeros(2**18))


@pytest.mark.parametrize("name", ["a b", "class", "df.x", "", "../x"])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(UsageError, match="that is not a name"):
        to_data_file(name, np.eye(2))
