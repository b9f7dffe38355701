from __future__ import annotations

from collections.abc import Callable

import pytest

from mlmagic.api.model_deletion import delete_model, plan_model_deletion
from mlmagic.api.models import model
from mlmagic.backends.google.client.models import RemoteVersion
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.backends.google.vertex_models_noted import note_version
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.session import Session
from mlmagic.spec.model import ModelVersion

Register = Callable[[str], ModelVersion]
SETTINGS = GoogleSettings(project="p", region="us-central1", bucket="gs://b")


def test_a_version_goes(session: Session, register: Register) -> None:
    for _ in range(2):
        register("taxi")
    assert str(delete_model("taxi@latest", session=session)).startswith("Deleted taxi@2, 8 B.")
    assert [version.number for version in model("taxi", session=session).versions] == [1]


def test_a_plan_removes_nothing(session: Session, register: Register) -> None:
    for _ in range(25):
        register("taxi")
    plan = plan_model_deletion("taxi", session=session)
    assert str(plan).startswith("Would delete the model taxi, 25 versions, 200 B:\n  taxi@1  ")
    assert plan.lines()[-1] == "and 5 more"
    assert len(model("taxi", session=session).versions) == 25


def test_a_model_goes(session: Session, register: Register) -> None:
    register("taxi")
    assert str(model("taxi", session=session).delete()).startswith("Deleted the model taxi, 1 version, 8 B:")
    with pytest.raises(NotFoundError, match="there is no model 'taxi'"):
        delete_model("taxi", session=session)


def test_what_was_uploaded_of_it_is_told(session: Session, register: Register) -> None:
    for _ in range(2):
        register("taxi")
    there = RemoteVersion(model="projects/p/m/M", number="7", aliases=(), artifact="gs://b/data/", image="i")
    note_version(session.workspace, "taxi", SETTINGS, 2, there)
    told = "What was uploaded stays in Google Cloud:\n  projects/p/m/M@7, its files in gs://b/data/"
    assert str(plan_model_deletion("taxi", session=session)).endswith(told)
    assert str(delete_model("taxi@2", session=session)).endswith(told)
    assert plan_model_deletion("taxi@1", session=session).left == ()


def test_the_default_stays(session: Session, register: Register) -> None:
    for _ in range(2):
        register("taxi")
    with pytest.raises(ConflictError) as raised:
        model("taxi", session=session).delete("default")
    assert str(raised.value) == (
        "taxi@1 cannot be deleted: it is the default version.\nFirst %models set-default taxi@2"
    )
