"""The `inputs` of a request, a column for each input, to checked columns."""

from __future__ import annotations

import contextlib
from typing import Any

from mlmagic.errors import nearest
from mlmagic.serving.app.validator import Array, Validator
from mlmagic.serving.columns import Path, to_array
from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.serving.problems import EnoughError, Problems
from mlmagic.serving.values import told


class Inputs:
    """Values for each input, not yet checked."""

    def __init__(self, validator: Validator, inputs: Any) -> None:
        self._validator = validator
        self._problems = Problems()
        self._is_bare = len(validator.names) == 1 and not (isinstance(inputs, dict) and validator.names[0] in inputs)
        self._values: dict[str, list[Any]] = {}
        with contextlib.suppress(EnoughError):
            self._read(inputs)
        self.count = max(map(len, self._values.values()), default=0)

    def fit(self) -> list[Array] | None:
        """Return the checked columns; None if they need a closer look."""
        values = [self._values.get(name) for name in self._validator.names]
        columns = [column for column in values if column is not None and len(column) == self.count]
        if len(self._problems) or len(columns) < len(values):
            return None
        return self._validator.fit_columns(columns)

    def look_closer(self, label: str) -> list[Array]:
        """Return the checked columns.

        Raises:
            PredictionError: what does not fit, all of it.
        """
        arrays: list[Array | None] = []
        if not self._problems.is_full:
            with contextlib.suppress(EnoughError):
                self._check_lengths()
                arrays += [
                    to_array(self._values[spec.name], spec, self._path(spec.name), self._problems)
                    for spec in self._validator.signature.inputs
                    if spec.name in self._values
                ]
        self._problems.finish(label, self._validator.signature)
        return [array for array in arrays if array is not None]

    def _check_lengths(self) -> None:
        for name, values in self._values.items():
            if len(values) != self.count:
                longest = next(other for other, column in self._values.items() if len(column) == self.count)
                self._problems.add(
                    f"{self._name(name)}: expected {self.count} values, as {self._name(longest)} has, got {len(values)}"
                )

    def _read(self, inputs: Any) -> None:
        names = self._validator.names
        if self._is_bare:
            inputs = {names[0]: inputs}
        elif not isinstance(inputs, dict):
            self._problems.add(f"inputs: expected an object with a list for each input, got {told(inputs)}")
            return
        found = self._values
        for name, values in inputs.items():
            if name not in names:
                hint = "" if self._problems.is_full else nearest(name, names)
                self._problems.add(f"inputs.{name}: the model has no such input. {hint}".rstrip())
            elif not isinstance(values, list):
                self._problems.add(
                    f"{self._name(name)}: expected a list with a value for each instance, got {told(values)}"
                )
            else:
                found[name] = values
        count = max(map(len, found.values()), default=0)
        handed_on = handed_on_inputs(self._validator.signature)
        for spec in self._validator.signature.inputs:
            if spec.name in inputs:
                continue
            if spec.name in handed_on:
                found[spec.name] = [None] * count
                continue
            hint = "; a list of null says that its values are" if spec.optional else ""
            self._problems.add(f"inputs.{spec.name} is missing{hint}")

    def _name(self, name: str) -> str:
        return "inputs" if self._is_bare else f"inputs.{name}"

    def _path(self, name: str) -> Path:
        return lambda i: f"{self._name(name)}[{i}]"
