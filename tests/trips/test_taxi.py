"""The course's own task on real rides: clean, divide, train, predict from raw values; alone and on clusters."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from support.taxi import RIDES, needs_rides

import mlmagic
from mlmagic.api.job import Job
from mlmagic.session import Session

pytestmark = [pytest.mark.slow, needs_rides]

LONG = ("--epochs", "12", "--batch-size", "64")

CLEAN = """
def clean(batch):
    keep = batch["fare_amount"] >= 2.5
    for name in ("pickuplon", "dropofflon"):
        keep &= batch[name].between(-74.5, -73)
    for name in ("pickuplat", "dropofflat"):
        keep &= batch[name].between(40.3, 41.2)
    return batch[keep].drop(columns="key")


features = {
    "pickuplon": "numeric",
    "pickuplat": "numeric",
    "dropofflon": "numeric",
    "dropofflat": "numeric",
    "from_lon": {"type": "bucketized", "column": "pickuplon", "buckets": "nbuckets=12"},
    "from_lat": {"type": "bucketized", "column": "pickuplat", "buckets": "nbuckets=12"},
    "to_lon": {"type": "bucketized", "column": "dropofflon", "buckets": "nbuckets=12"},
    "to_lat": {"type": "bucketized", "column": "dropofflat", "buckets": "nbuckets=12"},
    "from": {"type": "crossed", "of": ["from_lon", "from_lat"], "buckets": 100, "embedding": 4},
    "to": {"type": "crossed", "of": ["to_lon", "to_lat"], "buckets": 100, "embedding": 4},
    "passengers": "numeric",
    "pickup_datetime": {"type": "time", "parts": ["year", "weekday", "hour"]},
}
"""

MODEL = '''
import keras
from keras import layers, ops


def build_model(features, units: int = 64):
    """A network that also sees how far it is, along the streets of Manhattan and across."""
    place = features.get_inputs()
    east = (place["dropofflon"] - place["pickuplon"]) * 84.2
    north = (place["dropofflat"] - place["pickuplat"]) * 111.2
    far = ops.sqrt(east * east + north * north)
    along, across = 0.48 * east + 0.87 * north, 0.87 * east - 0.48 * north
    ways = [far / 5, ops.log1p(far), ops.abs(along) / 5, ops.abs(across) / 5]
    ways = [layers.Reshape((1,))(way) for way in ways]
    hidden = layers.Concatenate()([features.get_encoded_features(), *ways])
    hidden = layers.Dense(units, activation="relu")(hidden)
    hidden = layers.Dense(units // 2, activation="relu")(hidden)
    model = keras.Model(place, layers.Dense(1)(hidden))
    model.compile(keras.optimizers.Adam(1e-3), loss=keras.losses.Huber(5.0), metrics=["mae"])
    return model
'''


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("taxi")
    session = Session(environ={"MLMAGIC_HOME": str(folder / ".mlmagic")}, start=folder)
    yield session
    session.close()


@pytest.fixture(scope="module")
def dataset(session: Session) -> str:
    files = [str(RIDES / "taxi-train.csv"), str(RIDES / "taxi-valid.csv")]
    split = {"train": 0.7, "eval": 0.15, "test": 0.15}
    job = mlmagic.preprocess("taxi", input=files, source=CLEAN, target="fare_amount", split=split, session=session)
    return str(job.wait().record.dataset_version)


def train(session: Session, dataset: str, *args: str, replicas: str | None = None) -> Job:
    job = mlmagic.train("fare", source=MODEL, data=dataset, args=args, replicas=replicas, session=session)
    return job.wait()


@pytest.fixture(scope="module")
def alone(session: Session, dataset: str) -> Job:
    """Trained on one machine."""
    return train(session, dataset, *LONG)


def cleaned(name: str) -> pd.DataFrame:
    rides = pd.read_csv(RIDES / name)
    keep = rides["fare_amount"] >= 2.5
    for column, (low, high) in {"lon": (-74.5, -73), "lat": (40.3, 41.2)}.items():
        keep &= rides[f"pickup{column}"].between(low, high) & rides[f"dropoff{column}"].between(low, high)
    return rides[keep].drop(columns="key")


def distance(rides: pd.DataFrame) -> np.ndarray:
    east = (rides["dropofflon"] - rides["pickuplon"]) * np.cos(np.radians(40.75))
    return np.hypot(east, rides["dropofflat"] - rides["pickuplat"]).to_numpy()


def least_squares(known: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    weights, *_ = np.linalg.lstsq(np.c_[np.ones(len(known)), distance(known)], known["fare_amount"], rcond=None)
    return np.c_[np.ones(len(asked)), distance(asked)] @ weights


def test_the_dataset_has_the_cleaned_rows(session: Session, dataset: str) -> None:
    schema = mlmagic.dataset(dataset, session=session).schema
    expected = len(cleaned("taxi-train.csv")) + len(cleaned("taxi-valid.csv"))
    assert sum(schema.rows.values()) == expected
    assert schema.rows["train"] / expected == pytest.approx(0.7, abs=0.02)


def test_it_beats_least_squares_on_the_distance(session: Session, dataset: str) -> None:
    train(session, dataset, "--epochs", "25", "--batch-size", "64")
    rides = cleaned("taxi-test.csv")
    told = mlmagic.predict("fare", rides.drop(columns="fare_amount"), session=session)["prediction"].to_numpy()
    guessed = least_squares(pd.concat([cleaned("taxi-train.csv"), cleaned("taxi-valid.csv")]), rides)
    fares = rides["fare_amount"].to_numpy()
    assert np.abs(told - fares).mean() < 0.85 * np.abs(guessed - fares).mean()
    assert ((told - fares) ** 2).mean() < 0.85 * ((guessed - fares) ** 2).mean()


@pytest.mark.parametrize("replicas", ["worker=1", "worker=2,ps=1"])
def test_a_cluster_comes_to_about_the_same(session: Session, dataset: str, alone: Job, replicas: str) -> None:
    together = train(session, dataset, *LONG, replicas=replicas)
    assert together.metrics["val_mae"] == pytest.approx(alone.metrics["val_mae"], rel=0.1)
    steps = [int(count) for count in re.findall(r"worker-\d took (\d+) steps", str(together.logs()))]
    # Of parameter servers the log tells who took the steps; workers alone take each of them together.
    assert [count > 0 for count in steps] == ([True, True] if "ps" in replicas else [])
