"""Models from elsewhere: a SavedModel, a `.keras` or an ONNX file becomes a version, once it was looked into."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.api.arguments import ArgumentCheck, read_name
from mlmagic.api.consent import agree_to_move
from mlmagic.api.model_default import move_followers
from mlmagic.api.model_views import VersionDescription, describe_version
from mlmagic.errors import MissingDependencyError, PackageError, UsageError, WorkspaceError
from mlmagic.runtime.artifact import Artifact, find_artifact, other_files, stray_links
from mlmagic.runtime.inspection import Inspection, inspect_model
from mlmagic.runtime.labels import with_labels
from mlmagic.spec import codec
from mlmagic.spec.model import ModelOrigin, Signature
from mlmagic.spec.names import ModelReference
from mlmagic.spec.statistics import DatasetStatistics
from mlmagic.workspace.files import explained, make_folder
from mlmagic.workspace.layout import STAGING_PREFIX, VersionFolder
from mlmagic.workspace.model_aliases import DEFAULT

if TYPE_CHECKING:
    from mlmagic.api.endpoint_waiting import Look
    from mlmagic.session import Session

_COPIABLE = frozenset({stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK})
_FRAMEWORKS = {"savedmodel": "tensorflow", "keras": "keras", "onnx": "onnx"}
_FILES = {".keras": "keras", ".onnx": "onnx"}
_TAKEN = "What can be imported: the folder of a SavedModel, a .keras file, an .onnx file."
_ADVICE = {
    ".h5": "Save it anew with Keras 3: model.export(folder), or model.save('model.keras').",
    ".hdf5": "Save it anew with Keras 3: model.export(folder), or model.save('model.keras').",
    ".pb": "Name the folder of the SavedModel, not the file in it.",
    ".pkl": "A pickle runs code when it is read. Convert it: skl2onnx makes an .onnx file of a scikit-learn model.",
    ".joblib": "A pickle runs code when it is read. Convert it: skl2onnx makes an .onnx file of a scikit-learn model.",
    ".pt": "Export it: torch.onnx.export makes an .onnx file.",
    ".pth": "Export it: torch.onnx.export makes an .onnx file.",
    ".tflite": "Export the model that it was made from: model.export(folder).",
}


def import_model(
    name: str,
    path: str | os.PathLike[str],
    *,
    set_default: bool = False,
    yes: bool = False,
    on_look: Look | None = None,
    session: Session | None = None,
) -> VersionDescription:
    """Make a model from elsewhere the next version of `name`, and return its page.

    It is copied, and looked into by a process of its own: what runs Python code, touches files or leads out of its
    folder by a link is refused.

    Args:
        name: the model's; it need not be there yet.
        path: a SavedModel's folder, also one above it, or a `.keras` or `.onnx` file.
        set_default: let the version answer when none is named; endpoints that follow the default move to it.
        yes: let those that cost money do so unasked.
        on_look: called with each endpoint that follows, again and again while it moves.
        session: another than this process's.

    Raises:
        UsageError: there is no model at the path.
        PackageError: it may not be served, or cannot be; says why.
        MissingDependencyError: the library that reads it is not installed.
        ConsentError: endpoints that follow the default cost money, and the user does not agree to that.
    """
    from mlmagic.session import current_session

    check = ArgumentCheck()
    model = check.read(read_name, name, "model name")
    artifact = check.read(_find, path)
    check.finish("import_model")
    assert model is not None  # noqa: S101 - else it was told just now
    assert artifact is not None  # noqa: S101
    session = session or current_session()
    if set_default:
        agree_to_move(session, model, DEFAULT, None, yes=yes)
    with explained(f"import {artifact.path}"), _copied(artifact, session.workspace.model(model).root) as folder:
        copy = folder / artifact.path_in_version if artifact.kind != "savedmodel" else folder
        inspection = _look_into(copy, folder, artifact)
        signature = with_labels(_with_marks(inspection.signature, VersionFolder(folder)), copy)
        _drop_foreign_statistics(VersionFolder(folder))
        version = session.models.register(
            model,
            folder,
            origin=ModelOrigin(
                source=str(artifact.path),
                framework=_FRAMEWORKS[artifact.kind],
                framework_version=inspection.framework_version,
                artifact=artifact.kind,
                artifact_path=artifact.path_in_version,
            ),
            signature=signature,
            set_default=set_default,
            now=datetime.now(UTC),
        )
    if set_default:
        move_followers(session, model, on_look=on_look)
    return describe_version(session, ModelReference(model, version=version.number))


def _find(path: object) -> Artifact:
    """Return what lies at a path.

    Raises:
        UsageError: no model, or several.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise UsageError(f"a model's path is text, not {type(path).__name__} {path!r:.60}.")
    place = Path(os.path.realpath(Path(str(os.fspath(path))).expanduser()))
    if not place.exists():
        raise UsageError(f"there is no file or folder {place}.", hint=_TAKEN)
    if place.is_dir():
        return _find_in(place)
    if place.suffix.lower() not in _FILES:
        raise UsageError(f"{place} is no model that can be imported.", hint=_ADVICE.get(place.suffix.lower(), _TAKEN))
    if place.suffix.lower() == ".keras" and not zipfile.is_zipfile(place):
        # The library takes it for a file that is not there.
        raise UsageError(f"{place} is no .keras file, whatever its name: those are zip archives.", hint=_ADVICE[".h5"])
    return Artifact(path=place, kind=_FILES[place.suffix.lower()])


def _find_in(folder: Path) -> Artifact:
    found = find_artifact(folder)
    if found is None:
        onnx = sorted(folder.glob("*.onnx"))
        if len(onnx) != 1:
            files = ", ".join(other_files(folder)) or "nothing"
            raise UsageError(f"{folder} holds no model: it has {files}.", hint=_TAKEN)
        return Artifact(path=onnx[0], kind="onnx")
    if found.others:
        raise UsageError(f"{folder} holds {found.others + 1} models.", hint=f"Name one, such as {found.path}.")
    return found


@contextlib.contextmanager
def _copied(artifact: Artifact, parent: Path) -> Iterator[Path]:
    """Lend a copy that becomes the version's folder."""
    make_folder(parent)
    _check_copiable(artifact, parent)
    staged = parent / f"{STAGING_PREFIX}{secrets.token_hex(4)}"
    try:
        if artifact.kind == "savedmodel":
            # As links, which are looked at afterwards: what they lead to may be anything.
            shutil.copytree(artifact.path, staged, symlinks=True, copy_function=shutil.copyfile)
            # As old as the model is, it would be taken for what somebody has left half made.
            os.utime(staged)
        else:
            staged.mkdir(0o700)
            shutil.copyfile(artifact.path, staged / artifact.path_in_version)
        _own(staged)
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        # Of a model that has no version.
        with contextlib.suppress(OSError):
            parent.rmdir()


def _check_copiable(artifact: Artifact, parent: Path) -> None:
    """Refuse what is no file, and what has no room where the copy goes."""
    files = [artifact.path] if artifact.path.is_file() else [*artifact.path.rglob("*")]
    modes = {file: file.lstat() for file in files}
    odd = [repr(str(file)) for file, status in modes.items() if stat.S_IFMT(status.st_mode) not in _COPIABLE]
    if odd:
        raise PackageError(
            f"{artifact.path} cannot be imported: some of it is neither file nor folder nor link:", problems=odd[:10]
        )
    # A file with holes is written out in full.
    needed, free = sum(status.st_size for status in modes.values()), shutil.disk_usage(parent).free
    if needed > free:
        raise WorkspaceError(
            f"{artifact.path} has {needed / 1e6:,.0f} MB, and where its copy goes are {free / 1e6:,.0f} MB left.",
            hint=f"Make room on the disk of {parent}.",
        )


def _own(folder: Path) -> None:
    """Give folders and files the modes that they have in a workspace: a read-only one could not be deleted."""
    for parent, _, files in os.walk(folder):
        Path(parent).chmod(0o700)
        for file in (Path(parent) / name for name in files):
            if not file.is_symlink():
                file.chmod(0o600)


def _look_into(copy: Path, folder: Path, artifact: Artifact) -> Inspection:
    """Return what it takes and returns. The copy is looked into: nobody changes that meanwhile.

    Raises:
        PackageError: it may not be served, or cannot be.
        MissingDependencyError: the library that reads it is not installed.
    """
    if links := stray_links(folder):
        raise PackageError(
            f"{artifact.path} cannot be imported: {', '.join(links)} leads out of it by a link.",
            hint="Put the files themselves there.",
        )
    found = inspect_model(copy, python=None, environment=_environment(os.environ), wait=_wait)
    if found.missing is not None:
        raise MissingDependencyError(
            f"{artifact.path} cannot be looked into: the package {found.missing} is not installed here.",
            hint='%pip install "mlmagic[serve]"' if artifact.kind == "onnx" else '%pip install "mlmagic[tensorflow]"',
        )
    if found.refused is not None:
        raise PackageError(f"{artifact.path} cannot be imported: {found.refused}.")
    return found


def _with_marks(signature: Signature | None, folder: VersionFolder) -> Signature | None:
    """Mark the inputs whose values may be missing, if what is imported is a version of another workspace.

    Nothing else tells which these are; no more of its file is believed.
    """
    if signature is None or not folder.signature.is_file():
        return signature
    try:
        told = codec.loads(Signature, folder.signature.read_bytes())
    except (OSError, codec.DecodeError):
        return signature
    marked = {(each.name, each.dtype, each.shape) for each in told.inputs if each.optional}
    inputs = tuple(
        dataclasses.replace(each, optional=(each.name, each.dtype, each.shape) in marked) for each in signature.inputs
    )
    return dataclasses.replace(signature, inputs=inputs)


def _drop_foreign_statistics(folder: VersionFolder) -> None:
    if folder.statistics.is_file():
        with contextlib.suppress(OSError, codec.DecodeError):
            codec.loads(DatasetStatistics, folder.statistics.read_bytes())
            return
        folder.statistics.unlink()


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow", **kept, "CUDA_VISIBLE_DEVICES": "-1"}


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
