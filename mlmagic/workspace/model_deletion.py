"""Deleting versions: what keeps one, and how it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import ConflictError
from mlmagic.spec.model import Model, ModelVersion
from mlmagic.workspace.layout import ModelFolder
from mlmagic.workspace.model_aliases import DEFAULT
from mlmagic.workspace.model_rows import add_version_event, delete_row, put_aside

if TYPE_CHECKING:
    import sqlite3

Deployed = Mapping[int, Sequence[str]]
"""Versions to the endpoints that serve them."""


def require_deletable(model: Model, number: int, known: Sequence[int], deployed: Deployed) -> None:
    """Make sure that nothing needs a version.

    Raises:
        ConflictError: something does; says how each lets go of it.
    """
    version = f"{model.name}@{number}"
    reasons = [(f"the endpoint {name} serves it", _undeploy(name, version)) for name in deployed.get(number, ())]
    others = [other for other in known if other != number]
    if not others and not reasons:
        raise ConflictError(
            f"{version} cannot be deleted: {model.name} has no other version.",
            hint=f"To remove the model: %models delete {model.name}",
        )
    if others:
        reasons += [_pointed(model.name, alias, number, others[-1]) for alias in model.aliases_of(number)]
    _refuse(version, reasons)


def require_all_deletable(model: str, deployed: Deployed) -> None:
    """Make sure that no endpoint serves a model.

    Raises:
        ConflictError: one does.
    """
    served = [(name, f"{model}@{number}") for number, names in sorted(deployed.items()) for name in names]
    _refuse(
        f"model {model}",
        [(f"the endpoint {name} serves {version}", _undeploy(name, version)) for name, version in served],
    )


def remove_version(connection: sqlite3.Connection, folder: ModelFolder, version: ModelVersion, now: datetime) -> Path:
    """Take a version out of its place, and return where its files are now, to be removed.

    With its tombstone it is deleted, whenever this process is killed.
    """
    folder.tombstone(version.number).touch(0o600)
    removed = put_aside(folder, version.number)
    delete_row(connection, version.model, version.number)
    add_version_event(connection, version, "deleted", now)
    return removed


def _undeploy(endpoint: str, version: str) -> str:
    return f"%endpoints undeploy {endpoint} {version}"


def _pointed(model: str, alias: str, number: int, other: int) -> tuple[str, str]:
    if alias == DEFAULT:
        return "it is the default version", f"%models set-default {model}@{other}"
    return (
        f"the alias {alias} points at it",
        f"%models alias {model}@{other} {alias}, or %models alias {model}@{number} {alias} --remove",
    )


def _refuse(what: str, reasons: Sequence[tuple[str, str]]) -> None:
    if len(reasons) == 1:
        reason, way = reasons[0]
        raise ConflictError(f"{what} cannot be deleted: {reason}.", hint=f"First {way}")
    if reasons:
        told = [f"{reason}: {way}" for reason, way in reasons]
        raise ConflictError(f"{what} cannot be deleted:", problems=told)
