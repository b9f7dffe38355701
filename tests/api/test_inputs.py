"""What preprocessing is to read: found, or told what is there instead."""

from __future__ import annotations

import stat
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmagic.api.inputs import read_inputs
from mlmagic.errors import MissingDependencyError, UsageError


@pytest.fixture
def data(folder: Path) -> Path:
    for name in ("rides-1.csv", "rides-2.csv", "our notes.txt"):
        path = folder / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a\n1\n")
    return folder / "data"


def words(given: object, folder: Path) -> tuple[str, ...]:
    return read_inputs(given, folder / "inputs").words


def test_paths_and_patterns_stay_as_they_are(data: Path) -> None:
    assert words("data/rides-*.csv", data) == ("data/rides-*.csv",)
    assert words(["data/our notes.txt", data / "rides-1.csv"], data) == ("data/our notes.txt", f"{data}/rides-1.csv")
    assert words(("**/rides-?.csv", "data/rides-[12].csv", "**/rides-?.csv"), data) == (
        "**/rides-?.csv",
        "data/rides-[12].csv",
    )


def test_a_name_with_brackets_is_a_file_too(data: Path) -> None:
    (data / "copy [1].csv").write_text("a\n")
    assert words("data/copy [1].csv", data) == ("data/copy [1].csv",)


def test_home_is_told_in_full(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(data))
    assert words("~/rides-*.csv", data) == (f"{data}/rides-*.csv",)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("data/rids-*.csv", "input 'data/rids-*.csv' matches no file. Did you mean data/rides-"),
        ("data/rides-3.csv", "there is no file 'data/rides-3.csv'. Did you mean data/rides-"),
        ("data/*.parquet", "input 'data/*.parquet' matches no file. data has our notes.txt, rides-1.csv, rides-2.csv."),
        ("dta/rides.csv", "there is no file 'dta/rides.csv': there is no folder 'dta'. Relative paths start in /"),
        ("data", "input 'data' is a folder. Name its files: data/*.csv"),
        ([], "input is missing: give a file or a pattern, such as --input 'rides-*.csv'."),
        (7, "input cannot be 7, of type int. It can be paths, patterns, and DataFrames of pandas"),
        ("", "input '' is no path."),
        ({"a": 1}, "input cannot be {'a': 1}, of type dict."),
    ],
)
def test_what_is_not_there(data: Path, given: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        words(given, data)
    assert str(caught.value).startswith(message)


def test_all_that_is_wrong_is_told(data: Path) -> None:
    with pytest.raises(UsageError) as caught:
        words(["no.csv", "data/rides-1.csv", "neither.csv"], data)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("address", "client"), [("gs://bucket/a.csv", "google-cloud-storage"), ("bq://p.d.t", "google-cloud-bigquery")]
)
def test_an_address_needs_its_client(data: Path, address: str, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    asked = []
    monkeypatch.setattr(metadata, "version", lambda name: asked.append(name) or "1")
    assert words(address, data) == (address,)
    assert asked == [client]


def test_a_missing_client_is_told(data: Path) -> None:
    from importlib import metadata

    try:
        metadata.version("google-cloud-storage")
    except metadata.PackageNotFoundError:
        with pytest.raises(MissingDependencyError, match="needs google-cloud-storage, which this kernel does not have"):
            words("gs://bucket/*.csv", data)


def test_frames_are_written_once_and_for_their_owner_alone(data: Path) -> None:
    frame = pd.DataFrame({"fare": [1.5, 2.5]})
    inputs = read_inputs([frame, frame, "data/rides-1.csv"], data / "inputs")
    assert not (data / "inputs").exists()
    inputs.write()
    inputs.write()
    (path,) = (data / "inputs").iterdir()
    assert inputs.words == (str(path), "data/rides-1.csv")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert pq.read_table(path).to_pydict() == {"fare": [1.5, 2.5]}


def test_an_index_is_a_column_if_it_has_a_name(data: Path) -> None:
    named = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="id"))
    for frame, columns in ((named, ["x", "id"]), (named.rename_axis(None), ["x"]), (pa.table({"x": [1]}), ["x"])):
        (content,) = read_inputs(frame, data).files.values()
        assert pq.read_table(pa.BufferReader(content)).column_names == columns


def test_a_frame_that_parquet_cannot_hold(data: Path) -> None:
    with pytest.raises(UsageError, match="the DataFrame cannot be written as Parquet"):
        words(pd.DataFrame({"x": [1, "a", object()]}), data)
