"""Models as lists show them, read from no more rows than that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlmagic.spec.model import Model, ModelSummary, ModelVersion
from mlmagic.workspace import model_rows as rows
from mlmagic.workspace.layout import ModelFolder, Workspace
from mlmagic.workspace.model_aliases import DEFAULT, read_model

if TYPE_CHECKING:
    import sqlite3


def summaries(
    connection: sqlite3.Connection, workspace: Workspace, endpoints: Mapping[str, Sequence[str]]
) -> list[ModelSummary]:
    """Return all models in order of name. `endpoints` are those that serve each."""
    folders = [workspace.model(name) for name in rows.model_names(connection)]
    return [
        _summary(connection, folder, known, endpoints.get(folder.root.name, ()))
        for folder in folders
        if (known := rows.numbers(connection, folder))
    ]


def read_known(connection: sqlite3.Connection, folder: ModelFolder, known: Sequence[int]) -> Model:
    """Return a model of which the numbers of all versions are known, one at least.

    Raises:
        WorkspaceError: its aliases cannot be read.
    """

    def read_first() -> ModelVersion:
        return rows.records(connection, folder.root.name, known[:1])[0]

    return read_model(folder, known[0], read_first)


def _summary(
    connection: sqlite3.Connection, folder: ModelFolder, known: Sequence[int], endpoints: Sequence[str]
) -> ModelSummary:
    model = read_known(connection, folder, known)
    wanted = {number for number in (model.aliases[DEFAULT], known[-1]) if number in known}
    found = {each.number: each for each in rows.records(connection, folder.root.name, sorted(wanted))}
    return ModelSummary(
        model=model,
        versions=len(known),
        latest=found[known[-1]],
        default=found.get(model.aliases[DEFAULT]),
        endpoints=tuple(endpoints),
    )
