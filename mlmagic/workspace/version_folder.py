"""What a version's folder holds: moved in whole or not at all, and read back."""

from __future__ import annotations

import os
from pathlib import Path

from mlmagic.spec import codec
from mlmagic.spec.model import ModelOrigin, ModelVersion, Signature
from mlmagic.workspace.files import is_inside, write_atomic
from mlmagic.workspace.layout import VersionFolder
from mlmagic.workspace.moving import check_movable, move


def move_in(
    artifact: Path,
    folder: VersionFolder,
    origin: ModelOrigin,
    signature: Signature | None,
    statistics: bytes | None = None,
) -> None:
    """Complete the artifact where it lies, and only then rename it: there is no step between artifact and version."""
    check_movable(artifact, folder.root.parents[2])
    complete = VersionFolder(artifact)
    complete.signature.unlink(missing_ok=True)
    if signature is not None:
        write_atomic(complete.signature, codec.dumps(signature))
    if statistics is not None:
        write_atomic(complete.statistics, statistics)
    write_atomic(complete.origin, codec.dumps(origin))
    move(artifact, folder.root)


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
