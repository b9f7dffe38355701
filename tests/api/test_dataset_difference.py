"""Two versions of datasets side by side."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from support.dataset_tables import divided, register, rides

from mlmagic.api.datasets import dataset, diff_datasets
from mlmagic.session import Session
from mlmagic.spec.dataset import InputFile
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.spec.package import CellShape, TrainerPackage
from mlmagic.spec.report import Difference
from mlmagic.spec.statistics import RowCounts


def file(name: str, digest: str, size: int = 10) -> InputFile:
    return InputFile(path=f"/data/{name}.csv", size_bytes=size, digest=f"sha256:{digest}")


def test_a_version_is_the_same_as_itself(session: Session) -> None:
    register(session, "taxi", divided(rides()))
    found = diff_datasets("taxi", "taxi@1", session=session)
    assert (found.moved, found.rows, found.columns, found.inputs) == ((), (), (), ())
    assert str(found) == "- taxi@1\n+ taxi@1\nIt is one and the same version."


def test_rows_and_schema(session: Session) -> None:
    counts = RowCounts(read=403, written=400, rejected={"fare: not a number": 3})
    register(session, "taxi", divided(rides()), counts=counts, target="fare")
    other = rides(500).drop_columns(["shared"]).append_column("rain", pa.array([1.5] * 500))
    register(session, "taxi", divided(other), target="miles", key="ride_id")
    found = diff_datasets("taxi", session=session)
    assert found.columns == (
        Difference(key="shared", first="boolean", second=None),
        Difference(key="rain", first=None, second="float"),
    )
    assert [(row.key, row.first, row.second) for row in found.rows] == [
        ("read", "403", "500"),
        ("train", "280", "350"),
        ("eval", "120", "150"),
        ("rejected: fare: not a number", "3", None),
    ]
    assert [row.key for row in found.settings] == ["target", "key"]


def test_values_that_moved_come_by_distance(session: Session) -> None:
    register(session, "taxi", divided(rides(2000)))
    moved = rides(2000, longer=4.0)
    payment = pa.array(np.where(np.arange(2000) % 2, "card", "voucher")).dictionary_encode()
    register(session, "taxi", divided(moved.set_column(4, "payment", payment)))
    found = diff_datasets("taxi@1", "taxi@2", session=session)
    measures = {each.drift.column: each.drift.measure for each in found.moved}
    assert measures == {"miles": "Jensen-Shannon", "payment": "L-infinity", "fare": "Jensen-Shannon"}
    distances = [each.drift.distance for each in found.moved]
    assert distances == sorted(distances, reverse=True)
    assert next(each for each in found.moved if each.drift.column == "payment").drift.distance == pytest.approx(0.5)
    assert found.compared == 7


def test_one_far_number_does_not_hide_what_moved(session: Session) -> None:
    for shift in (0.0, 1.0):
        numbers = np.append(np.random.default_rng(1).normal(shift, 1, 999), 1e9)
        register(session, "far", {"train": pa.table({"x": numbers})})
    assert diff_datasets("far", session=session).moved[0].drift.distance > 0.1


def test_a_tail_that_is_cut_off_counts_as_moved(session: Session) -> None:
    numbers = np.append(np.random.default_rng(1).normal(0, 1, 9_900), np.linspace(50, 90, 100))
    for most in (100, 40):
        register(session, "tail", {"train": pa.table({"x": numbers[numbers < most]})})
    found = diff_datasets("tail", session=session)
    assert [each.drift.column for each in found.moved] == ["x"]
    assert found.moved[0].drift.distance < 0.01
    assert " to 90 → -" in str(found)


def test_missing_values_count_as_moved(session: Session) -> None:
    for gaps in (1, 500):
        register(session, "gaps", {"train": pa.table({"x": pa.array([None] * gaps + [True, False] * 500)})})
    (moved,) = diff_datasets("gaps", session=session).moved
    assert moved.drift.distance == 0
    assert moved.drift.missing == pytest.approx(500 / 1500 - 1 / 1001)


def test_features_on_a_line(session: Session) -> None:
    register(session, "taxi", divided(rides()), features={"miles": "numeric", "shared": "categorical"})
    register(session, "taxi", divided(rides()), features={"miles": {"log": True, "type": "numeric"}})
    assert diff_datasets("taxi", session=session).features == (
        Difference(key="miles", first="numeric", second="{type: numeric, log: true}"),
        Difference(key="shared", first="categorical", second=None),
    )


def test_files_by_their_digests(session: Session) -> None:
    register(session, "taxi", divided(rides()), inputs=(file("a", "1"), file("b", "2"), file("c", "3")))
    register(session, "taxi", divided(rides()), inputs=(file("a", "1"), file("b", "9"), file("d", "4", 77)))
    found = diff_datasets("taxi", session=session)
    assert [(each.path, each.change.value) for each in found.inputs] == [
        ("/data/b.csv", "changed"),
        ("/data/c.csv", "removed"),
        ("/data/d.csv", "added"),
    ]
    assert (found.inputs[2].first_bytes, found.inputs[2].second_bytes, found.same_inputs) == (None, 77, 1)


def test_code_and_flags_of_the_jobs(session: Session) -> None:
    for share in ("0.8", "0.9"):
        files = {"trainer/task.py": f"print({share})\n".encode(), "preprocessor/spec/job.py": share.encode()}
        package = TrainerPackage(shape=CellShape.GIVEN, files=files, digest=f"sha256:{share}")
        args = ("--split", f"train={share}")
        spec = JobSpec(display_name="taxi", package=PackageReference(digest=f"sha256:{share}"), args=args)
        job = session.backend().submit(spec, package)
        register(session, "taxi", divided(rides()), job_id=job.id, package_digest=f"sha256:{share}")
    found = diff_datasets("taxi", session=session)
    assert [(row.key, row.first, row.second) for row in found.settings] == [("split", "train=0.8", "train=0.9")]
    assert [each.name for each in found.code] == ["trainer/task.py"]
    assert "+print(0.9)" in str(found)
    assert "They were made by different versions of mlmagic: 1 of its modules differs." in str(found)


def test_code_of_a_job_that_is_gone(session: Session) -> None:
    for number in (1, 2):
        job_id = f"taxi-20261121-09000{number}-ab12"
        register(session, "taxi", divided(rides()), job_id=job_id, package_digest=f"sha256:{number}")
    found = diff_datasets("taxi", session=session)
    assert not found.is_code_known
    assert "The code differs; a job that made one of them is deleted" in str(found)


def test_versions_of_two_datasets(session: Session) -> None:
    register(session, "taxi", divided(rides()))
    register(session, "bus", divided(rides()))
    found = dataset("taxi", session=session).diff("bus")
    assert (found.first, found.second) == ("taxi@1", "bus@1")
    assert str(found).endswith("They are the same: rows, columns, values, features and what they were made from.")
