"""Which objects a bucket has: names in order, with a prefix, folded at a delimiter, in pages."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlmagic.emulator.errors import invalid
from mlmagic.emulator.storage.names import decode, folders_for
from mlmagic.emulator.storage.rows import Stamp
from mlmagic.emulator.storage.store import ObjectStore, StoredObject

_LARGEST_PAGE = 1000
_GLOB = re.compile(r"\*\*/|\*\*|\[[^\]]+\]|.", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is asked for."""

    prefix: str = ""
    delimiter: str = ""
    include_trailing_delimiter: bool = False
    start: str = ""
    """The first name that may come."""
    end: str = ""
    """The first name that may not."""
    glob: str = ""
    size: int = _LARGEST_PAGE
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is answered."""

    objects: tuple[StoredObject, ...]
    prefixes: tuple[str, ...]
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    name: str
    path: Path | None = None
    is_prefix: bool = False


def walk(bucket: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Yield the name and file of every object whose name begins so, in no order."""
    for folder, name in folders_for(bucket, prefix):
        yield from _below(folder, name, prefix)


def is_empty(bucket: Path) -> bool:
    """Say whether a bucket has no object."""
    return next(walk(bucket), None) is None


def list_objects(store: ObjectStore, bucket: str, asked: Listing) -> Page:
    """Return a page of a bucket's objects and of the prefixes that stand for many.

    Raises:
        ApiError: NOT_FOUND of the bucket; a token or a pattern that cannot be read.
    """
    after, fits = _after(asked.token), _matcher(asked.glob)
    found = [
        (name, path)
        for name, path in walk(store.bucket_folder(bucket), asked.prefix)
        if name >= asked.start and (not asked.end or name < asked.end) and fits(name)
    ]
    shown = _shown(sorted(found, key=lambda pair: pair[0].encode()), asked)
    left = [unit for unit in shown if unit.name.encode() > after.encode()]
    size = min(asked.size or _LARGEST_PAGE, _LARGEST_PAGE)
    page = left[:size]
    objects = (_one(store, bucket, unit.name, unit.path) for unit in page if unit.path is not None)
    return Page(
        objects=tuple(one for one in objects if one is not None),
        prefixes=tuple(unit.name for unit in page if unit.is_prefix),
        token=_token(page[-1].name) if len(left) > size else None,
    )


def _shown(found: list[tuple[str, Path]], asked: Listing) -> Iterable[_Shown]:
    """Return the lines of a list, in its order."""
    lines: dict[str, _Shown] = {}
    for name, path in found:
        prefix = _folded(name, asked)
        if not prefix:
            lines[name] = _Shown(name=name, path=path)
        elif asked.include_trailing_delimiter and name == prefix:
            lines[name] = _Shown(name=name, path=path, is_prefix=True)
        else:
            lines.setdefault(prefix, _Shown(name=prefix, is_prefix=True))
    return lines.values()


def _one(store: ObjectStore, bucket: str, name: str, path: Path) -> StoredObject | None:
    try:
        return store.at(bucket, name, path, Stamp.of(path))
    except FileNotFoundError:
        return None


def _below(folder: Path, name: str, prefix: str) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            whole = name + decode(entry.name, is_folder=is_folder)
            if not _is_text(whole):
                continue
            # What begins with the prefix, or may have below it what does.
            if is_folder and (whole.startswith(prefix) or prefix.startswith(whole)):
                yield from _below(Path(entry.path), whole, prefix)
            elif entry.is_file(follow_symlinks=False) and whole.startswith(prefix):
                yield whole, Path(entry.path)


def _is_text(name: str) -> bool:
    # A job may call a file by bytes that are no text; no object is called so.
    return not any("\udc80" <= letter <= "\udcff" for letter in name)


def _folded(name: str, asked: Listing) -> str:
    """Return the prefix that stands for a name, empty if it stands for itself."""
    if not asked.delimiter:
        return ""
    place = name.find(asked.delimiter, len(asked.prefix))
    return "" if place < 0 else name[: place + len(asked.delimiter)]


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _after(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (ValueError, binascii.Error):
        raise invalid("pageToken", f"Invalid page token: '{token}'") from None


def _matcher(glob: str) -> Callable[[str], object]:
    """Return what says whether a name fits `matchGlob`: `*`, `**`, `?`, `[a-z]`, `{a,b}`."""
    if not glob:
        return bool
    pattern = "".join(_meaning(token) for token in _GLOB.findall(glob))
    try:
        return re.compile(pattern, re.DOTALL).fullmatch
    except re.error:
        raise invalid("matchGlob", f"Invalid glob: '{glob}'") from None


def _meaning(token: str) -> str:
    plain = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}
    if token in plain:
        return plain[token]
    if token.startswith("["):
        return "[" + ("^" if token[1] in "!^" else re.escape(token[1])) + token[2:]
    return re.escape(token)
