"""Slices against the rows that a version was trained on."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from support.dataset_tables import register as register_dataset
from support.monitored import endpoint, log, register, rides

from mlmagic.api.monitor import monitor
from mlmagic.errors import UsageError


@pytest.fixture
def trained(session, tmp_path):
    """A version that was trained on a dataset."""
    table = pa.table(rides(3000, seed=0))
    register_dataset(session, "rides", {"train": table, "eval": table.slice(0, 10)}, target="fare")
    return register(session, tmp_path, dataset="rides@1")


def served():
    """Return rides that are long in the south alone."""
    rows = rides(2000, seed=2)
    return rows | {"miles": rows["miles"] * [1.0 if zone == "north" else 5.0 for zone in rows["zone"]]}


def test_the_slice_that_differs_is_named(session, trained):
    log(endpoint(session, 1), served())
    found = monitor("rides", by="zone", session=session)
    assert {part.value: part.has_anomaly for part in found.windows[0].report.slices} == {"north": False, "south": True}
    assert "✗ zone = south" in str(found)
    assert "✓ zone = north" in str(found)


@pytest.mark.parametrize("runner", [None, "direct"])
def test_slices_of_files(session, trained, runner):
    found = monitor(model="taxi", input=pd.DataFrame(served()), by="zone", runner=runner, session=session)
    assert {part.value: part.has_anomaly for part in found.windows[0].report.slices} == {"north": False, "south": True}


def test_slices_whose_dataset_is_gone(session, trained):
    log(endpoint(session, 1), served())
    session.datasets.delete(session.datasets.resolve("rides@1"))
    with pytest.raises(UsageError, match=r"trained on rides@1, which is no longer there.*\n.*--against window"):
        monitor("rides", by="zone", session=session)


def test_a_column_without_a_list_of_values(session, trained):
    log(endpoint(session, 1), served())
    with pytest.raises(UsageError, match=r'the values of "miles" are not listed'):
        monitor("rides", by="miles", session=session)
    with pytest.raises(UsageError, match=r'the baseline has no column "area"'):
        monitor("rides", by="area", session=session)
