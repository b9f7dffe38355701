"""Instances, in any of the forms that a notebook has them in, to one array for each input of the model."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlmagic.errors import PredictionError, nearest
from mlmagic.serving.columns import Path, to_array
from mlmagic.serving.frame_columns import frame_columns, handed_on_inputs
from mlmagic.serving.problems import EnoughError, Problems, describe_inputs
from mlmagic.serving.texts import parse_instances
from mlmagic.spec.model import Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Instances that fit the model."""

    columns: Mapping[str, Any]
    """An array for each input; the first dimension counts instances."""
    count: int
    index: Any = None
    """The pandas index of the result, if the instances had one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The values for one input, before they are checked."""

    values: Any
    path: Path
    is_frame: bool = False


def read_rows(instances: Any, signature: Signature, label: str) -> Rows:
    """Return the instances as the model takes them.

    Args:
        instances: see `mlmagic.predict`.
        signature: of the model.
        label: what errors call the model.

    Raises:
        PredictionError: what does not fit, all of it.
    """
    reader = _Reader(signature, label)
    columns: Mapping[str, Column] = {}
    arrays, count, index = {}, 0, None
    with contextlib.suppress(EnoughError):
        columns, count, index = reader.read(instances)
        arrays = {
            spec.name: to_array(column.values, spec, column.path, reader.problems, is_frame=column.is_frame)
            for spec in signature.inputs
            if (column := columns.get(spec.name)) is not None
        }
    reader.problems.finish(label, signature)
    return Rows(columns=arrays, count=count, index=index)


Read = tuple[dict[str, Column], int, Any]


class _Reader:
    """Finds out what form the instances have; notes problems of structure."""

    def __init__(self, signature: Signature, label: str) -> None:
        self.problems = Problems()
        self._signature = signature
        self._inputs = {spec.name: spec for spec in signature.inputs}
        self._label = label

    def read(self, instances: Any) -> Read:
        if isinstance(instances, str | bytes | bytearray):
            instances = parse_instances(instances, self._signature)
        pandas = sys.modules.get("pandas")
        if pandas is not None and isinstance(instances, pandas.DataFrame):
            return self._read_frame(instances)
        if pandas is not None and isinstance(instances, pandas.Series):
            return self._read_series(instances)
        if isinstance(instances, Mapping):
            return self._read_mapping(instances)
        if hasattr(instances, "__array__"):
            import numpy as np

            instances = np.asarray(instances)
            return self._read_values(instances if instances.ndim else instances.reshape(1))
        if isinstance(instances, Sequence):
            # An empty list has no instances of any form.
            has_dicts = any(isinstance(instance, Mapping) for instance in instances or [{}])
            return self._read_dicts(instances) if has_dicts else self._read_values(instances)
        raise PredictionError(
            f"the instances for {self._label} are of type {type(instances).__name__}, which it cannot take.",
            hint="Give a DataFrame, a list of dicts, one dict, a list or array of values, or JSON, YAML or CSV text.",
        )

    def _read_mapping(self, request: Mapping[str, Any]) -> Read:
        """One instance, or a request body with several."""
        if "instances" not in request or "instances" in self._inputs:
            return self._read_dicts([request])
        for key in request.keys() - {"instances"}:
            self.problems.add(f"{key}: a request has instances and nothing else")
        if not isinstance(request["instances"], list | tuple):
            raise PredictionError(f'"instances" must be a list, not {type(request["instances"]).__name__}.')
        return self.read(request["instances"])

    def _read_frame(self, frame: Any) -> Read:
        found = frame_columns(frame, self._signature, self.problems)
        columns = {name: Column(values=values, path=_path(name), is_frame=True) for name, values in found.items()}
        return columns, len(frame), frame.index

    def _read_series(self, series: Any) -> Read:
        """A row, whose labels are inputs, or else a column."""
        import pandas as pd

        if not self._inputs.keys().isdisjoint(series.index):
            index = None if series.name is None else pd.Index([series.name])
            return self._read_dicts([{**series}], is_frame=True, index=index)
        return self._read_frame(series.to_frame(*self._inputs) if len(self._inputs) == 1 else series.to_frame())

    def _read_dicts(self, instances: Sequence[Any], *, is_frame: bool = False, index: Any = None) -> Read:
        present: dict[str, list[int]] = {name: [] for name in self._inputs}
        for i, instance in enumerate(instances):
            if not isinstance(instance, Mapping):
                self.problems.add(f"instances[{i}]: expected an object with the inputs, got {type(instance).__name__}")
                continue
            if not is_frame and instance.keys() - self._inputs.keys():
                self._note_unknown(i, instance)
            for name, positions in present.items():
                if name in instance:
                    positions.append(i)
                elif not self._inputs[name].optional:
                    self.problems.add(f"instances[{i}].{name} is missing")
        columns = {
            name: Column(
                values=[instances[i].get(name) for i in positions], path=_path(name, positions), is_frame=is_frame
            )
            for name, positions in self._with_absent(present, instances).items()
        }
        return columns, len(instances), index

    def _with_absent(self, present: Mapping[str, list[int]], instances: Sequence[Any]) -> dict[str, list[int]]:
        """Let optional inputs have a value in each row: one that a row lacks is missing there.

        One that no row has was more likely forgotten, unless the model only hands it on.
        """
        objects = [i for i, instance in enumerate(instances) if isinstance(instance, Mapping)]
        handed_on = handed_on_inputs(self._signature)
        found = {}
        for name, positions in present.items():
            if not self._inputs[name].optional:
                found[name] = positions
                continue
            found[name] = objects
            if objects and not positions and name not in handed_on:
                self.problems.add(f"{name} is in none of the instances; null says that it is missing")
        return found

    def _note_unknown(self, position: int, instance: Mapping[str, Any]) -> None:
        for key in instance:
            if key not in self._inputs:
                hint = "" if self.problems.is_full else nearest(str(key), self._inputs)
                self.problems.add(f"instances[{position}].{key}: the model has no such input. {hint}".rstrip())

    def _read_values(self, instances: Any) -> Read:
        if len(self._inputs) != 1:
            raise PredictionError(
                f"{self._label} has {len(self._inputs)} inputs, so an instance is a dict or a row of a DataFrame.",
                hint=f"It takes {describe_inputs(self._signature)}.",
            )
        (name,) = self._inputs
        return {name: Column(values=instances, path=_path(None))}, len(instances), None


def _path(name: str | None, positions: Sequence[int] | None = None) -> Path:
    suffix = "" if name is None else f".{name}"
    return lambda i: f"instances[{i if positions is None else positions[i]}]{suffix}"
