"""The dataset of a training call: how it is named, what is taken from it, and what cannot be trained on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.ride_shards import COLUMNS, write_rides

from mlmagic.api.program_arguments import check_program_arguments
from mlmagic.api.search_space import read_space
from mlmagic.api.training import plan_training
from mlmagic.api.training_data import read_training_data
from mlmagic.api.tuning import plan_tuning
from mlmagic.errors import CellError, NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.dataset import DatasetOrigin

BUILD_MODEL = "def build_model(features, units=8):\n    pass"
FEW = {"train": 60, "eval": 20, "test": 0}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_rides(tmp_path / "rides", rows=FEW)


@pytest.fixture
def stored(session: Session, data: Path) -> str:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return str(session.datasets.register("rides", data, origin=DatasetOrigin(), now=now))


def error_of(session: Session, source: str = BUILD_MODEL, **arguments: object) -> str:
    with pytest.raises((UsageError, CellError, NotFoundError)) as caught:
        plan_training("rides", source=source, session=session, **arguments)
    return str(caught.value)


def test_a_dataset_is_its_newest_version_and_the_spec_tells_which(session: Session, stored: str) -> None:
    plan = plan_training("rides", source=BUILD_MODEL, data="rides", session=session)
    folder = session.datasets.path(session.datasets.resolve(stored))
    assert (plan.spec.dataset, plan.spec.args) == ("rides@1", ("--data", str(folder)))
    assert plan.spec.flags["nbuckets"] == "8"
    assert b"quantile_boundaries" in plan.package.files["trainer/features.py"]


@pytest.mark.parametrize("how", ["text", "path", "relative"])
def test_a_folder_with_a_dataset_works_too(
    session: Session, data: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    given = {"text": str(data), "path": data, "relative": "./rides"}[how]
    plan = plan_training("rides", source=BUILD_MODEL, data=given, args=["--epochs", "2"], session=session)
    assert plan.spec.dataset is None
    assert plan.spec.args == ("--data", str(data), "--epochs", "2")


def test_a_version_or_a_handle_on_it_works_too(session: Session, stored: str) -> None:
    import mlmagic

    for given in (session.datasets.resolve(stored), mlmagic.dataset("rides", session=session)):
        assert read_training_data(given, None, None, session).reference == "rides@1"


def test_features_may_be_others(session: Session, data: Path, tmp_path: Path) -> None:
    (tmp_path / "features.yaml").write_text("miles: numeric\n")
    for features in ({"miles": "numeric"}, tmp_path / "features.yaml"):
        plan = plan_training("rides", source=BUILD_MODEL, data=data, features=features, session=session)
        made = plan.package.files["trainer/features.py"].decode()
        assert 'Numeric("miles"' in made
        assert "payment" not in made


def test_numbers_of_features_that_are_tuned_are_flags(session: Session, data: Path) -> None:
    plan = plan_training(
        "rides",
        source=BUILD_MODEL,
        data=data,
        args=["--payment.vocabulary=2"],
        tuned=read_space("payment.vocabulary=1..3,units=1..9"),
        session=session,
    )
    assert (plan.spec.flags["payment.vocabulary"], plan.spec.flags["nbuckets"]) == ("2", "8")
    assert b'FEATURES = ("payment_vocabulary", "nbuckets")' in plan.package.files["trainer/task.py"]
    check_program_arguments(plan.package, plan.spec.args)
    told = error_of(session, data=data, tuned=read_space("seconds.buckets=2..9"))
    assert "seconds.buckets: it is the flag --nbuckets already: tune nbuckets" in told


def test_a_study_tunes_numbers_of_features_and_how_much_it_trains_on(session: Session, data: Path) -> None:
    space = "payment.vocabulary=1..3,sample=0.1..0.5,test=true|false"
    plan = plan_tuning("rides", source=BUILD_MODEL, data=data, metric="val_loss", space=space, session=session)
    assert plan.command[-3:] == ("--payment.vocabulary=2", "--sample=0.3", "--test=false")
    check_program_arguments(plan.package, plan.command[3:])
    with pytest.raises(UsageError) as caught:
        plan_tuning("rides", source=BUILD_MODEL, data=data, metric="loss", space="pay.length=1..3", session=session)
    assert "pay.length: there is no feature 'pay'. Did you mean payment?" in str(caught.value)


def test_another_target_is_no_feature_any_more(session: Session, data: Path) -> None:
    plan = plan_training("rides", source=BUILD_MODEL, data=data, target="seconds", session=session)
    made = plan.package.files["trainer/features.py"].decode()
    assert 'target="seconds"' in made
    assert "Bucketized" not in made
    told = error_of(session, data=data, target="seconds", features={"seconds": "numeric"})
    assert "seconds is the target, and a model that sees it learns nothing else" in told


def test_features_are_inferred_for_another_target_where_they_were(session: Session, tmp_path: Path) -> None:
    data = write_rides(tmp_path / "inferred", rows=FEW, are_features_inferred=True)
    plan = plan_training("rides", source=BUILD_MODEL, data=data, target="seconds", session=session)
    assert "fare" in plan.package.files["trainer/features.py"].decode()


def test_the_target_must_be_there(session: Session, data: Path, tmp_path: Path) -> None:
    assert error_of(session, data=data, target="fares") == (
        f"{data} has no column 'fares' for the target.\nDid you mean fare?"
    )
    assert error_of(session, data=data, target="miles").endswith(
        "without a value of miles, the target.\n`%%preprocess ... --target miles` leaves them out."
    )
    nameless = write_rides(tmp_path / "nameless", rows=FEW, target=None)
    assert error_of(session, data=nameless) == (
        f"{nameless} names no column as the target, which the model is to learn.\n"
        f"Name it: --target COLUMN. Columns: {', '.join(column.name for column in COLUMNS)}."
    )


def test_there_must_be_rows_to_train_on(session: Session, tmp_path: Path) -> None:
    data = write_rides(tmp_path / "none", rows={"training": 9})
    assert error_of(session, data=data) == (
        f"{data} has no rows to train on: its splits are training, and none is train."
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"data": "ride"}, "there is no dataset 'ride'.\nDid you mean rides?"),
        ({"data": "rides@7"}, "dataset 'rides' has no version 7.\nThere is rides@1 alone."),
        ({"data": "rides@x"}, "'rides@x' is no version of a dataset. Write rides@1, or rides for the newest."),
        ({"data": 7}, "data must be a dataset, such as 'taxi@3', or a folder's path, not int 7."),
        ({"target": "fare"}, "target is of a dataset, and no data is given."),
        ({"target": "fare", "features": {}}, "target and features are of a dataset, and no data is given."),
        ({"data": "rides", "target": 7}, "target must be a column's name, not int 7."),
        ({"data": "rides", "features": 7}, "features must be a mapping or a file's path, not int 7."),
        ({"data": "rides", "args": ["--data", "x"]}, "the program would get two datasets: --data is among"),
    ],
)
def test_what_is_wrong_is_told(session: Session, stored: str, arguments: dict[str, object], told: str) -> None:
    assert error_of(session, **arguments).startswith(told)


def test_a_folder_without_a_dataset_is_told_with_what_it_lacks(session: Session, data: Path) -> None:
    assert error_of(session, data=data.parent) == (
        f"{data.parent} is no dataset: there is no schema.json. A dataset of the workspace goes by its name, such as "
        "taxi or taxi@3."
    )
    (data / "statistics.json").write_text("{}")
    assert error_of(session, data=data).startswith(f"{data} is no dataset: statistics.json cannot be read: ")


def test_other_programs_get_the_folder_if_they_take_it(session: Session, data: Path) -> None:
    for source in ("def train(data, epochs=1): pass", "DATA = ''\nprint(DATA)", "import sys\nprint(sys.argv)"):
        plan = plan_training("rides", source=source, data=data, session=session)
        assert plan.spec.args == ("--data", str(data))
    assert error_of(session, "def train(): pass", data=data) == (
        "the program does not take a dataset: `train` has no parameter `data`.\n"
        "`def train(data, epochs=5): ...` gets the dataset's folder; `def build_model(features): ...` is trained on it."
    )
    assert "the cell has no constant `DATA`." in error_of(session, "EPOCHS = 1\nprint(EPOCHS)", data=data)
    told = error_of(session, "def train(data): pass", data=data, target="fare")
    assert told == "target and features are for a cell with `def build_model(features): ...`."


def test_what_the_program_does_not_take_is_told_on_submission(session: Session, data: Path) -> None:
    plan = plan_training("rides", source=BUILD_MODEL, data=data, args=["--unit", "3"], session=session)
    with pytest.raises(UsageError, match=r"the program does not take --unit 3. Did you mean --units\?"):
        plan.submit()
