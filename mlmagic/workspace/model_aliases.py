"""The aliases of a model: names that point at its versions, kept in `model.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError, UsageError, WorkspaceError, nearest
from mlmagic.spec import codec
from mlmagic.spec.model import Model, ModelVersion
from mlmagic.spec.names import check_name
from mlmagic.workspace.events import add_event
from mlmagic.workspace.files import write_atomic
from mlmagic.workspace.layout import ModelFolder

if TYPE_CHECKING:
    import sqlite3

DEFAULT, LATEST = "default", "latest"


def check_alias(alias: str) -> str:
    """Return the name if a user may set or remove an alias of that name.

    Raises:
        UsageError: no alias can be called so, or it follows rules of its own.
    """
    if alias == LATEST:
        raise UsageError("latest is always the newest version: it cannot be set.")
    return check_name(alias, "alias")


def read_model(folder: ModelFolder, first: int, read_first: Callable[[], ModelVersion]) -> Model:
    """Return a model that has versions, of which `first` is the first: until an alias is set, that is the default.

    Raises:
        WorkspaceError: its aliases cannot be read.
    """
    try:
        model = codec.loads(Model, folder.aliases.read_bytes())
    except FileNotFoundError:
        model = Model(name=folder.root.name, create_time=read_first().create_time)
    except (OSError, codec.DecodeError) as error:
        raise WorkspaceError(
            f"the aliases of model {folder.root.name!r} cannot be read from {folder.aliases}: {error}.",
            hint=f"Mend the file, or remove it: then version {first} is the default.",
        ) from error
    return dataclasses.replace(model, aliases={DEFAULT: first, **model.aliases})


def write_aliases(
    connection: sqlite3.Connection, folder: ModelFolder, model: Model, alias: str, now: datetime
) -> Model:
    """Write a model of which one alias has changed, and tell of it."""
    write_atomic(folder.aliases, codec.dumps(model))
    payload = {"alias": alias, "version": model.aliases.get(alias)}
    add_event(connection, f"model:{model.name}", "alias", payload, now)
    return model


def pointed_at(model: Model, alias: str, number: int) -> Model:
    """Return the model with an alias at a version; the same one where it is there already."""
    if model.aliases.get(alias) == number:
        return model
    return dataclasses.replace(model, aliases={**model.aliases, alias: number})


def without(model: Model, alias: str) -> Model:
    """Return the model without an alias.

    Raises:
        NotFoundError: it has none of that name.
        UsageError: it is the default, which every model has.
    """
    if alias == DEFAULT:
        raise UsageError(
            f"{model.name} needs a default version; it can be another one.",
            hint=f"%models set-default {model.name}@NUMBER",
        )
    if alias not in model.aliases:
        raise no_such_alias(model, alias)
    left = {name: number for name, number in model.aliases.items() if name != alias}
    return dataclasses.replace(model, aliases=left)


def no_such_alias(model: Model, alias: str) -> NotFoundError:
    """Return the error that names the nearest."""
    known = sorted({*model.aliases, LATEST})
    hint = nearest(alias, known) or f"It has {', '.join(known)}."
    return NotFoundError(f"model {model.name!r} has no alias {alias!r}.", hint=hint)
