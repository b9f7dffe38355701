from __future__ import annotations

from collections.abc import Callable

import pytest

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.names import parse_model_reference
from mlmagic.workspace.database import Database
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.models import ModelStore

Register = Callable[..., ModelVersion]


def test_an_alias_is_set_moved_and_removed(models: ModelStore, register: Register) -> None:
    for _ in range(2):
        register()
    assert models.set_alias("taxi", "champion", 1).aliases == {"default": 1, "champion": 1}
    assert models.set_alias("taxi", "champion", 2).aliases == {"default": 1, "champion": 2}
    assert models.resolve(parse_model_reference("taxi@champion")).number == 2
    assert models.remove_alias("taxi", "champion") == models.get("taxi")
    assert models.get("taxi").aliases == {"default": 1}


def test_the_default_comes_first(models: ModelStore, register: Register) -> None:
    register()
    for alias in ("best", "a"):
        models.set_alias("taxi", alias, 1)
    assert models.get("taxi").aliases_of(1) == ("default", "a", "best")


def test_each_change_is_told_once(database: Database, models: ModelStore, register: Register) -> None:
    register()
    before = EventLog(database).last_id()
    models.set_alias("taxi", "champion", 1)
    models.set_alias("taxi", "champion", 1)
    models.remove_alias("taxi", "champion")
    assert [event.payload for event in EventLog(database).after(before)] == [
        {"alias": "champion", "version": 1},
        {"alias": "champion", "version": None},
    ]


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ("latest", "latest is always the newest version: it cannot be set."),
        ("2", "alias '2' cannot be used: it must start with a letter"),
        ("../x", "alias '../x' cannot be used"),
    ],
)
def test_what_no_alias_can_be_called(models: ModelStore, register: Register, alias: str, message: str) -> None:
    register()
    with pytest.raises(UsageError) as raised:
        models.set_alias("taxi", alias, 1)
    assert str(raised.value).startswith(message)


def test_the_default_stays(models: ModelStore, register: Register) -> None:
    register()
    with pytest.raises(UsageError) as raised:
        models.remove_alias("taxi", "default")
    assert str(raised.value) == (
        "taxi needs a default version; it can be another one.\n%models set-default taxi@NUMBER"
    )


def test_an_alias_that_is_not_there_names_the_nearest(models: ModelStore, register: Register) -> None:
    register()
    models.set_alias("taxi", "champion", 1)
    with pytest.raises(NotFoundError) as raised:
        models.remove_alias("taxi", "champions")
    assert str(raised.value) == "model 'taxi' has no alias 'champions'.\nDid you mean champion?"


def test_an_alias_needs_a_version_that_is_there(models: ModelStore, register: Register) -> None:
    register()
    with pytest.raises(NotFoundError, match="model 'taxi' has no version 7"):
        models.set_alias("taxi", "champion", 7)
    with pytest.raises(NotFoundError, match="there is no model 'bus'"):
        models.set_alias("bus", "champion", 1)
