"""What a version's folder holds: moved in whole or not at all, and read back."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from mlmagic.spec import codec
from mlmagic.spec.model import ModelOrigin, ModelVersion, Signature
from mlmagic.workspace.files import is_inside, sync_folder, write_atomic
from mlmagic.workspace.layout import STAGING_PREFIX, ModelFolder, VersionFolder


def move_in(artifact: Path, folder: VersionFolder, origin: ModelOrigin, signature: Signature | None) -> None:
    """Complete the artifact where it lies, and only then rename it: there is no step between artifact and version."""
    if _is_elsewhere(artifact, folder.root.parents[2]):
        raise OSError(errno.EXDEV, "is a link", str(artifact))
    if not artifact.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "there is no such folder", str(artifact))
    complete = VersionFolder(artifact)
    complete.signature.unlink(missing_ok=True)
    if signature is not None:
        write_atomic(complete.signature, codec.dumps(signature))
    write_atomic(complete.origin, codec.dumps(origin))
    artifact.chmod(0o700)
    artifact.rename(folder.root)
    sync_folder(folder.root.parent)


def _is_elsewhere(artifact: Path, workspace: Path) -> bool:
    """Say whether a link leads from the workspace to a folder of the user's, which must not be moved away."""
    if artifact.is_symlink() or not artifact.is_relative_to(workspace):
        return artifact.is_symlink()
    return not Path(os.path.realpath(artifact)).is_relative_to(os.path.realpath(workspace))


@contextlib.contextmanager
def copied(artifact: Path, folder: ModelFolder) -> Iterator[Path]:
    """Lend a copy on the file system of the models, for `move_in` to take."""
    staged = folder.root / f"{STAGING_PREFIX}{secrets.token_hex(4)}"
    try:
        shutil.copytree(artifact, staged, symlinks=True)
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def remove(artifact: Path) -> None:
    """Remove an artifact that has been copied; of a link, the link alone."""
    if artifact.is_symlink():
        artifact.unlink()
    else:
        shutil.rmtree(artifact, ignore_errors=True)


def read_version(folder: VersionFolder) -> ModelVersion:
    """Read a version from its folder.

    Raises:
        OSError: a file cannot be read.
        codec.DecodeError: a file does not hold what it should.
    """
    origin = codec.loads(ModelOrigin, folder.origin.read_bytes())
    signature = codec.loads(Signature, folder.signature.read_bytes()) if folder.signature.exists() else None
    if origin.create_time is None:
        raise codec.DecodeError("ModelOrigin.createTime is missing")
    if not is_inside(origin.artifact_path):
        raise codec.DecodeError(f"ModelOrigin.artifactPath leads out of the version: {origin.artifact_path!r}")
    return ModelVersion(
        model=folder.root.parent.name,
        number=int(folder.root.name),
        create_time=origin.create_time,
        origin=origin,
        signature=signature,
        size_bytes=_size(folder),
    )


def _size(folder: VersionFolder) -> int:
    ours = {folder.origin, folder.signature, folder.statistics}
    paths = (Path(parent) / name for parent, _, names in os.walk(folder.root) for name in names)
    return sum(path.lstat().st_size for path in paths if path not in ours)


def version_numbers(folder: ModelFolder) -> set[int]:
    """Return the numbers that are taken, by whatever lies there."""
    return {int(entry) for entry in os.listdir(folder.root) if re.fullmatch(r"[1-9][0-9]{0,17}", entry)}  # noqa: PTH208
