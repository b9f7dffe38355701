"""Where the classes of a model's outputs are known from."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from support.dataset_tables import statistics_of

from mlmagic.api.evaluation_form import known_labels
from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.statistics import DatasetStatistics, RowCounts


@pytest.fixture
def version(session: Session, register: Callable[[str], ModelVersion]) -> ModelVersion:
    """A version that keeps the statistics of what it was trained on."""
    made = register("payment")
    table = pa.table({"payment": ["cash", "card", "card"], "miles": [1.0, 2.0, 3.0]})
    known = DatasetStatistics(splits={"train": statistics_of(table)}, rows=RowCounts(read=3, written=3))
    session.workspace.version("payment", made.number).statistics.write_text(codec.dumps(known))
    return made


def test_classes_stand_in_the_order_of_the_training_rows(session: Session, version: ModelVersion) -> None:
    assert known_labels(session, version, "payment") == ("card", "cash")


def test_numbers_and_unknown_columns_have_none(session: Session, version: ModelVersion) -> None:
    assert known_labels(session, version, "miles") == known_labels(session, version, "tip") == ()


def test_without_statistics_they_are_not_known(session: Session, version: ModelVersion) -> None:
    session.workspace.version("payment", 1).statistics.unlink()
    assert known_labels(session, version, "payment") == ()
