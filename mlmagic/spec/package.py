"""A trainer package: the files of a program, and where each of their lines came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlmagic.spec.noun import Noun


class CellShape(StrEnum):
    """What a `%%train` cell is, told by what it defines."""

    BUILD_MODEL = "buildModel"
    TRAIN = "train"
    SCRIPT = "script"
    PREPROCESS = "preprocess"
    """A `%%preprocess` cell: functions and a declaration that a pipeline uses."""
    PREDICT = "predict"
    """Not a cell: a batch prediction."""
    MONITOR = "monitor"
    """Not a cell: monitoring that goes on by itself."""
    GIVEN = "given"
    """Not a cell: a package that somebody else wrote (`--package DIR`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Noun):
    """A flag of the program. `name` is the parameter or constant that it sets."""

    name: str
    option: str
    """As it is typed: `--learning-rate`."""
    type: str
    """`int`, `float`, `str`, `bool` or `Path`; of the items, if it takes several."""
    default: object = None
    """None also where there is none, or where only the program can tell it (`expression`)."""
    expression: str | None = None
    """The default as it is written, if only the program can evaluate it."""
    required: bool = False
    repeated: bool = False
    """It takes any number of values."""
    choices: tuple[object, ...] | None = None
    search: str | None = None
    """The values that tuning tries, as the annotation tells them: `log:1e-4..1e-1`."""
    help: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBlock(Noun):
    """Consecutive lines of a file of the package that are consecutive lines of a notebook cell. Lines count from 1."""

    file: str
    first_line: int
    last_line: int
    cell_number: int | None = None
    cell_id: str | None = None
    cell_first_line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMap(Noun):
    """`mlmagic.json`, beside the package: which lines came from which cell. A given package has no blocks."""

    notebook: str | None = None
    blocks: tuple[SourceBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerPackage(Noun):
    """A program that runs as `python -m <module>` where its files lie."""

    shape: CellShape
    module: str = "trainer.task"
    files: Mapping[str, bytes]
    """Content by path within the package, such as `trainer/model.py`."""
    flags: tuple[Flag, ...] = ()
    """Empty for a given package: nobody but its program knows them."""
    requirements: tuple[str, ...] = ()
    digest: str
    """SHA-256 over names and contents; the cells' execution numbers do not count, so a cell run again is the same."""
    source_map: SourceMap = field(default_factory=SourceMap)
    cold_reason: str | None = None
    """Why it cannot be forked from a process that has imported TensorFlow; None where it can."""
    notes: tuple[str, ...] = ()
    """What was left out or changed, and why; for the user."""
