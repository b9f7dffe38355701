from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.dataset_tables import divided, register, rides, write_table
from support.rest import Ask

from mlmagic.session import Session
from mlmagic.spec.codec import decode
from mlmagic.spec.dataset import DatasetOrigin
from mlmagic.spec.panel_rows import DatasetRow, Page


@pytest.fixture
def taxi(session: Session) -> Session:
    register(session, "taxi", divided(rides()), target="fare", key="ride_id")
    register(session, "taxi", divided(rides()))
    return session


async def test_datasets_are_listed_by_their_newest_version(ask: Ask, session: Session) -> None:
    assert (await ask("datasets")).json == {"datasets": []}


async def test_a_dataset_is_a_row(ask: Ask, taxi: Session) -> None:
    (row,) = [decode(DatasetRow, row) for row in (await ask("datasets")).json["datasets"]]
    versions = taxi.datasets.versions("taxi")
    assert (row.name, row.number, row.versions, row.columns) == ("taxi", 2, 2, 7)
    assert sum(row.rows.values()) == 400
    assert row.total_bytes == sum(version.size_bytes for version in versions) > 0
    assert row.create_time == versions[-1].create_time


async def test_a_version_has_a_page(ask: Ask, taxi: Session) -> None:
    page = decode(Page, (await ask("datasets/taxi/versions/1")).json["page"])
    assert page.title == "taxi@1"
    assert "fare" in page.html
    assert page.bundle


async def test_what_is_not_there_names_the_nearest(ask: Ask, taxi: Session) -> None:
    answer = await ask("datasets/taxy/versions/1")
    assert (answer.status, answer.problem["message"]) == (404, "there is no dataset 'taxy'.")
    answer = await ask("datasets/taxi/versions/3")
    assert answer.status == 404


async def test_a_version_is_deleted(ask: Ask, taxi: Session) -> None:
    assert (await ask("datasets/taxi/versions/2", "DELETE")).status == 204
    (row,) = (await ask("datasets")).json["datasets"]
    assert (row["number"], row["versions"]) == (1, 1)
    assert (await ask("datasets/taxi/versions/2", "DELETE")).status == 404


async def test_files_in_a_bucket_go_only_where_that_is_said(ask: Ask, session: Session, tmp_path: Path) -> None:
    place = "gs://bucket-of-others/data"
    folder = write_table(tmp_path / "made", divided(rides()))
    session.datasets.register("taxi", folder, origin=DatasetOrigin(location=place), now=datetime.now(UTC))
    page = decode(Page, (await ask("datasets/taxi/versions/1")).json["page"])
    (row,) = (await ask("datasets")).json["datasets"]
    assert page.bundle["location"] == row["location"] == place
    answer = await ask("datasets/taxi/versions/1", "DELETE", {"alsoFiles": True})
    assert answer.status == 400
    assert "no folder that mlmagic gave to a job: nothing is deleted." in answer.problem["message"]
    assert (await ask("datasets/taxi/versions/1", "DELETE", {"alsoFiles": False})).status == 204
