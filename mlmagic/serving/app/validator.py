"""Parsed JSON to checked columns, without a Python call for each value where the values are of the types expected.

The slow, exact way is `mlmagic.serving.rows`, which also has the words for what does not fit. Whatever is unusual here
is left to it, so this module only ever says yes or "look closer". Most of the checking is `struct.pack`: it takes
numbers of the right kind and range and nothing else, four times as fast as numpy makes an array of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from operator import itemgetter
from types import NoneType
from typing import Any

import numpy as np

from mlmagic.serving.columns import to_array
from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.serving.problems import Problems
from mlmagic.serving.values import missing_value
from mlmagic.spec.model import Signature, TensorSpec

Array = np.ndarray[Any, Any]
Row = tuple[Any, ...]
"""Values for all inputs, of types that fit; numbers may still be out of range."""

MISFITS = (struct.error, OverflowError)
"""What `ColumnCheck.to_array` raises."""

_CODES = {"float16": "e", "float32": "f", "bfloat16": "f", "float64": "d", "int8": "b", "int16": "h", "int32": "i"}
_CODES |= {"int64": "q", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q"}
_MOST_KNOWN_ROWS = 1024
_EMPTY: Array = np.empty(0)


class ColumnCheck:
    """What one input takes."""

    def __init__(self, spec: TensorSpec) -> None:
        self.spec = spec
        item_shape = spec.shape[1:]
        self.is_scalar = item_shape in {(), (1,)}
        self.types = _types(spec.dtype) if self.is_scalar else frozenset()
        self.missing = missing_value(spec.dtype) if spec.optional else None
        """What stands for a missing value."""
        self.is_wrapped = item_shape == (1,)
        self._item_shape = item_shape
        self.code = _CODES.get(spec.dtype)
        # numpy has no bfloat16: such a column travels as float32.
        self.dtype = np.dtype({"string": "object", "bfloat16": "float32"}.get(spec.dtype, spec.dtype))

    def fit(self, values: Sequence[Any]) -> Array | None:
        """Return the values as an array; None if they need a closer look."""
        if not self.is_scalar:
            return self._fit_tensors(values)
        try:
            if self.code is not None or set(map(type, values)) <= self.types:
                return self.to_array(values)
        except MISFITS:
            pass  # perhaps they are wrapped, or some are missing
        types = set(map(type, values))
        if types == {list} and self.is_wrapped and set(map(len, values)) == {1}:
            values = [*chain.from_iterable(values)]
            types = set(map(type, values))
        if NoneType in types and self.missing is not None:
            values = [self.missing if value is None else value for value in values]
            types.discard(NoneType)
        try:
            return self.to_array(values) if types <= self.types else None
        except MISFITS:
            return None

    def to_array(self, values: Sequence[Any]) -> Array:
        """Return single values of JSON, of `types` if they are not to be numbers, as the engine takes them.

        Raises:
            struct.error: a value is no number, no whole number or out of range.
            OverflowError: a number is out of range.
        """
        if self.code is None:
            array = np.array(values, dtype=self.dtype)
        else:
            array = np.frombuffer(struct.pack(f"={len(values)}{self.code}", *values), dtype=self.dtype)
        return array.reshape(-1, 1) if self.is_wrapped else array

    def _fit_tensors(self, values: Sequence[Any]) -> Array | None:
        if self.code is None:
            problems = Problems()
            array = to_array(values, self.spec, str, problems)
            return None if len(problems) else array
        shape = [len(values)]
        try:
            for size in self._item_shape:
                lengths = set(map(len, values))
                length = lengths.pop()
                # A text or an object of no length would pass for an empty list; of any other, the items are no numbers.
                if lengths or not length or size not in {None, length}:
                    return None
                values = [*chain.from_iterable(values)]
                shape.append(length)
            packed = struct.pack(f"={len(values)}{self.code}", *values)
        except (TypeError, *MISFITS):
            return None
        return np.frombuffer(packed, dtype=self.dtype).reshape(shape)


class Validator:
    """What one signature takes. Compiled once."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.names = [spec.name for spec in signature.inputs]
        self.checks = [ColumnCheck(spec) for spec in signature.inputs]
        self._width = len(self.names)
        self._get: Callable[[Any], Row] = itemgetter(*self.names) if self._width > 1 else tuple
        self._absent = {spec.name: None for spec in signature.inputs if spec.optional}
        self._expected = self._absent.keys() - handed_on_inputs(signature)
        self._known_rows: dict[Row, list[int]] = {}
        # Inputs of one kind become arrays together, and then parts of one: a third of what each by itself costs.
        alike: dict[Hashable, list[int]] = {}
        for place, check in enumerate(self.checks):
            alike.setdefault((check.code, check.dtype, check.is_wrapped), []).append(place)
        self._alike = [(self.checks[places[0]], places) for places in alike.values()]

    def fit_row(self, instance: Any) -> Row | None:
        """Return the values of the one instance of a request; None if it needs a closer look."""
        if self._width < 2 or type(instance) is not dict or len(instance) != self._width:
            return None
        try:
            row = self._get(instance)
        except KeyError:
            return None
        types = (*map(type, row),)
        missing = self._known_rows.get(types)
        if missing is None:
            missing = self._learn(types)
        if not missing:
            return row if missing is not None else None
        values = [*row]
        for place in missing:
            values[place] = self.checks[place].missing
        return (*values,)

    def to_columns(self, rows: Sequence[Row]) -> list[Array]:
        """Return a column for each input from rows that `fit_row` returned.

        Raises:
            struct.error: a number is out of range.
            OverflowError: a number is out of range.
        """
        values = [*zip(*rows, strict=True)]
        columns: list[Array] = [_EMPTY] * self._width
        for check, places in self._alike:
            block = check.to_array([*chain.from_iterable([values[place] for place in places])])
            size = len(rows)
            for number, place in enumerate(places):
                columns[place] = block[number * size : (number + 1) * size]
        return columns

    def fit_rows(self, instances: list[Any]) -> list[Array] | None:
        """Return a column for each input from instances, of which there is at least one."""
        if self._width < 2:
            return self._fit_values(instances) if self._width else None
        try:
            # Of what JSON has, only an object can be asked for a name.
            rows = [*map(self._get, instances)]
        except KeyError:
            return self._fit_completed(instances)
        except TypeError:
            return None
        # Then it has all inputs, and so many keys that there is no other.
        return self.fit_columns([*zip(*rows, strict=True)]) if set(map(len, instances)) == {self._width} else None

    def fit_columns(self, columns: Sequence[Sequence[Any]]) -> list[Array] | None:
        """Return the columns as arrays, given one for each input."""
        checked = []
        for check, values in zip(self.checks, columns, strict=True):
            column = check.fit(values)
            if column is None:
                return None
            checked.append(column)
        return checked

    def _learn(self, types: Row) -> list[int] | None:
        """Return where values are missing in rows of such types; None if these are not those of the inputs."""
        missing = [
            place
            for place, (kind, check) in enumerate(zip(types, self.checks, strict=True))
            if kind is NoneType and check.missing is not None and check.is_scalar
        ]
        fits = all(kind in check.types for kind, check in zip(types, self.checks, strict=True) if kind is not NoneType)
        if not fits or len(missing) != types.count(NoneType):
            return None
        if len(self._known_rows) < _MOST_KNOWN_ROWS:
            self._known_rows[types] = missing
        return missing

    def _fit_completed(self, instances: list[Any]) -> list[Array] | None:
        """Instances that lack optional inputs, which are missing then, unless all lack one that ought to be there."""
        if not self._absent or set(map(type, instances)) != {dict} or not self._expected <= set().union(*instances):
            return None
        completed = [self._absent | instance for instance in instances]
        if set(map(len, completed)) != {self._width}:
            return None
        try:
            return self.fit_columns([*zip(*map(self._get, completed), strict=True)])
        except KeyError:
            return None

    def _fit_values(self, instances: list[Any]) -> list[Array] | None:
        """Instances of a model with one input, which need not be objects."""
        (name,) = self.names
        if type(instances[0]) is dict:
            try:
                if set(map(len, instances)) != {1}:
                    return None
                instances = [instance[name] for instance in instances]
            except (KeyError, TypeError):
                return None
        return self.fit_columns([instances])


def _types(dtype: str) -> frozenset[type]:
    if dtype in {"string", "bool"}:
        return frozenset({str if dtype == "string" else bool})
    if dtype not in _CODES:
        return frozenset()
    return frozenset({int}) if "int" in dtype else frozenset({int, float})
