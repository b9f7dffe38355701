"""Models as Python objects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlmagic.api.models import model, models
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.model import ModelVersion

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
