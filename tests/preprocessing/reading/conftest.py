"""How the tests of reading read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pytest

from mlmagic.preprocessing.reading import text, units
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.plan import plan_source
from mlmagic.preprocessing.reading.reader import read_unit
from mlmagic.preprocessing.reading.rejections import Rejection, Tally
from mlmagic.preprocessing.reading.source import Source
from mlmagic.spec.dataset import ColumnType


@dataclass
class Read:
    """All that reading gave."""

    source: Source
    table: pa.Table
    rejected: list[Rejection]
    bytes_done: int

    @property
    def tally(self) -> Tally:
        tally = Tally()
        tally.add(self.rejected)
        return tally

    @property
    def types(self) -> dict[str, str]:
        return {column.name: str(column.type) for column in self.source.columns}

    def rows(self) -> list[list[object]]:
        """In the order of the files."""
        return [list(row.values()) for row in self.table.to_pylist()]


Reader = Callable[..., Read]


def read_all(patterns: Sequence[object], **options: object) -> Read:
    types = {name: ColumnType(kind) for name, kind in options.pop("types", {}).items()}
    source = plan_source([str(pattern) for pattern in patterns], ReadOptions(types=types, **options))
    raws = [raw for unit in source.units for raw in read_unit(source, unit)]
    table = pa.Table.from_batches([raw.batch for raw in raws], schema=source.schema)
    rejected = [row for raw in raws for row in raw.rejected]
    return Read(source, table, rejected, sum(raw.bytes_done for raw in raws))


@pytest.fixture
def read() -> Reader:
    return read_all


@pytest.fixture
def read_in_bits(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Reads the same in as many units and blocks as the rows allow."""

    def read_small(patterns: Sequence[object], **options: object) -> Read:
        with monkeypatch.context() as patch:
            patch.setattr(text, "BLOCK", 16)
            patch.setattr(units, "SMALLEST", 8)
            patch.setattr(units, "LARGEST", 24)
            return read_all(patterns, **options)

    return read_small
