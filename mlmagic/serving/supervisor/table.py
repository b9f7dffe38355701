"""What all workers of an endpoint are to serve: the spec, made into paths and numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.errors import MlmagicError
from mlmagic.spec import codec
from mlmagic.spec.codec import DecodeError
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec, EngineChoice
from mlmagic.spec.model import ModelVersion, Signature
from mlmagic.spec.noun import Noun
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.version_folder import read_version

CONVERSION_SECONDS = 300.0
"""A model that takes longer to convert is served by the engine that needs no conversion."""


class RefusedSpecError(Exception):
    """What the spec wants cannot be served; the text is one line for its user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionToServe(Noun):
    """A version as a worker loads it."""

    number: int
    artifact: str
    signature: Signature | None = None
    engine: EngineChoice = EngineChoice.AUTO
    converted: str | None = None
    """The same model for ONNX Runtime, where it converts and agrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Noun):
    """What is served, by which names, and with which limits."""

    spec: EndpointSpec
    versions: tuple[VersionToServe, ...]
    aliases: Mapping[str, int] = field(default_factory=dict)
    """Of the model, as far as they point at versions that are served."""

    @property
    def versions_as_text(self) -> dict[str, VersionToServe]:
        """The versions by all that makes a difference to their loading."""
        return {codec.dumps(version, indent=None): version for version in self.versions}

    def has_same_process(self, other: EndpointSpec) -> bool:
        """Say whether a worker that serves this can serve the other spec too: some things it learns only at start."""
        ours = self.spec
        return (ours.model, ours.limits, ours.host, ours.port, ours.needs_token, ours.python) == (
            other.model, other.limits, other.host, other.port, other.needs_token, other.python,
        )  # fmt: skip


def make_table(workspace: Workspace, spec: EndpointSpec, aliases: Mapping[str, int]) -> Table:
    """Find what the spec names, and convert what has not been converted: this may take minutes.

    Raises:
        RefusedSpecError: a version is not there, or cannot be served by the engine that was asked for.
    """
    versions = tuple(_version_to_serve(workspace, spec.model, deployed) for deployed in spec.deployed)
    return with_aliases(Table(spec=spec, versions=versions), aliases)


def with_aliases(table: Table, aliases: Mapping[str, int]) -> Table:
    """Return the table with those of the model's aliases that point at what it serves."""
    served = {version.number for version in table.versions}
    kept = {alias: number for alias, number in sorted(aliases.items()) if number in served}
    return dataclasses.replace(table, aliases=kept)


def read_aliases(workspace: Workspace, model: str) -> dict[str, int] | None:
    """Return the model's aliases, `latest` among them; None if they cannot be read."""
    from mlmagic.workspace.database import Database
    from mlmagic.workspace.models import ModelStore

    store = ModelStore(Database(workspace))
    try:
        numbers = [version.number for version in store.versions(model)]
        return {**store.get(model).aliases, "latest": max(numbers)}
    except MlmagicError:
        return None


def _version_to_serve(workspace: Workspace, model: str, deployed: DeployedVersion) -> VersionToServe:
    folder = workspace.version(model, deployed.number)
    try:
        version = read_version(folder)
    except FileNotFoundError as error:
        raise RefusedSpecError(f"{model}@{deployed.number} is not there any more") from error
    except (OSError, DecodeError) as error:
        raise RefusedSpecError(f"{model}@{deployed.number} cannot be read: {error}") from error
    return VersionToServe(
        number=deployed.number,
        artifact=str(folder.root / version.origin.artifact_path),
        signature=version.signature,
        engine=deployed.engine,
        converted=_converted(workspace, version, deployed.engine),
    )


def _converted(workspace: Workspace, version: ModelVersion, choice: EngineChoice) -> str | None:
    if choice is EngineChoice.SESSION or version.origin.artifact == "onnx":
        return None
    from mlmagic.serving.engines.conversion import convert

    folder = workspace.version(version.model, version.number).root
    conversion = convert(workspace, version, folder, timeout=CONVERSION_SECONDS)
    if conversion.path is None and choice is EngineChoice.ONNX:
        raise RefusedSpecError(f"{version} cannot be served by ONNX Runtime: {conversion.reason}")
    return None if conversion.path is None else str(conversion.path)
