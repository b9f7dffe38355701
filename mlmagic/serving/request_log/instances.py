"""Logged bodies to columns: a value for each instance, as monitoring takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Integers: TypeAlias = npt.NDArray[np.int64]

_BLOCK_BYTES = 8 << 20
"""Of bodies that are parsed together: what is computed on the way takes several times as much."""
_COLUMNS = ("request_payload", "response_payload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """Arrow arrays of the same length; null where an instance has no such input."""

    inputs: dict[str, Any] = field(default_factory=dict)
    predictions: dict[str, Any] = field(default_factory=dict)
    """By the name of the output; `prediction` where the model has one."""
    requests: Integers
    """For each instance the place of its request in the table."""
    skipped: int = 0
    """Requests of other forms: serialized examples, tensors without names, or nested very deeply."""

    @property
    def rows(self) -> int:
        """How many instances."""
        return len(self.requests)


def instances_of(
    table: pa.Table, *, only_input: str | None = None, version: str | None = None, key: str | None = None
) -> Iterator[Instances]:
    """Yield the instances of a table of the log, a block of requests at a time.

    Args:
        table: as `read_parts` gives it.
        only_input: what the input is called whose values come without a name, if the model has only one.
        version: only those that this version answered, such as `"3"`.
        key: an input that names an instance, of whose whole numbers every digit matters.
    """
    import numpy as np

    from mlmagic.monitoring.bodies import OddBodiesError, read_bodies
    from mlmagic.monitoring.odd_bodies import read_odd_bodies

    for places, requests, replies in _blocks(table, version):
        try:
            blocks = read_bodies(requests, replies, only_input, key)
        except OddBodiesError:
            blocks = [read_odd_bodies(requests, replies, only_input)]
        skipped = len(places)
        for inputs, predictions, rows in blocks:
            skipped -= len(np.unique(rows))
            yield Instances(inputs=inputs, predictions=predictions, requests=places[rows])
        if skipped:
            yield Instances(requests=places[:0], skipped=skipped)


def _blocks(table: pa.Table, version: str | None) -> Iterator[tuple[Integers, Any, Any]]:
    """Yield requests and replies as arrays of text of some MiB together, and where in the table they are."""
    import numpy as np
    import pyarrow.compute as pc

    places = np.arange(table.num_rows)
    bodies = table.select(_COLUMNS)
    if version is not None:
        is_chosen = pc.equal(table.column("deployed_model_id"), version)
        places, bodies = places[is_chosen.to_numpy()], bodies.filter(is_chosen)
    if not len(places):
        return
    sizes = sum(pc.binary_length(bodies.column(name)).to_numpy().astype(np.int64) for name in _COLUMNS)
    # Of neighbours with the same quotient; one that is large is in a block that is larger by as much.
    numbers = np.cumsum(sizes) // _BLOCK_BYTES
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(places)], strict=True):
        block = bodies.slice(start, stop - start)
        requests, replies = (block.column(name).combine_chunks() for name in _COLUMNS)
        yield places[start:stop], requests, replies
