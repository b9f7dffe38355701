"""Datasets as Python objects."""

from __future__ import annotations

import pyarrow as pa
import pytest
from support.dataset_tables import divided, register, rides

from mlmagic.api.dataset_deletion import DatasetDeletion
from mlmagic.api.datasets import Dataset, dataset, datasets, diff_datasets
from mlmagic.errors import NotFoundError, UsageError, WorkspaceError
from mlmagic.session import Session

FEATURES = {"miles": {"type": "numeric", "log": True}, "payment": "categorical"}


@pytest.fixture
def taxi(session: Session) -> Dataset:
    register(session, "taxi", divided(rides()), target="fare", key="ride_id", features=FEATURES)
    return dataset("taxi", session=session)


def test_a_name_is_its_newest_version(session: Session, taxi: Dataset) -> None:
    register(session, "taxi", divided(rides()))
    assert (taxi.name, taxi.number, str(taxi)) == ("taxi", 1, "taxi@1")
    assert str(dataset("taxi", session=session)) == "taxi@2"
    assert [str(version) for version in dataset("taxi@1", session=session).versions] == ["taxi@1", "taxi@2"]


def test_what_is_not_there_names_the_nearest(session: Session, taxi: Dataset) -> None:
    with pytest.raises(NotFoundError, match=r"there is no dataset 'taxy'.\nDid you mean taxi\?"):
        dataset("taxy", session=session)
    with pytest.raises(UsageError, match=r"a dataset's name must be a string, not int 3"):
        dataset(3, session=session)  # type: ignore[arg-type]


def test_datasets_are_listed_and_shown(session: Session, taxi: Dataset) -> None:
    found = datasets(session=session)
    assert [handle.name for handle in found] == ["taxi"]
    assert [handle.name for handle in found[:1]] == ["taxi"]
    assert repr(found) == "<DatasetList of 1>"
    assert "taxi     taxi@1         1   400        7  fare " in str(found)


def test_a_list_outlives_what_it_lists(session: Session, taxi: Dataset) -> None:
    found = datasets(session=session)
    assert str(taxi.delete()) == f"Deleted taxi@1, {_size(taxi)}. Its number is not given again."
    assert "taxi@1" in str(found)
    assert len(datasets(session=session)) == 0


def test_what_dataflow_wrote_stays_and_is_told(taxi: Dataset) -> None:
    told = str(DatasetDeletion(version=taxi.version, kept="gs://b/mlmagic/taxi/1"))
    assert told.endswith("Its files stay in gs://b/mlmagic/taxi/1: gcloud storage rm -r gs://b/mlmagic/taxi/1")


def _size(handle: Dataset) -> str:
    from mlmagic.panels.sizes import size_text

    return size_text(handle.version.size_bytes)


def test_rows_are_read_in_order(taxi: Dataset) -> None:
    whole = taxi.read()
    assert len(whole) == 280
    assert whole["ride_id"].tolist() == rides()["ride_id"].to_pylist()[:280]
    assert len(taxi.read("eval", limit=5)) == 5
    assert taxi.read("train", limit=200).equals(whole.head(200))


def test_rows_have_plain_types(taxi: Dataset) -> None:
    frame = taxi.read(limit=10)
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert types["payment"] == types["ride_id"] == "str"
    assert (types["miles"], types["passengers"], types["shared"]) == ("float64", "int64", "bool")
    assert types["pickup"] == "datetime64[us]"


def test_whole_numbers_with_gaps_stay_whole(session: Session) -> None:
    gaps = pa.table({"n": pa.array([2**62 + 1, None]), "is": pa.array([None, True])})
    register(session, "gaps", {"train": gaps})
    frame = dataset("gaps", session=session).read()
    assert [str(kind) for kind in frame.dtypes] == ["Int64", "boolean"]
    assert frame["n"][0] == 2**62 + 1


def test_columns_are_chosen_by_name_and_pattern(taxi: Dataset) -> None:
    assert list(taxi.read(limit=1, columns="fare,p*").columns) == ["fare", "passengers", "payment", "pickup"]
    assert list(taxi.read(limit=0, columns=["fare"]).columns) == ["fare"]
    with pytest.raises(UsageError) as caught:
        taxi.read(columns="fares,x*")
    assert caught.value.problems == ("'fares': no such column. Did you mean fare or shared?", "'x*': no such column.")
    assert str(caught.value).endswith("It has ride_id, miles, fare, passengers, payment, shared, pickup.")


@pytest.mark.parametrize(
    ("columns", "message"), [("", "columns is empty"), (5, "columns are names or patterns, not 5")]
)
def test_columns_that_name_none(taxi: Dataset, columns: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        taxi.describe(columns)  # type: ignore[arg-type]


def test_a_column_may_have_commas_and_dots_in_its_name(session: Session) -> None:
    register(session, "odd", {"train": pa.table({"a": [1], "a.b": [2], "a,b": [3], "": [4], "x[1]": [5]})})
    odd = dataset("odd", session=session)
    assert odd.read(columns="a,b")["a,b"].tolist() == [3]
    assert odd.read(columns=["x[1]", "", "a.b"]).to_dict("records") == [{"x[1]": 5, "": 4, "a.b": 2}]


def test_what_cannot_be_read_says_why(taxi: Dataset) -> None:
    with pytest.raises(UsageError, match=r"taxi@1 has no split 'evl'. Did you mean eval\?\nSplits: eval, train."):
        taxi.read("evl")
    with pytest.raises(UsageError, match=r"limit is a number of rows from 0, not -1."):
        taxi.read(limit=-1)


def test_features_are_a_plain_dict_of_ones_own(taxi: Dataset) -> None:
    taxi.features["miles"]["log"] = False  # type: ignore[index]
    taxi.features["other"] = "numeric"
    assert taxi.features == FEATURES
    assert type(taxi.features) is dict


def test_a_version_knows_what_is_told_of_it(session: Session, taxi: Dataset) -> None:
    assert taxi.schema.target == "fare"
    assert taxi.statistics.splits["train"].rows == 280
    assert taxi.path == session.datasets.path(taxi.version)
    assert taxi.origin.inputs[0].path == "/data/rides-2013.csv"


def test_pages_show_themselves(taxi: Dataset) -> None:
    for shown in (taxi, taxi.describe(), taxi.plot(), taxi.plot().table):
        assert "taxi@1" in shown._repr_mimebundle_()["text/plain"]
    assert "taxi@1" in str(taxi.describe())
    assert "taxi@1" in str(taxi.plot("fare"))
    assert repr(taxi.plot()) == "<DatasetPlot of taxi@1>"
    assert repr(taxi.plot().table) == "<DatasetPlotTable of taxi@1>"
    assert repr(taxi.describe()) == "<DatasetDescription of taxi@1>"


def test_of_many_columns_the_first_are_shown_with_target_and_key(session: Session) -> None:
    names = [f"c{number:04}" for number in range(1000)]
    register(session, "wide", {"train": pa.table({name: [1.0] for name in names})}, target="c0999", key="c0500")
    wide = dataset("wide", session=session)
    assert wide.describe().columns == (*names[:48], "c0500", "c0999")
    assert wide.plot().columns == (*names[:22], "c0500", "c0999")
    assert len(wide.plot("*").columns) == 60
    assert len(wide.describe("*").columns) == 300


def test_a_version_without_rows_has_an_empty_frame(session: Session) -> None:
    register(session, "none", {"train": pa.table({"a": pa.array([], pa.int64())})})
    none = dataset("none", session=session)
    assert list(none.read().columns) == ["a"]
    assert [warning.detail for warning in none.describe().warnings] == ["0 rows", "0 rows", "0 rows"]


def test_shards_that_cannot_be_read_leave_the_page(taxi: Dataset) -> None:
    for path in taxi.path.glob("*.parquet"):
        path.write_bytes(b"not Parquet")
    told = taxi.describe().unchecked
    assert told is not None
    assert told.startswith("Whether a column leaks the target was not looked into: ")
    assert told in str(taxi.describe()).replace("\n  ", " ")


def test_shards_that_are_damaged_are_named(taxi: Dataset) -> None:
    first = min(taxi.path.glob("train-*.parquet"))
    first.write_bytes(b"not Parquet")
    with pytest.raises(WorkspaceError) as raised:
        taxi.read()
    assert str(raised.value).startswith(f"{first} cannot be read: Parquet ")
    first.unlink()
    with pytest.raises(WorkspaceError, match=r"the train rows of taxi@1 cannot be read: there is no .*train-00000"):
        taxi.read()


def test_an_older_version_names_the_newest(session: Session, taxi: Dataset) -> None:
    register(session, "taxi", divided(rides()))
    assert taxi.describe().newest == 2
    assert "taxi@1  (newest is @2)" in str(taxi.describe())


def test_the_first_version_has_none_before_it(session: Session, taxi: Dataset) -> None:
    with pytest.raises(UsageError) as caught:
        diff_datasets("taxi", session=session)
    assert str(caught.value) == (
        "taxi@1 is the first version of taxi: there is none before it to compare it with.\n"
        "%datasets diff taxi@1 OTHER@VERSION"
    )
