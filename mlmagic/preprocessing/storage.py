"""Files of the output, local or in a bucket, by Beam's own file systems."""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import BinaryIO

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems


def join(folder: str, *names: str) -> str:
    """Return the path of something in a folder."""
    return "/".join([folder.rstrip("/"), *names])


def is_local(path: str) -> bool:
    """Whether the path is on this machine."""
    return "://" not in path


def create(path: str) -> BinaryIO:
    """Open a file for writing, with the folders above it."""
    stream: BinaryIO = FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return stream


def write_text(path: str, text: str) -> None:
    """Write a file whole or not at all."""
    aside = f"{path}.{uuid.uuid4().hex}"
    try:
        with create(aside) as stream:
            stream.write(text.encode())
        rename(aside, path)
    except BaseException:
        delete(aside)
        raise


def read_texts(pattern: str) -> dict[str, str]:
    """Return the content of small files by path."""
    texts = {}
    for found in FileSystems.match([pattern])[0].metadata_list:
        with FileSystems.open(found.path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
            texts[found.path] = stream.read().decode()
    return texts


def rename(source: str, target: str) -> None:
    """Move a file to where nobody looked for it before; done already is fine."""
    if is_local(target):
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)  # noqa: PTH103, PTH120 - one form of path for all systems
    if not FileSystems.exists(source) and FileSystems.exists(target):
        return
    FileSystems.rename([source], [target])


def exists(path: str) -> bool:
    """Whether there is such a file."""
    return bool(FileSystems.exists(path))


def delete(*patterns: str) -> None:
    """Delete files and folders, where they are there."""
    for pattern in patterns:
        with contextlib.suppress(BeamIOError, OSError):
            FileSystems.delete([pattern])
