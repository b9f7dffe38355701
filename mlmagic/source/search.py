"""The search space that annotations tell: `lr: Annotated[float, "log:1e-4..1e-1"]`, `kind: Literal["a", "b"]`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from mlmagic.errors import CellError, UsageError
from mlmagic.source.flags import spellings
from mlmagic.spec.package import Flag, TrainerPackage
from mlmagic.spec.space_rules import arranged
from mlmagic.spec.space_text import FORMS, parse_values
from mlmagic.spec.study import Parameter, ParameterKind


def annotated_space(package: TrainerPackage, fixed: Collection[str] = ()) -> tuple[Parameter, ...]:
    """Return a parameter for each flag whose annotation tells its values.

    Args:
        package: what was made of the cell.
        fixed: names of flags that are not tuned.

    Raises:
        CellError: values that cannot be read, or make no sense; all are listed.
    """
    found: list[Parameter] = []
    problems: list[str] = []
    for flag in package.flags:
        try:
            parameter = None if flag.name in fixed else _parameter(flag)
        except UsageError as error:
            problems.append(f"{_told(flag)}: {error.message}")
            continue
        found += [parameter] if parameter else []
    parameters, wrong = arranged(found)
    flags = {_name(flag): flag for flag in package.flags}
    problems += [f"{_told(flags[found[place].name])}: {problem}" for place, problem in wrong]
    if problems:
        raise CellError("annotations of the cell do not tell which values to try:", problems=problems, hint=FORMS)
    return parameters


def _parameter(flag: Flag) -> Parameter | None:
    if flag.search is not None:
        parameter = parse_values(_name(flag), flag.search)
        # The annotation has the type: Annotated[float, "0..1"] is any number from 0 to 1.
        is_any = flag.type == "float" and parameter.kind is ParameterKind.INTEGER and "int" not in flag.search
        return replace(parameter, kind=ParameterKind.DOUBLE) if is_any else parameter
    choices = flag.choices or ()
    if len(choices) < 2:  # one is nothing to choose from
        return None
    if flag.type == "int":
        numbers = sorted(float(choice) for choice in choices if isinstance(choice, int))
        return Parameter(name=_name(flag), kind=ParameterKind.DISCRETE, numbers=tuple(numbers))
    return Parameter(name=_name(flag), kind=ParameterKind.CATEGORICAL, categories=tuple(map(str, choices)))


def _name(flag: Flag) -> str:
    """Return the flag with underscores, as tuning has it, where it may be typed so."""
    plain = flag.option.removeprefix("--").replace("-", "_")
    return plain if f"--{plain}" in spellings(flag.name) else flag.option.removeprefix("--")


def _told(flag: Flag) -> str:
    return f"`{flag.name}`" if flag.search is None else f"`{flag.name}`, {flag.search!r:.60}"
