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

_MARKS = ("..", ";", "|")


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


def lists_of_words(package: TrainerPackage, fixed: Collection[str] = ()) -> tuple[str, ...]:
    """Return the parameters that are not searched though their annotation names words: they take several of these.

    Args:
        package: what was made of the cell.
        fixed: names of flags that are not tuned.
    """
    return tuple(flag.name for flag in package.flags if flag.name not in fixed and _takes_words(flag) and flag.repeated)


def _parameter(flag: Flag) -> Parameter | None:
    if flag.search is not None:
        return _parsed(flag, flag.search)
    if flag.repeated or not _takes_words(flag):
        return None
    choices = flag.choices or ()
    if flag.type == "int":
        numbers = sorted(float(choice) for choice in choices if isinstance(choice, int))
        return Parameter(name=_name(flag), kind=ParameterKind.DISCRETE, numbers=tuple(numbers))
    return Parameter(name=_name(flag), kind=ParameterKind.CATEGORICAL, categories=tuple(map(str, choices)))


def _parsed(flag: Flag, text: str) -> Parameter:
    parameter = parse_values(_name(flag), text) if any(mark in text for mark in _MARKS) else None
    if parameter is None:
        raise UsageError("between its bounds stands no .., nor ; or | between values")
    # The annotation has the type: Annotated[float, "0..1"] is any number from 0 to 1.
    is_any = flag.type == "float" and parameter.kind is ParameterKind.INTEGER and "int" not in text
    return replace(parameter, kind=ParameterKind.DOUBLE) if is_any else parameter


def _takes_words(flag: Flag) -> bool:
    """Say whether its type names what to choose from; one value is nothing to choose from."""
    return flag.search is None and len(flag.choices or ()) > 1


def _name(flag: Flag) -> str:
    """Return the flag with underscores, as tuning has it, where it may be typed so."""
    plain = flag.option.removeprefix("--").replace("-", "_")
    return plain if f"--{plain}" in spellings(flag.name) else flag.option.removeprefix("--")


def _told(flag: Flag) -> str:
    return f"`{flag.name}`" if flag.search is None else f"`{flag.name}`, {flag.search!r:.60}"
