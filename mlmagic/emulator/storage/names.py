"""Object names ↔ paths below a bucket's folder. An ordinary name is its own path.

What a file system cannot have, or what would lead out of the bucket, gets a mark that no ordinary part begins with:

    `%~part`   an empty part, `.`, `..`, or one that begins with a mark itself
    `%+piece`  the beginning of a part that is longer than a file's name may be; the rest is the next level
    `%@part`   a folder whose own name a file has already
    `%=part`   a file whose own name a folder has already
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mlmagic.emulator.errors import ApiError, invalid

_ODD, _PIECE, _FOLDER, _FILE = "%~", "%+", "%@", "%="
_MARKS = (_ODD, _PIECE, _FOLDER, _FILE)
_LONGEST_NAME = 1024
_LONGEST_PART = 240
"""Bytes, so that a mark fits beside it."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_FORBIDDEN = re.compile(r"[\0\r\n]")


def check_bucket_name(name: str) -> None:
    """Refuse a bucket's name as Cloud Storage does.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    if not _BUCKET.fullmatch(name) or ".." in name or name.startswith("goog"):
        raise invalid("name", f"Invalid bucket name: '{name}'")


def check_object_name(name: str) -> None:
    """Refuse an object's name as Cloud Storage does, and NUL, which no path can have.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise invalid("name", "Invalid object name: it is not valid Unicode.") from None
    if not name:
        raise ApiError(status="INVALID_ARGUMENT", message="Required")
    if length > _LONGEST_NAME:
        raise invalid("name", f"The maximum object length is {_LONGEST_NAME} characters, but got a name with {length}.")
    if name in {".", ".."} or _FORBIDDEN.search(name) or name.startswith(".well-known/acme-challenge/"):
        raise invalid("name", f"Disallowed unicode characters present in object name '{name[:100]!r}'")


def existing(bucket: Path, name: str) -> Path | None:
    """Return the file that is an object, or None."""
    *folders, last = _levels(name)
    for folder in _existing_folders(bucket, folders):
        for path in (folder / last, folder / (_FILE + last)):
            if path.is_file() and not path.is_symlink():
                return path
    return None


def place_for(bucket: Path, name: str) -> Path:
    """Return where a new object's file belongs; folders above it may be missing."""
    *folders, last = _levels(name)
    folder = bucket
    for part in folders:
        plain = folder / part
        # A link, too, is not to be followed.
        folder = folder / (_FOLDER + part) if plain.is_symlink() or plain.is_file() else plain
    plain = folder / last
    return folder / (_FILE + last) if plain.is_symlink() or plain.is_dir() else plain


def folders_for(bucket: Path, prefix: str) -> list[tuple[Path, str]]:
    """Return the folders in which all objects are whose names begin so, each with the name that it stands for."""
    whole = prefix.rpartition("/")[0]
    if not whole:
        return [(bucket, "")]
    return [(folder, f"{whole}/") for folder in _existing_folders(bucket, _levels(whole))]


def decode(name: str, *, is_folder: bool) -> str:
    """Return what a file or folder adds to the name of an object; a folder adds its slash."""
    if name.startswith(_PIECE) and is_folder:
        return name.removeprefix(_PIECE)
    for mark in (_FOLDER if is_folder else _FILE, _ODD):
        name = name.removeprefix(mark)
    return f"{name}/" if is_folder else name


def _levels(name: str) -> list[str]:
    return [level for part in name.split("/") for level in _pieces(part)]


def _pieces(part: str) -> Iterator[str]:
    while len(part.encode()) > _LONGEST_PART:
        piece = part.encode()[:_LONGEST_PART].decode("utf-8", "ignore")
        yield _PIECE + piece
        part = part.removeprefix(piece)
    yield _ODD + part if part in {"", ".", ".."} or part.startswith(_MARKS) else part


def _existing_folders(folder: Path, levels: list[str]) -> list[Path]:
    found = [folder]
    for level in levels:
        found = [
            path
            for above in found
            for path in (above / level, above / (_FOLDER + level))
            if path.is_dir() and not path.is_symlink()
        ]
    return found
