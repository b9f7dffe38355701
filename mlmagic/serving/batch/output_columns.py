"""`--columns id,target=prediction`: which columns the output has, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.errors import UsageError, nearest

_SHOWN = 30


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of the output."""

    name: str
    source: str
    """A column of the input, or a prediction."""

    def __str__(self) -> str:
        return self.name if self.name == self.source else f"{self.name}={self.source}"


def parse_columns(text: str) -> tuple[OutputColumn, ...]:
    """Read `id,target=prediction`.

    Raises:
        ValueError: with what is wrong.
    """
    picked = []
    for word in text.split(","):
        name, equals, source = (part.strip() for part in word.partition("="))
        if not name or (equals and not source):
            raise ValueError(f"{word.strip()!r} is neither COLUMN nor NAME=COLUMN")
        picked.append(OutputColumn(name, source or name))
    names = [column.name for column in picked]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} stands there twice")
    return tuple(picked)


def resolve_columns(
    picked: Sequence[OutputColumn], inputs: Sequence[str], predictions: Sequence[str]
) -> tuple[OutputColumn, ...]:
    """Return the columns of the output: those that were picked, or all of the input and all predictions.

    Raises:
        UsageError: some are not there, or a prediction is called as a column of the input is.
    """
    if picked:
        return _checked(picked, inputs, predictions)
    if both := [name for name in predictions if name in inputs]:
        raise UsageError(
            f"The input has a column {both[0]} already, and so is the prediction called.",
            hint=f"Choose with --columns what is written, such as --columns {','.join([*inputs[:1], both[0]])}, where "
            f"{both[0]} is the prediction.",
        )
    return tuple(OutputColumn(name, name) for name in (*inputs, *predictions))


def _checked(
    picked: Sequence[OutputColumn], inputs: Sequence[str], predictions: Sequence[str]
) -> tuple[OutputColumn, ...]:
    known = [*predictions, *(name for name in inputs if name not in predictions)]
    problems = []
    for column in picked:
        if column.source in known:
            continue
        hint = nearest(column.source, known)
        if column.name == column.source and len(predictions) == 1:
            hint = hint or f"For the prediction under that name: --columns {column.name}={predictions[0]}."
        problems.append(f"{column.source}: neither a column of the input nor a prediction. {hint}".rstrip())
    if problems:
        told = ", ".join(inputs[:_SHOWN]) + (", …" if len(inputs) > _SHOWN else "")
        raise UsageError(
            "--columns has what is not there.",
            problems=problems,
            hint=f"The input has {told}; predictions are {', '.join(predictions[:_SHOWN])}.",
        )
    return tuple(picked)
