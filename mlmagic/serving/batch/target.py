"""Where predictions go: a folder of many files, or one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import UsageError
from mlmagic.preprocessing.reading.options import Format

_ENDINGS = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}
_SIMILAR = frozenset(
    {".arrow", ".bz2", ".feather", ".gz", ".json", ".tab", ".tfrecord", ".tsv", ".txt", ".xls", ".xlsx", ".zip"}
)
FILE_ENDINGS = {Format.CSV: ".csv", Format.JSONL: ".jsonl", Format.PARQUET: ".parquet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to."""

    path: Path
    format: Format | None = None
    """Of the one file; None for a folder, whose files are of the input's format."""

    @property
    def is_file(self) -> bool:
        """Whether all predictions go into one file."""
        return self.format is not None

    @property
    def work(self) -> Path:
        """The folder of what is finished so far, from which a run that is repeated goes on."""
        return self.path.with_name(f".{self.path.name}.parts") if self.is_file else self.path / ".parts"

    @property
    def shards(self) -> Path:
        """The folder of finished shards."""
        return self.work if self.is_file else self.path

    @property
    def errors(self) -> Path:
        """The folder of the rows that were rejected."""
        return self.path.with_name(f"{self.path.stem}-errors") if self.is_file else self.path / "errors"


def read_target(word: str) -> Target:
    """Tell a folder from a file.

    Raises:
        UsageError: it names a file of a format that is not written, or something that is in the way.
    """
    path = Path(word)
    if not word.strip() or "\0" in word:
        raise UsageError(f"--output {word!r}: is no path")
    if "://" in word:
        raise UsageError(f"--output {word}: a folder or a file of this machine is needed")
    ending = path.suffix.lower()
    if ending in _SIMILAR:
        raise UsageError(f"--output {word}: files of predictions end in .csv, .jsonl or .parquet")
    kind = _ENDINGS.get(ending)
    if word.endswith("/"):
        kind = None
    if kind is not None and path.is_dir():
        raise UsageError(f"--output {word}: is a folder; write it as {word}/, or name a file in it")
    if kind is None and path.exists() and not path.is_dir():
        raise UsageError(f"--output {word}: is a file; name a folder, or a file that ends in .csv, .jsonl or .parquet")
    return Target(path=path, format=kind)
