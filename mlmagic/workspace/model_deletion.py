"""Deleting versions: what keeps one, and how it goes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import ConflictError
from mlmagic.spec import codec
from mlmagic.spec.job import JobKind, JobRecord
from mlmagic.spec.model import Model, ModelVersion
from mlmagic.workspace.layout import ModelFolder, Workspace
from mlmagic.workspace.model_aliases import DEFAULT
from mlmagic.workspace.model_rows import add_version_event, delete_row, put_aside
from mlmagic.workspace.rows import UNFINISHED_ROWS

if TYPE_CHECKING:
    import sqlite3

Users = Mapping[int, Sequence[tuple[str, str]]]
"""Of versions that are used: by whom, and how that lets go of it."""


def users_of(connection: sqlite3.Connection, model: str, deployed: Mapping[int, Sequence[str]]) -> Users:
    """Return who uses which versions of a model: endpoints, and jobs that predict with it and have not ended."""
    users: dict[int, list[tuple[str, str]]] = {}
    for number, names in sorted(deployed.items()):
        way = f"%endpoints undeploy {{}} {model}@{number}"
        users[number] = [(f"the endpoint {name} serves it", way.format(name)) for name in names]
    query = (
        "SELECT id, record FROM jobs JOIN records USING (number) "  # noqa: S608 - constants
        f"WHERE {UNFINISHED_ROWS} AND kind = ? ORDER BY create_time"
    )
    for job_id, text in connection.execute(query, (str(JobKind.BATCH_PREDICTION),)):
        for word in codec.loads(JobRecord, text).spec.args:
            if word.startswith(f"{model}@") and word.removeprefix(f"{model}@").isdecimal():
                number = int(word.removeprefix(f"{model}@"))
                users.setdefault(number, []).append((f"{job_id} predicts with it", f"%jobs cancel {job_id}"))
    return users


def require_deletable(model: Model, number: int, known: Sequence[int], users: Users) -> None:
    """Make sure that nothing needs a version.

    Raises:
        ConflictError: something does; says how each lets go of it.
    """
    version, reasons = f"{model.name}@{number}", list(users.get(number, ()))
    others = [other for other in known if other != number]
    if not others and not reasons:
        raise ConflictError(
            f"{version} cannot be deleted: {model.name} has no other version.",
            hint=f"To remove the model: %models delete {model.name}",
        )
    if others:
        reasons += [_pointed(model.name, alias, number, others[-1]) for alias in model.aliases_of(number)]
    _refuse(version, reasons)


def require_all_deletable(model: str, users: Users) -> None:
    """Make sure that nothing needs any version of a model.

    Raises:
        ConflictError: something does; says how each lets go of it.
    """
    reasons = [
        (f"of {model}@{number}, {reason}", way) for number, several in sorted(users.items()) for reason, way in several
    ]
    _refuse(f"the model {model}", reasons)


def remove_conversions(workspace: Workspace, version: ModelVersion) -> None:
    """Remove what a version was converted to; never fails."""
    for path in workspace.converted.glob(f"{version}-*"):
        shutil.rmtree(path, ignore_errors=True)


def remove_version(connection: sqlite3.Connection, folder: ModelFolder, version: ModelVersion, now: datetime) -> Path:
    """Take a version out of its place, and return where its files are now, to be removed.

    With its tombstone it is deleted, whenever this process is killed.
    """
    folder.tombstone(version.number).touch(0o600)
    removed = put_aside(folder, version.number)
    delete_row(connection, version.model, version.number)
    add_version_event(connection, version, "deleted", now)
    return removed


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
