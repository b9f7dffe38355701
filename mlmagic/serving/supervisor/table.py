"""What all workers of an endpoint are to serve: the spec, made into paths and numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.errors import MlmagicError
from mlmagic.serving.engines.conversion import Conversion, known_conversion
from mlmagic.spec import codec
from mlmagic.spec.codec import DecodeError
from mlmagic.spec.endpoint import EndpointSpec, EngineChoice
from mlmagic.spec.model import ModelVersion, Signature
from mlmagic.spec.noun import Noun
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.version_folder import read_version


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

    @property
    def may_be_converted(self) -> bool:
        """Say whether it would be served by ONNX Runtime if it were converted."""
        return self.engine is EngineChoice.AUTO and self.converted is None and not self.artifact.endswith(".onnx")


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

    def needs_other_workers(self, other: Table) -> bool:
        """Say whether workers that serve this are to be replaced by others that serve the other table.

        TensorFlow would stay in a worker that loads for ONNX Runtime what it has loaded before, with all its memory.
        """
        known = {version.number: version for version in self.versions}
        return not self.has_same_process(other.spec) or any(
            known.get(version.number, version) != version for version in other.versions
        )


def unconverted(workspace: Workspace, spec: EndpointSpec) -> list[ModelVersion]:
    """Return the versions that cannot be served before they are converted, and for which this has not been tried.

    Raises:
        RefusedSpecError: a version is not there.
    """
    wanted = [deployed.number for deployed in spec.deployed if deployed.engine is EngineChoice.ONNX]
    versions = [version_of(workspace, spec.model, number) for number in wanted]
    return [version for version in versions if _known(workspace, version) is None]


def make_table(
    workspace: Workspace,
    spec: EndpointSpec,
    aliases: Mapping[str, int],
    *,
    served: Table | None = None,
    conversions: Mapping[int, Conversion] | None = None,
) -> Table:
    """Find what the spec names.

    Args:
        workspace: where it is.
        spec: what is wanted.
        aliases: of the model.
        served: what is served now. A version of it stays what it is, so that another split needs no loading.
        conversions: what has just become of versions, by number.

    Raises:
        RefusedSpecError: a version is not there, or cannot be served by the engine that was asked for.
    """
    loaded = {version.number: version for version in served.versions} if served else {}
    versions = []
    for deployed in spec.deployed:
        version = version_of(workspace, spec.model, deployed.number)
        wanted = VersionToServe(
            number=deployed.number,
            artifact=str(workspace.version(spec.model, deployed.number).root / version.origin.artifact_path),
            signature=version.signature,
            engine=deployed.engine,
        )
        known = loaded.get(deployed.number)
        if known is None or dataclasses.replace(known, converted=None) != wanted:
            conversion = (conversions or {}).get(deployed.number) or _known(workspace, version)
            known = dataclasses.replace(wanted, converted=_converted(version, deployed.engine, conversion))
        versions.append(known)
    return with_aliases(Table(spec=spec, versions=tuple(versions)), aliases)


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


def version_of(workspace: Workspace, model: str, number: int) -> ModelVersion:
    """Return a version.

    Raises:
        RefusedSpecError: it is not there.
    """
    try:
        return read_version(workspace.version(model, number))
    except FileNotFoundError as error:
        raise RefusedSpecError(f"{model}@{number} is not there any more") from error
    except (OSError, DecodeError) as error:
        raise RefusedSpecError(f"{model}@{number} cannot be read: {error}") from error


def _known(workspace: Workspace, version: ModelVersion) -> Conversion | None:
    return known_conversion(workspace, version, workspace.version(version.model, version.number).root)


def _converted(version: ModelVersion, choice: EngineChoice, conversion: Conversion | None) -> str | None:
    if choice is EngineChoice.SESSION or version.origin.artifact == "onnx":
        return None
    if choice is EngineChoice.ONNX and (conversion is None or conversion.path is None):
        reason = "it was not converted" if conversion is None else conversion.reason
        raise RefusedSpecError(f"{version} cannot be served by ONNX Runtime: {reason}")
    return None if conversion is None or conversion.path is None else str(conversion.path)
