"""Endpoints of Vertex AI serve the version that the alias points at which they follow, whoever has moved it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from support.kept_endpoints import register

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.endpoints_remote import EndpointNotes, write_notes
from mlmagic.backends.google.endpoints_sync import EndpointSync
from mlmagic.spec.endpoint import DeployedVersion, EndpointGoal, EndpointSpec
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = EndpointSpec(
    name="adder",
    backend="google",
    model="sums",
    deployed=(DeployedVersion(number=1),),
    follows="default",
    goal=EndpointGoal.STOP,
    port=0,
    create_time=NOW,
    update_time=NOW,
)


@pytest.fixture
def store(workspace: Workspace) -> EndpointStore:
    """Two versions of `sums`, of which the second is the default by now."""
    for number in (1, 2):
        register(workspace, number)
    ModelStore(Database(workspace)).set_default("sums", 2)
    return EndpointStore(Database(workspace))


def follow(workspace: Workspace) -> bool:
    def nobody(_: EndpointNotes | None) -> GoogleClient:
        raise AssertionError

    return EndpointSync(workspace, nobody).follow("adder")


def test_it_follows_once_and_says_so(workspace: Workspace, store: EndpointStore) -> None:
    store.create(SPEC)
    assert (follow(workspace), follow(workspace)) == (True, False)
    assert [each.number for each in store.get("adder").deployed] == [2]
    assert "sums@2 is default now" in workspace.endpoint("adder").log.read_text()


def test_a_pinned_one_stays(workspace: Workspace, store: EndpointStore) -> None:
    store.create(dataclasses.replace(SPEC, follows=None))
    assert not follow(workspace)
    assert [each.number for each in store.get("adder").deployed] == [1]


def test_a_version_that_was_refused_is_left_alone_until_the_alias_points_elsewhere(
    workspace: Workspace, store: EndpointStore
) -> None:
    store.create(SPEC)
    notes = EndpointNotes(project="p", region="r", update_time=NOW, refused_version=2)
    write_notes(workspace.endpoint("adder"), notes)
    assert not follow(workspace)
    third = register(workspace, 3)
    ModelStore(Database(workspace)).set_default("sums", third.number)
    assert follow(workspace)
