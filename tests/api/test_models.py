"""Models as Python objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlmagic.api.models import describe_model, model, models
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.serving.engines.conversion import conversion_name
from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec
from mlmagic.spec.model import ModelOrigin, ModelVersion
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore

NOW = datetime(2026, 1, 31, tzinfo=UTC)

Register = Callable[[str], ModelVersion]


def test_the_first_version_is_the_default_until_another_is_set(session: Session, register: Register) -> None:
    register("taxi")
    register("taxi")
    taxi = model("taxi", session=session)
    assert [str(version) for version in taxi.versions] == ["taxi@1", "taxi@2"]
    assert str(taxi.default) == "taxi@1"
    assert str(taxi.version("latest")) == "taxi@2"
    assert str(taxi.set_default(2).default) == "taxi@2"


def test_an_unknown_model_names_the_nearest(session: Session, register: Register) -> None:
    register("taxi")
    with pytest.raises(NotFoundError, match=r"there is no model 'taxy'.\nDid you mean taxi?"):
        model("taxy", session=session)


def test_a_version_is_no_model(session: Session) -> None:
    with pytest.raises(UsageError, match=r"'taxi@2' is a version; what is asked for is a model's name: taxi."):
        model("taxi@2", session=session)


def test_a_version_that_is_not_there_cannot_be_the_default(session: Session, register: Register) -> None:
    register("taxi")
    with pytest.raises(NotFoundError, match=r"model 'taxi' has no version 3"):
        model("taxi", session=session).set_default(3)


def test_models_are_listed_and_shown(session: Session, register: Register) -> None:
    assert len(models(session=session)) == 0
    register("taxi")
    register("bus")
    found = models(session=session)
    assert [handle.name for handle in found] == ["bus", "taxi"]
    assert [handle.name for handle in found[1:]] == ["taxi"]
    assert "taxi" in found._repr_mimebundle_()["text/html"]
    assert "taxi" in str(found)
    assert repr(found) == "<ModelList of 2>"
    assert "taxi" in found[1]._repr_mimebundle_()["text/plain"]


def test_endpoints_that_follow_the_default_move(
    session: Session, register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        register("taxi")
    spec = EndpointSpec(
        name="web",
        model="taxi",
        deployed=(DeployedVersion(number=1),),
        follows="default",
        port=8501,
        create_time=NOW,
        update_time=NOW,
    )
    store = EndpointStore(Database(session.workspace))
    store.create(spec)
    model("taxi", session=session).set_default(2)
    assert store.get("web").deployed[0].number == 2
    assert "web is DOWN; once started it serves taxi@2." in capsys.readouterr().out
    assert model("taxi", session=session).describe(2).endpoints == ("web",)
    assert "web" in str(models(session=session))


def test_aliases(session: Session, register: Register) -> None:
    for _ in range(2):
        register("taxi")
    taxi = model("taxi", session=session).set_alias("champion", "latest")
    assert str(taxi.version("champion")) == "taxi@2"
    assert taxi.describe("champion").aliases == ("champion",)
    assert taxi.remove_alias("champion").record.aliases == {"default": 1}


def test_the_page_of_a_version_says_what_is_gone(session: Session, tmp_path: Path) -> None:
    artifact = tmp_path / "made"
    artifact.mkdir()
    origin = ModelOrigin(job_id="taxi-20260131-000000-0a1b", dataset="rides@1")
    session.models.register("taxi", artifact, origin=origin, now=NOW)
    page = describe_model("taxi@1", session=session)
    assert "taxi-20260131-000000-0a1b (deleted)" in str(page)
    assert "rides@1 (deleted)" in str(page)
    assert repr(page) == "<VersionDescription of taxi@1>"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (ConversionRecord(reason="it has an operation"), "cannot compute it: it has an operation"),
        (ConversionRecord(max_difference=3.2e-6), "computes it, and agrees with TensorFlow to 3e-06 on sample rows"),
    ],
)
def test_whether_onnx_runtime_computes_it(
    session: Session, register: Register, record: ConversionRecord, told: str
) -> None:
    version = register("taxi")
    assert "ONNX Runtime" not in str(describe_model("taxi@1", session=session))
    place = session.workspace.converted / conversion_name(version)
    place.mkdir(parents=True)
    (place / "conversion.json").write_text(codec.dumps(record))
    (place / "model.onnx").touch()
    assert f"ONNX Runtime  {told}" in str(describe_model("taxi@1", session=session))


def test_versions_are_compared_by_number_or_alias(session: Session, register: Register) -> None:
    for _ in range(2):
        register("taxi")
    found = model("taxi", session=session).diff("default", 2)
    assert repr(found) == "<ModelDifference of taxi@1 and taxi@2>"
    assert "+ taxi@2" in str(found)
