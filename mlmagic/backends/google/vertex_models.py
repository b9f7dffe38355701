"""Versions of our models in Vertex AI's registry: uploaded when the cloud needs them, each once, whoever is killed.

A model of ours is one model there, called so that any process of the workspace names it without asking. Its versions
have numbers of Vertex AI's own; the alias `mlmagic-v2` tells which one is our version 2. The artifacts lie in the
bucket under the digest of their bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.client.models import RemoteVersion
from mlmagic.backends.google.images import Purpose, known_image
from mlmagic.backends.google.names import WORKSPACE_LABEL, label_value, workspace_label
from mlmagic.backends.google.serving_images import lacking, operations_of, serving_image
from mlmagic.backends.google.uploads import Uploader
from mlmagic.backends.google.vertex_models_lock import held_model
from mlmagic.backends.google.vertex_models_names import MODEL_LABEL, alias_changes, model_id, version_alias
from mlmagic.backends.google.vertex_models_noted import note_version, uploaded_versions
from mlmagic.errors import BackendError, ConflictError, NotFoundError, UsageError
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.database import Database
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

_LONGEST_PAUSE_SECONDS = 10.0
_UPLOAD = "UploadModelOperationMetadata"
_OWN_IMAGE = "Name a container of your own that serves it, %deploy … --image URI, or use --backend local."
_MOST_TOLD = 10


def container_of(workspace: Workspace, version: ModelVersion, image: str | None, *, region: str = "us") -> str:
    """Return the container that serves a version: the one that is named, or Vertex AI's newest that can.

    Args:
        workspace: where the version is, whose graph is read for that.
        version: which one.
        image: of the user's choice.
        region: of Vertex AI; the images are the same in all.

    Raises:
        UsageError: Vertex AI has none that can.
        WorkspaceError: the version's files cannot be read.
    """
    known = None if image is None else known_image(image)
    if image is not None and (known is None or known.purpose is not Purpose.PREDICTION):
        return image
    if version.origin.artifact != "savedmodel":
        raise UsageError(
            f"{version} is a model of the kind {version.origin.artifact!r}: Vertex AI's prebuilt images serve "
            "TensorFlow's SavedModel alone.",
            hint=_OWN_IMAGE,
        )
    operations = operations_of(_root(workspace, version))
    chosen = image or serving_image(region, operations)
    missing = lacking(chosen or serving_image(region) or "", operations)
    if chosen is None or missing:
        who = image or "Vertex AI's prebuilt images"
        raise UsageError(
            f"{version} was saved by a TensorFlow with operations that {who} cannot run: {_listed(missing)}.",
            hint=_OWN_IMAGE,
        )
    return chosen


def ensure_uploaded(
    client: GoogleClient,
    workspace: Workspace,
    version: ModelVersion,
    *,
    image: str | None = None,
    uploader: Uploader | None = None,
) -> str:
    """Return what Vertex AI calls a version, `projects/P/locations/R/models/M@2`, after bringing it there if need be.

    It returns when the version is there, which takes minutes for a large one. Aliases are brought to what they are
    here. Any call may be made twice, by two processes at once, and again after one was killed.

    Args:
        client: of the project and region.
        workspace: where the version is.
        version: which one.
        image: the container that serves it; None for the newest prebuilt one that can.
        uploader: what brings its files into the bucket, and tells of it; by default one that says nothing.

    Raises:
        UsageError: no prebuilt image serves it, or the bucket is in another region.
        NotFoundError, BackendError: Google refused, or did not answer; the next call goes on.
    """
    wanted = container_of(workspace, version, image, region=client.settings.region)
    uploader = uploader or Uploader(client, workspace)
    with held_model(workspace, version.model, f"uploads {version} to Vertex AI", uploader.say):
        artifact = bring_artifact(workspace, version, uploader)
        found = _find(client, workspace, version, wanted, artifact)
        if found is None:
            found = _upload(client, workspace, version, wanted, artifact)
        note_version(workspace, version.model, client.settings, version.number, found)
        _move_aliases(client, workspace, version.model)
        return found.name


def follow_aliases(
    client: GoogleClient, workspace: Workspace, model: str, *, tell: Callable[[str], None] | None = None
) -> None:
    """Let the aliases of a model in Vertex AI's registry point where they point here, for versions that are there.

    Args:
        client: of the project and region.
        workspace: where the model is.
        model: its name.
        tell: is told whom it waits for, as long as another process uploads a version.

    Raises:
        BackendError: Google refused, or did not answer.
    """
    with held_model(workspace, model, f"moves the aliases of {model} on Vertex AI", tell):
        _move_aliases(client, workspace, model)


def _find(
    client: GoogleClient, workspace: Workspace, version: ModelVersion, image: str, artifact: str
) -> RemoteVersion | None:
    """Return a version that Vertex AI has already, after what is under way."""
    name = _name(client, workspace, version.model)
    with suppress(NotFoundError):
        for operation in client.endpoints.under_way(name):
            if operation.kind == _UPLOAD:
                _wait(client, operation.name)
    try:
        found = client.models.get(f"{name}@{version_alias(version.number)}")
    except NotFoundError:
        return None
    # A model that was deleted here may have been made anew under its name.
    return found if found.image == image and found.artifact == artifact else None


def _upload(
    client: GoogleClient, workspace: Workspace, version: ModelVersion, image: str, artifact: str
) -> RemoteVersion:
    name = _name(client, workspace, version.model)
    model = {
        "display_name": version.model,
        "artifact_uri": artifact,
        "container_spec": {"image_uri": image},
        "version_aliases": [version_alias(version.number)],
        "version_description": f"{version} of mlmagic",
        "labels": {
            WORKSPACE_LABEL: workspace_label(str(workspace.root)),
            MODEL_LABEL: label_value(version.model),
        },
    }
    try:
        client.models.get(name)
    except NotFoundError:
        with suppress(ConflictError):  # made just now by another
            _wait(client, client.models.upload(model, model_id=name.rpartition("/")[2]))
    else:
        _wait(client, client.models.upload(model, parent_model=name))
    return client.models.get(f"{name}@{version_alias(version.number)}")


def bring_artifact(workspace: Workspace, version: ModelVersion, uploader: Uploader) -> str:
    """Return the folder of the bucket that has the version's own files, after bringing there what is not.

    Raises:
        MlmagicError: as of `Uploader.folder`.
    """
    folder = workspace.version(version.model, version.number)
    root = _root(workspace, version)
    ours = {folder.signature, folder.statistics, folder.origin}
    if root.is_file():
        files = {root.name: root}
    else:
        found = [path for path in sorted(root.rglob("*")) if path.is_file() and path not in ours]
        files = {path.relative_to(root).as_posix(): path for path in found}
    return uploader.folder(files)


def _root(workspace: Workspace, version: ModelVersion) -> Path:
    return (workspace.version(version.model, version.number).root / version.origin.artifact_path).resolve()


def _listed(operations: Sequence[str]) -> str:
    more = len(operations) - _MOST_TOLD
    return ", ".join(operations[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


def _move_aliases(client: GoogleClient, workspace: Workspace, model: str) -> None:
    uploaded = uploaded_versions(workspace, model, client.settings)
    aliases = ModelStore(Database(workspace)).get(model).aliases if uploaded else {}
    for one in uploaded:
        with suppress(NotFoundError):  # somebody has deleted it there
            found = client.models.get(f"{one.model}@{version_alias(one.number)}")
            if changes := alias_changes(found.aliases, one.number, aliases):
                client.models.point(found.name, changes)


def _wait(client: GoogleClient, name: str) -> None:
    pause = client.settings.poll_seconds
    while not (operation := client.endpoints.operation(name)).is_done:
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    if operation.error is not None:
        raise BackendError(f"Vertex AI cannot take the model: {operation.error}")


def _name(client: GoogleClient, workspace: Workspace, model: str) -> str:
    return f"{client.settings.parent}/models/{model_id(workspace_label(str(workspace.root)), model)}"
