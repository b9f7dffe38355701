"""The parameters of a study's configuration: `params` of ML Engine, `parameters` of Vertex AI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlmagic.spec.space_rules import arranged
from mlmagic.spec.space_text import number_text
from mlmagic.spec.study import Condition, Parameter, ParameterKind, Scale

if TYPE_CHECKING:
    from mlmagic.api.config_section import Section

_KINDS = {kind.value: kind for kind in ParameterKind}
_SCALES = {scale.value: scale for scale in Scale}
_ML_ENGINE_SCALES = {"NONE": None, **_SCALES}
_VERTEX_SCALES = {"SCALE_TYPE_UNSPECIFIED": None, **_SCALES}
_BOUNDS = ("minValue", "maxValue")
_ML_ENGINE_VALUES = {
    ParameterKind.DOUBLE: _BOUNDS,
    ParameterKind.INTEGER: _BOUNDS,
    ParameterKind.CATEGORICAL: ("categoricalValues",),
    ParameterKind.DISCRETE: ("discreteValues",),
}
_VERTEX_VALUES = {
    "doubleValueSpec": ParameterKind.DOUBLE,
    "integerValueSpec": ParameterKind.INTEGER,
    "categoricalValueSpec": ParameterKind.CATEGORICAL,
    "discreteValueSpec": ParameterKind.DISCRETE,
}
_PARENT_VALUES = {
    "parentIntValues": ParameterKind.INTEGER,
    "parentDiscreteValues": ParameterKind.DISCRETE,
    "parentCategoricalValues": ParameterKind.CATEGORICAL,
}
_DEFAULT = "neither Vertex AI nor mlmagic tunes with one; take it out"


@dataclass(slots=True, kw_only=True)
class _Found:
    """Parameters, and where they stand."""

    parameters: list[Parameter] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """Names of those that are wrong."""

    def add(self, name: str | None, parameter: Parameter | None, section: Section) -> None:
        section.finish()
        if parameter is not None:
            self.parameters.append(parameter)
            self.sections.append(section)
        elif name is not None:
            self.unread.append(name)

    def arranged(self) -> tuple[Parameter, ...]:
        parameters, problems = arranged(self.parameters, self.unread)
        for place, problem in problems:
            self.sections[place].wrong(f"({self.parameters[place].name}): {problem}")
        return parameters


def read_ml_engine_parameters(section: Section) -> tuple[Parameter, ...] | None:
    """Return what `params` says; None if it says nothing."""
    if "params" not in section:
        return None
    found = _Found()
    for item in section.sections("params"):
        name = item.text("parameterName") if item.has("parameterName") else None
        kind = item.word("type", _KINDS) if item.has("type") else None
        parameter = None if kind is None else _ml_engine_parameter(name or "", kind, item)
        if kind is None:
            # Not to be told as unknown: without its type, nobody can say which of them belong to it.
            for key in (*_BOUNDS, "categoricalValues", "discreteValues", "scaleType"):
                item.take(key)
        found.add(name, None if name is None else parameter, item)
    return found.arranged()


def _ml_engine_parameter(name: str, kind: ParameterKind, section: Section) -> Parameter | None:
    keys = _ML_ENGINE_VALUES[kind]
    for key in (*_BOUNDS, "categoricalValues", "discreteValues"):
        if key in section and key not in keys:
            section.take(key)
            section.wrong(f"does not go with the type {kind}, which has {' and '.join(keys)}", key)
    is_there = section.has(*keys)
    scale = section.word("scaleType", _ML_ENGINE_SCALES)
    return _parameter(name, kind, scale, section, keys, is_there=is_there)


def read_vertex_parameters(section: Section) -> tuple[Parameter, ...] | None:
    """Return what `parameters` says, conditional ones beside their parents; None if it says nothing."""
    if "parameters" not in section:
        return None
    found = _Found()
    for item in section.sections("parameters"):
        _add_vertex_parameter(item, None, found)
    return found.arranged()


def _add_vertex_parameter(section: Section, condition: Condition | None, found: _Found) -> None:
    name = section.text("parameterId") if section.has("parameterId") else None
    scale = section.word("scaleType", _VERTEX_SCALES)
    conditional = section.sections("conditionalParameterSpecs")
    kinds = [key for key in _VERTEX_VALUES if key in section]
    values = [section.section(key) for key in kinds]
    parameter = None
    if len(kinds) != 1:
        told = ", ".join(_VERTEX_VALUES)
        section.wrong(f"has {' and '.join(kinds) or 'no values'}: it needs one of {told}")
    elif values[0] is not None:
        kind = _VERTEX_VALUES[kinds[0]]
        keys = _BOUNDS if kind in {ParameterKind.DOUBLE, ParameterKind.INTEGER} else ("values",)
        values[0].refuse({"defaultValue": _DEFAULT})
        is_there = values[0].has(*keys)
        parameter = _parameter(name or "", kind, scale, values[0], keys, is_there=is_there, condition=condition)
        values[0].finish()
    found.add(name, None if name is None else parameter, section)
    for item in conditional:
        _add_conditional(item, name, parameter, found)


def _add_conditional(section: Section, name: str | None, parent: Parameter | None, found: _Found) -> None:
    keys = [key for key in _PARENT_VALUES if key in section]
    if len(keys) != 1:
        told = ", ".join(_PARENT_VALUES)
        section.wrong(f"has {' and '.join(keys) or 'no values of its parent'}: it needs one of {told}")
    values = [value for key in keys for value in _parent_values(section, key, parent)]
    inner = section.section("parameterSpec") if section.has("parameterSpec") else None
    section.finish()
    if inner is not None:
        # What is wrong with the condition is told by now.
        condition = Condition(parameter=name, values=tuple(values)) if name and values else None
        _add_vertex_parameter(inner, condition, found)


def _parent_values(section: Section, key: str, parent: Parameter | None) -> tuple[str, ...]:
    kind = _PARENT_VALUES[key]
    values = section.section(key)
    if values is None or not values.has("values"):
        return ()
    texts = values.words("values") if kind is ParameterKind.CATEGORICAL else values.numbers("values")
    values.finish()
    if parent is not None and parent.kind is not kind:
        right = next((other for other, its_kind in _PARENT_VALUES.items() if its_kind is parent.kind), None)
        hint = f"use {right}" if right else "a range of any numbers has no conditional parameters"
        section.wrong(f"is for a parent of the type {kind}, and {parent.name} is {parent.kind}: {hint}", key)
        return ()
    return tuple(text if isinstance(text, str) else number_text(text) for text in texts or ())


def _parameter(
    name: str,
    kind: ParameterKind,
    scale: Scale | None,
    section: Section,
    keys: tuple[str, ...],
    *,
    is_there: bool,
    condition: Condition | None = None,
) -> Parameter | None:
    """Return the parameter whose values a section has; None if they are wrong, which is then told."""
    categories: tuple[str, ...] | None = ()
    numbers: tuple[float, ...] | None = ()
    bounds: list[float | None] = [None, None]
    if kind is ParameterKind.CATEGORICAL:
        categories = section.words(keys[0])
    elif kind is ParameterKind.DISCRETE:
        numbers = section.numbers(keys[0])
    else:
        bounds = [section.number(key) for key in keys]
    is_range = kind in {ParameterKind.DOUBLE, ParameterKind.INTEGER}
    if not is_there or categories is None or numbers is None or (is_range and None in bounds):
        return None
    return Parameter(
        name=name,
        kind=kind,
        minimum=bounds[0],
        maximum=bounds[1],
        categories=categories,
        numbers=numbers,
        scale=scale,
        condition=condition,
    )
