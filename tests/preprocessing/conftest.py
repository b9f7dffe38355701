"""Runs of the program in this process, with cells of their own, and what they wrote."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmagic.preprocessing.main import main
from mlmagic.spec.codec import loads
from mlmagic.spec.dataset import DatasetOrigin, DatasetSchema
from mlmagic.spec.statistics import DatasetStatistics


@dataclass(frozen=True)
class Dataset:
    """A finished folder."""

    folder: Path

    @property
    def schema(self) -> DatasetSchema:
        return loads(DatasetSchema, (self.folder / "schema.json").read_text("utf-8"))

    @property
    def statistics(self) -> DatasetStatistics:
        return loads(DatasetStatistics, (self.folder / "statistics.json").read_text("utf-8"))

    @property
    def origin(self) -> DatasetOrigin:
        return loads(DatasetOrigin, (self.folder / "origin.json").read_text("utf-8"))

    def shards(self, split: str) -> list[Path]:
        return sorted(self.folder.glob(f"{split}-*-of-*.parquet"))

    def table(self, split: str) -> pa.Table:
        return pa.concat_tables([pq.read_table(shard) for shard in self.shards(split)])

    def rows(self, split: str) -> list[dict[str, object]]:
        return self.table(split).to_pylist() if self.shards(split) else []


Preprocess = Callable[..., Dataset]


@pytest.fixture
def write_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write the module of a cell, and return its name."""
    made: list[str] = []

    def write(text: str) -> str:
        name = f"cell_{tmp_path.name}_{len(made)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")
        made.append(name)
        return name

    monkeypatch.syspath_prepend(str(tmp_path))
    yield write
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def preprocess(tmp_path: Path, write_cell: Callable[[str], str]) -> Preprocess:
    """Run the program here: the files, then the flags; the output is a new folder each time."""
    made: list[Path] = []

    def run(*words: object, cell: str = "") -> Dataset:
        output = tmp_path / f"dataset-{len(made)}"
        made.append(output)
        main(write_cell(cell), ["--output", str(output), "--input", *map(str, words)])
        return Dataset(output)

    return run
