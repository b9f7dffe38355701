"""What machines cost, as the user says: mlmagic ships no prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date as Date  # noqa: N812 - a field below has the name

from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList(Noun):
    """`prices.toml`: amounts per hour, of which it is known whose word they are and how old."""

    currency: str
    """Three capital letters, such as `USD`."""
    source: str
    """Where the user has the amounts from."""
    date: Date
    """Of when they are."""
    machines: Mapping[str, float] = field(default_factory=dict)
    """Machine type → amount of one machine for an hour."""
    accelerators: Mapping[str, float] = field(default_factory=dict)
    """Accelerator type, by Google's name → amount of one for an hour."""

    @property
    def origin(self) -> str:
        """Whose word the amounts are, as it is shown with each of them."""
        return f"{self.source}, {self.date.isoformat()}"

    def hourly(self, machine_type: str, accelerator_type: str | None = None, accelerators: int = 0) -> float | None:
        """Return what a machine costs for an hour; None where a price of it is not known."""
        machine = self.machines.get(machine_type)
        if machine is None or accelerator_type is None:
            return machine
        accelerator = self.accelerators.get(accelerator_type)
        return None if accelerator is None else machine + accelerators * accelerator
