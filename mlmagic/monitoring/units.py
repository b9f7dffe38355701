"""Units that are mistaken for each other, and how their numbers are converted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conversion:
    """From one unit to another: times `factor`, plus `offset`."""

    source: str
    target: str
    factor: float
    offset: float = 0.0

    def __str__(self) -> str:
        return f"{self.source} to {self.target}"

    @property
    def inverse(self) -> Conversion:
        """The way back."""
        return Conversion(self.target, self.source, 1 / self.factor, -self.offset / self.factor)


_ONE_WAY = (
    Conversion("miles", "kilometres", 1.609344),
    Conversion("nautical miles", "kilometres", 1.852),
    Conversion("miles", "metres", 1609.344),
    Conversion("feet", "metres", 0.3048),
    Conversion("yards", "metres", 0.9144),
    Conversion("inches", "centimetres", 2.54),
    Conversion("feet", "inches", 12),
    Conversion("pounds", "kilograms", 0.45359237),
    Conversion("ounces", "grams", 28.349523),
    Conversion("gallons", "litres", 3.785412),
    Conversion("metres per second", "kilometres per hour", 3.6),
    Conversion("minutes", "seconds", 60),
    Conversion("hours", "seconds", 3600),
    Conversion("days", "hours", 24),
    Conversion("fractions", "percent", 100),
    Conversion("thousands", "ones", 1000),
    Conversion("millions", "ones", 1_000_000),
    Conversion("degrees Celsius", "degrees Fahrenheit", 1.8, 32),
    Conversion("degrees Celsius", "kelvins", 1, 273.15),
)

CONVERSIONS = tuple(each for conversion in _ONE_WAY for each in (conversion, conversion.inverse))
