"""`vertex.json`: which versions of a model are in Vertex AI's registry, by project and region."""

from __future__ import annotations

from dataclasses import dataclass

from mlmagic.backends.google.client.models import RemoteVersion
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import explained, write_atomic
from mlmagic.workspace.layout import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedVersion(Noun):
    """A version of ours in Vertex AI's registry."""

    number: int
    """Ours."""
    project: str
    region: str
    model: str
    """`projects/P/locations/R/models/M`."""
    version: str
    """Vertex AI's number."""
    artifact: str
    """`gs://…`."""
    image: str

    def is_in(self, settings: GoogleSettings) -> bool:
        """Say whether it is in the project and region of those settings."""
        return (self.project, self.region) == (settings.project, settings.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notes(Noun):
    versions: tuple[UploadedVersion, ...] = ()


def uploaded_versions(workspace: Workspace, model: str, settings: GoogleSettings) -> tuple[UploadedVersion, ...]:
    """Return the versions of a model that are noted for that project and region, in order of number."""
    return tuple(one for one in noted_versions(workspace, model) if one.is_in(settings))


def noted_versions(workspace: Workspace, model: str) -> tuple[UploadedVersion, ...]:
    """Return the versions of a model that are noted for any project and region, in order of number."""
    return tuple(sorted(_read(workspace, model).versions, key=lambda one: one.number))


def note_version(workspace: Workspace, model: str, settings: GoogleSettings, number: int, found: RemoteVersion) -> None:
    """Note down what a version is called; who calls holds the model's lock for uploads."""
    new = UploadedVersion(
        number=number,
        project=settings.project,
        region=settings.region,
        model=found.model,
        version=found.number,
        artifact=found.artifact,
        image=found.image,
    )
    known = _read(workspace, model).versions
    if new in known:
        return
    kept = [one for one in known if one.number != number or not one.is_in(settings)]
    path = workspace.model(model).uploaded
    with explained(f"write {path}"):
        write_atomic(path, dumps(_Notes(versions=(*kept, new))))


def _read(workspace: Workspace, model: str) -> _Notes:
    path = workspace.model(model).uploaded
    with explained(f"read {path}"):
        try:
            return loads(_Notes, path.read_bytes())
        except (FileNotFoundError, DecodeError):
            return _Notes()
