"""Parsed JSON to checked columns, without a Python call for each value where the values are of the types expected.

The slow, exact way is `mlmagic.serving.rows`, which also has the words for what does not fit. Whatever is unusual here
is left to it, so this module only ever says yes or "look closer".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from types import NoneType
from typing import Any

import numpy as np

from mlmagic.serving.columns import to_array
from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.serving.problems import Problems
from mlmagic.serving.values import missing_value
from mlmagic.spec.model import Signature, TensorSpec

Column = Sequence[Any] | np.ndarray[Any, Any]
"""Checked values for one input: an array, or Python's own values that numpy converts without loss or with an error."""

_REMEMBERED_ROWS = 1024
_SCALARS = ((), (1,))


class ColumnCheck:
    """What one input takes."""

    def __init__(self, spec: TensorSpec) -> None:
        self.spec = spec
        self.is_scalar = spec.shape[1:] in _SCALARS
        self.is_wrapped = spec.shape[1:] == (1,)
        self.types = _types(spec.dtype)
        self._with_missing = self.types | {NoneType} if spec.optional else self.types
        self._stand_in = missing_value(spec.dtype) if spec.optional else None
        # numpy has no bfloat16: such a column travels as float32.
        self._dtype = {"string": "object", "bfloat16": "float32"}.get(spec.dtype, spec.dtype)

    def fit(self, values: Sequence[Any]) -> Column | None:
        """Return the values as they can join a batch; None if they need a closer look."""
        if not self.is_scalar:
            return self._tensors(values)
        types = set(map(type, values))
        if types == {list} and self.is_wrapped and set(map(len, values)) == {1}:
            values = [value for (value,) in values]
            types = set(map(type, values))
        if types <= self.types:
            return values
        if types <= self._with_missing:
            return [self._stand_in if value is None else value for value in values]
        return None

    def to_array(self, column: Column) -> np.ndarray[Any, Any]:
        """Return a column as the engine takes it.

        Raises:
            OverflowError: a whole number is out of the input's range.
            FloatingPointError: a number is, where numpy was told to raise for it.
        """
        if isinstance(column, np.ndarray):
            return column
        array = np.array(column, dtype=self._dtype)
        return array.reshape(-1, 1) if self.is_wrapped else array

    def _tensors(self, values: Sequence[Any]) -> Column | None:
        problems = Problems()
        array = to_array(values, self.spec, str, problems)
        return None if len(problems) else array


class Validator:
    """What one signature takes. Compiled once; fit for use from several threads."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.checks = [ColumnCheck(spec) for spec in signature.inputs]
        self.names = [spec.name for spec in signature.inputs]
        self._width = len(self.names)
        self._get: Callable[[Any], Any] | None = itemgetter(*self.names) if self.names else None
        self._absent = {spec.name: None for spec in signature.inputs if spec.optional}
        self._expected = self._absent.keys() - handed_on_inputs(signature)
        self._known_rows: set[tuple[type, ...]] = set()

    def fit_rows(self, instances: list[Any]) -> list[Column] | None:
        """Return a column for each input from instances, of which there is at least one."""
        if self._width == 1:
            return self._fit_values(instances)
        if self._get is None:
            return None
        try:
            # Of what JSON has, only an object can be asked for a name.
            rows = [*map(self._get, instances)]
        except KeyError:
            return self._fit_completed(instances)
        except TypeError:
            return None
        if set(map(len, instances)) != {self._width}:
            return None
        return self._fit_tuples(rows)

    def fit_columns(self, columns: Sequence[Sequence[Any]]) -> list[Column] | None:
        """Return the checked columns, given one for each input."""
        checked = []
        for check, values in zip(self.checks, columns, strict=True):
            column = check.fit(values)
            if column is None:
                return None
            checked.append(column)
        return checked

    def _fit_tuples(self, rows: list[tuple[Any, ...]]) -> list[Column] | None:
        columns = [*zip(*rows, strict=True)]
        if len(rows) > 1:
            return self.fit_columns(columns)
        # One instance is the most frequent request, and most have values of the same types.
        types = (*map(type, rows[0]),)
        if types in self._known_rows:
            return [*columns]
        checked = self.fit_columns(columns)
        if checked is not None and all(map(_is_same, checked, columns)) and len(self._known_rows) < _REMEMBERED_ROWS:
            self._known_rows.add(types)
        return checked

    def _fit_completed(self, instances: list[Any]) -> list[Column] | None:
        """Instances that lack optional inputs."""
        if not self._absent or set(map(type, instances)) != {dict}:
            return None
        if self._expected and not self._expected <= set().union(*instances):
            return None
        completed = [self._absent | instance for instance in instances]
        if set(map(len, completed)) != {self._width} or self._get is None:
            return None
        try:
            return self._fit_tuples([*map(self._get, completed)])
        except KeyError:
            return None

    def _fit_values(self, instances: list[Any]) -> list[Column] | None:
        """Instances of a model with one input, which need not be objects."""
        (name,) = self.names
        if type(instances[0]) is dict:
            if set(map(type, instances)) != {dict} or set(map(len, instances)) != {1}:
                return None
            try:
                instances = [instance[name] for instance in instances]
            except KeyError:
                return None
        return self.fit_columns([instances])


def _types(dtype: str) -> frozenset[type]:
    if dtype == "string":
        return frozenset({str})
    if dtype == "bool":
        return frozenset({bool})
    if "int" in dtype:
        return frozenset({int})
    return frozenset({int, float}) if dtype.startswith(("float", "bfloat")) else frozenset()


def _is_same(one: object, other: object) -> bool:
    return one is other
