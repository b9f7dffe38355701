"""Where the workers of a pipeline leave what they have predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.source import Unit
from mlmagic.serving.batch.asking import Asker
from mlmagic.serving.batch.manifest import Shard
from mlmagic.serving.batch.plan import Plan
from mlmagic.serving.batch.target import Target
from mlmagic.serving.batch.unit import Told, predict_unit
from mlmagic.serving.batch.work import Work


class Place(Protocol):
    """One kind of it. It travels to workers."""

    def predict(self, plan: Plan, unit: Unit, asker: Asker, told: Told) -> Shard:
        """Predict the rows of a unit; a file is there whole or not at all. Errors are those of `predict_unit`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlace:
    """The output itself, on this machine, of a run that holds its lock."""

    target: Target
    kind: Format
    units: int

    def predict(self, plan: Plan, unit: Unit, asker: Asker, told: Told) -> Shard:
        """See `Place.predict`."""
        return Shard(record=predict_unit(plan, unit, asker, Work(self.target, self.kind, self.units), told))
