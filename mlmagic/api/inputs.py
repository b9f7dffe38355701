"""The inputs of preprocessing: files, patterns, addresses and DataFrames, checked before a job starts."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlmagic.errors import MissingDependencyError, UsageError, nearest

_FRAMES = "DataFrames of pandas and Polars, and tables of PyArrow"
_BIGQUERY = ("bq://", "bq:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a pipeline is to read."""

    words: tuple[str, ...]
    """Paths, patterns and addresses, as the program takes them."""
    files: Mapping[Path, bytes] = field(default_factory=dict)
    """What has to be written before it can: DataFrames as Parquet."""

    def write(self) -> None:
        """Write the files, for this user alone; one that is there holds the same already."""
        from mlmagic.workspace.files import write_atomic

        for path, content in self.files.items():
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomic(path, content)
                path.chmod(0o600)


def read_inputs(given: object, folder: Path) -> Inputs:
    """Check what is to be read.

    Args:
        given: a path or pattern, an address, a DataFrame, or several of these.
        folder: where DataFrames are going to be written.

    Raises:
        UsageError: nothing is given, or something that matches no file; all are listed.
        MissingDependencyError: an address needs a client that is not installed.
    """
    items = [given] if _is_one(given) else given
    if not isinstance(items, Sequence):
        raise UsageError(f"input must be paths, patterns or a DataFrame, not {type(given).__name__} {given!r:.60}.")
    if not items:
        raise UsageError("input is missing: give a file or a pattern, such as --input 'rides-*.csv'.")
    words: list[str] = []
    files: dict[Path, bytes] = {}
    problems: list[str] = []
    for item in items:
        try:
            word, content = _read(item, folder)
        except UsageError as error:
            problems.append(" ".join(part for part in (error.message, error.hint) if part))
            continue
        words += [word] if word not in words else []
        if content is not None:
            files[Path(word)] = content
    if len(problems) == 1:
        raise UsageError(problems[0])
    if problems:
        raise UsageError("input:", problems=problems)
    return Inputs(words=tuple(words), files=files)


def is_remote(word: str) -> bool:
    """Say whether an input is not on this machine."""
    return "://" in word or word.startswith(_BIGQUERY)


def _is_one(given: object) -> bool:
    return isinstance(given, str | os.PathLike) or not isinstance(given, list | tuple | set | frozenset)


def _read(item: object, folder: Path) -> tuple[str, bytes | None]:
    if isinstance(item, str | os.PathLike):
        return _check_path(os.fspath(item)), None
    content = _parquet(item)
    if content is None:
        raise UsageError(
            f"input cannot be {item!r:.60}, of type {type(item).__name__}.",
            hint=f"It can be paths, patterns, and {_FRAMES}.",
        )
    return str(folder / f"{hashlib.sha256(content).hexdigest()[:32]}.parquet"), content


def _check_path(word: str | bytes) -> str:
    if not isinstance(word, str) or not word.strip() or "\0" in word:
        raise UsageError(f"input {word!r} is no path.")
    if is_remote(word):
        _check_client(word)
        return word
    # The program knows no homes; what is relative stays so, for it runs where the notebook runs.
    word = os.path.expanduser(word)  # noqa: PTH111 - a pattern is no path
    if Path(word).is_dir():
        raise UsageError(f"input {word!r} is a folder.", hint=f"Name its files: {word.rstrip('/')}/*.csv")
    if not Path(word).is_file() and not any(map(os.path.isfile, glob.iglob(word, recursive=True))):  # noqa: PTH207 - absolute ones too
        raise _nothing_there(word)
    return word


def _check_client(word: str) -> None:
    """Check that what reads an address is installed, without importing it."""
    from importlib import metadata

    name = "google-cloud-bigquery" if word.startswith(_BIGQUERY) else "google-cloud-storage"
    if not word.startswith((*_BIGQUERY, "gs://")):
        return  # Beam has other file systems, whose needs it tells
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        raise MissingDependencyError(
            f"input {word!r} needs {name}, which this kernel does not have.",
            hint="Install it: %pip install 'apache-beam[gcp]'",
        ) from None


def _nothing_there(word: str) -> UsageError:
    parent = Path(word).parent
    is_pattern = glob.has_magic(word)
    what = f"input {word!r} matches no file" if is_pattern else f"there is no file {word!r}"
    if not glob.has_magic(str(parent)) and not parent.is_dir():
        return UsageError(f"{what}: there is no folder {str(parent)!r}.", hint=_from_where(word))
    names = [] if glob.has_magic(str(parent)) else sorted(path.name for path in parent.iterdir() if path.is_file())
    near = nearest(Path(word).name, [str(parent / name) if str(parent) != "." else name for name in names])
    near = near or nearest(word, [str(parent / name) for name in names])
    shown = [name for name in names if not name.startswith(".")]
    has = (
        f"{_folder(parent)} has {', '.join(shown[:5])}{', …' if len(shown) > 5 else ''}." if shown and not near else ""
    )
    return UsageError(f"{what}. {near or has}".rstrip(), hint=_from_where(word))


def _folder(parent: Path) -> str:
    return "The folder" if str(parent) == "." else str(parent)


def _from_where(word: str) -> str | None:
    return None if Path(word).is_absolute() else f"Relative paths start in {Path.cwd()}."


def _parquet(item: Any) -> bytes | None:
    """Return a DataFrame as the content of a Parquet file, or None for anything else."""
    import importlib
    import io

    kind = f"{type(item).__module__.partition('.')[0]}.{type(item).__qualname__}"
    buffer = io.BytesIO()
    try:
        if kind == "pandas.DataFrame":
            # The default index is no column; one that has names is.
            item.to_parquet(buffer, engine="pyarrow", index=any(name is not None for name in item.index.names))
        elif kind == "polars.DataFrame":
            item.write_parquet(buffer)
        elif kind == "pyarrow.Table":
            importlib.import_module("pyarrow.parquet").write_table(item, buffer)
        else:
            return None
    except Exception as error:
        raise UsageError(f"input: the {type(item).__name__} cannot be written as Parquet: {error}.") from error
    return buffer.getvalue()
