"""Cloud Storage as a container sees it: `/gcs/<bucket>/…`, here the folder of the emulator's buckets."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from mlmagic.emulator.storage.names import existing

# Not within a longer path or an address: `/home/gcs/x`, `https://h/gcs/x`.
_MOUNT = re.compile(r"(?<![\w.~/-])/gcs(?=/)")
_PLAIN = re.compile(r"[\w./-]+", re.ASCII)


def with_local_paths(text: str, buckets: str) -> str:
    """Return a word or a command line with the buckets' folder in the place of `/gcs`."""
    return _MOUNT.sub(lambda _: buckets, text)


def local_path(uri: str, buckets: Path) -> Path:
    """Return where an object, or a folder of objects, of `gs://bucket/name` lies.

    Raises:
        ValueError: the address has another form.
    """
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    parts = [part for part in name.split("/") if part]
    if not uri.startswith("gs://") or not bucket or {".", ".."} & {bucket, *parts}:
        raise ValueError(f"{uri!r} is no address of Cloud Storage, such as gs://bucket/name")
    return buckets.joinpath(bucket, *parts)


def object_path(uri: str, buckets: Path) -> Path | None:
    """Return the file that is an object, whatever its name; None if there is no such object."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return existing(buckets / bucket, name) if name else None


def plain_folder(buckets: Path) -> str:
    """Return a name for the folder that means the same within a user's shell command: no spaces, no quotes."""
    if _PLAIN.fullmatch(str(buckets)):
        return str(buckets)
    link = Path(tempfile.mkdtemp(prefix="mlm-gcs-")) / "gcs"
    link.symlink_to(buckets)
    return str(link)
