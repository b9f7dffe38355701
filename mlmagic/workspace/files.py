"""Files that other processes read while we write them: replaced whole, created once, or only appended.

What must outlive a power cut is brought down to the disk as it is written. What is of no use after one, or is told by
something else, is not (`sync=False`): each time costs a third of a millisecond on a fast disk, and ten on a slow one. A
process that is killed leaves the same behind either way.

Folders have mode 0700 and files 0600 whatever the umask is. Failures are plain `OSError`s; `explained` turns them into
a `WorkspaceError` where a user is going to read them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mlmagic.errors import WorkspaceError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)


def is_inside(name: str) -> bool:
    """Say whether a path is a plain relative one that cannot lead out of the folder that it is meant for."""
    path = PurePosixPath(name)
    return str(path) == name and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone; one that exists stays as it is."""
    try:
        _make_one_folder(path)
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None


def _make_one_folder(path: Path) -> None:
    try:
        path.mkdir(0o700)
    except FileNotFoundError:
        make_folder(path.parent)
        path.mkdir(0o700)
    path.chmod(0o700)


def write_new(path: Path, data: bytes | str, mode: int = 0o600, *, sync: bool = True) -> None:
    """Write a file that must not exist yet, down to the disk unless `sync` is false.

    Raises:
        FileExistsError: it exists.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
        os.fchmod(descriptor, mode)
        file.write(_to_bytes(data))
        file.flush()
        if sync:
            os.fsync(descriptor)


def write_atomic(path: Path, data: bytes | str, mode: int = 0o600, *, sync: bool = True) -> None:
    """Replace a file: a reader, or a machine after a power cut, sees all of the old content or all of the new.

    Without `sync` the file may be gone or empty after a power cut; that takes a twentieth of the time.
    """
    with _written_beside(path, data, mode, sync=sync) as temporary:
        temporary.replace(path)
    if sync:
        sync_folder(path.parent)


def create_once(path: Path, data: bytes | str, mode: int = 0o600, *, sync: bool = True) -> bool:
    """Create a file with its content in one step, and say whether this call was the one that did."""
    with _written_beside(path, data, mode, sync=sync) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            return _create_without_link(path, data, mode)
    if sync:
        sync_folder(path.parent)
    return True


def _create_without_link(path: Path, data: bytes | str, mode: int) -> bool:
    # Still exclusive; but a process killed between the two steps leaves an empty file.
    try:
        write_new(path, data, mode)
    except FileExistsError:
        return False
    sync_folder(path.parent)
    return True


@contextlib.contextmanager
def _written_beside(path: Path, data: bytes | str, mode: int, *, sync: bool) -> Iterator[Path]:
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(6)}.tmp")
    try:
        write_new(temporary, data, mode, sync=sync)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def append(path: Path, data: bytes | str, mode: int = 0o600) -> None:
    """Append to a file that others may be appending to, and make it if it is missing."""
    with open(open_to_append(path, mode), "ab") as file:
        file.write(_to_bytes(data))


def open_to_append(path: Path, mode: int = 0o600) -> int:
    """Return a descriptor to read a file and append to it; it is made if it is missing."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    with contextlib.suppress(FileNotFoundError):
        return os.open(path, flags)
    descriptor = os.open(path, flags | os.O_CREAT, mode)
    os.fchmod(descriptor, mode)
    return descriptor


def sync_folder(path: Path) -> None:
    """Bring a folder's entries down to the disk, where its file system can."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data


def tail(path: Path, offset: int = 0, limit: int = 1 << 20) -> tuple[bytes, int]:
    """Return what a growing file has from an offset on, and the offset to ask for next.

    A file that is missing has nothing yet; one that became shorter is read from its beginning.
    """
    try:
        with path.open("rb") as file:
            if offset > os.fstat(file.fileno()).st_size:
                offset = 0
            file.seek(offset)
            data = file.read(limit)
    except FileNotFoundError:
        return b"", 0
    return data, offset + len(data)


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn an `OSError` into a `WorkspaceError` that says what could not be done, why, and what to do about it.

    Raises:
        WorkspaceError: in place of the `OSError`.
    """
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or str(error)
        raise WorkspaceError(f"cannot {doing}: {reason}{where}.", hint=_what_to_do(error.errno)) from error


def _what_to_do(code: int | None) -> str | None:
    if code in _FULL:
        return "The disk is full: free some space and run it again."
    if code in _FORBIDDEN:
        return "Make the folder writable, or choose another one with the environment variable MLMAGIC_HOME."
    return None
