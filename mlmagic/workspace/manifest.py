"""Whether the files of a queued job are whole: the machine may have stopped before they came down to its disk.

To wait for the disk whenever a job is submitted would take longer than all the rest. Only a job that is QUEUED while
the machine stops would be worse off without: its files are compared later, and one with files cut short is not run.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from mlmagic.spec import codec
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import write_new
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.processes import current_boot_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Noun):
    """`manifest.json`: what a job's folder held when it was made."""

    boot_id: str
    """Of the machine that made it; while that runs, what was written is there."""
    checksums: Mapping[str, int]
    """By path in the folder."""


def write_manifest(folder: JobFolder, files: Mapping[str, bytes]) -> None:
    """Write down what the folder holds."""
    checksums = {name: zlib.crc32(content) for name, content in files.items()}
    manifest = Manifest(boot_id=current_boot_id(), checksums=checksums)
    write_new(folder.manifest, codec.dumps(manifest, indent=None), sync=False)


def is_whole(folder: JobFolder) -> bool:
    """Say whether the files are those that were written."""
    try:
        manifest = codec.loads(Manifest, folder.manifest.read_bytes())
    except FileNotFoundError:
        # An older mlmagic wrote none; or the folder was removed, which is told elsewhere.
        return True
    except (OSError, codec.DecodeError):
        return False
    if manifest.boot_id == current_boot_id():
        return True
    try:
        return all(zlib.crc32((folder.root / name).read_bytes()) == it for name, it in manifest.checksums.items())
    except OSError:
        return False
