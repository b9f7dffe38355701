"""The folder that a run writes to: empty before, and empty again if it fails."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from mlmagic.errors import UsageError
from mlmagic.preprocessing import storage
from mlmagic.preprocessing.finish import ORIGIN, SCHEMA, STATISTICS
from mlmagic.preprocessing.shards import REJECTED

_PARTS = re.compile(r"\.parts-[0-9a-f]{12}")
_SHARD = re.compile(r"[a-z][a-z0-9_-]*-\d{5}-of-\d{5}\.parquet")


def prepare_output(output: str) -> None:
    """Make sure that nothing is there that could be taken for a part of the dataset.

    Raises:
        UsageError: something is.
    """
    if not storage.is_local(output):
        found = [file.path for file in FileSystems.match([storage.join(output, "*")], [1])[0].metadata_list]
    elif Path(output).is_dir():
        names = os.listdir(output)  # noqa: PTH208 - the names are what counts
        for name in filter(_PARTS.fullmatch, names):  # of a run that was killed
            shutil.rmtree(Path(output, name), ignore_errors=True)
        found = sorted(name for name in names if not _PARTS.fullmatch(name))
    else:
        found = [output] if Path(output).exists() else []
    if found:
        raise UsageError(
            f"--output {output} is not an empty folder: it has {', '.join(found[:3])}.",
            hint="Name a new one; a dataset never changes once it is there.",
        )


def clear_output(output: str, parts: str) -> None:
    """Remove all that a failed run wrote; the folder was empty before."""
    storage.delete(parts)
    if not storage.is_local(output):
        storage.delete(
            *(storage.join(output, name) for name in (SCHEMA, STATISTICS, ORIGIN, "*-of-*.parquet", "rejected/*"))
        )
        return
    for path in Path(output).iterdir() if Path(output).is_dir() else ():
        if path.name == REJECTED:
            shutil.rmtree(path, ignore_errors=True)
        elif path.name in {SCHEMA, STATISTICS, ORIGIN} or _SHARD.fullmatch(path.name):
            path.unlink(missing_ok=True)
