"""Whether a program takes what a space has its trials say: names, types and choices of its flags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlmagic.errors import UsageError, nearest
from mlmagic.source.flags import flag_spellings
from mlmagic.spec.package import CellShape, Flag
from mlmagic.spec.space_rules import arranged
from mlmagic.spec.space_text import number_text, values_text
from mlmagic.spec.study import Algorithm, Parameter, ParameterKind

if TYPE_CHECKING:
    from mlmagic.spec.package import TrainerPackage
    from mlmagic.spec.study import StudySpec

_SWITCHES = frozenset({"true", "false", "1", "0"})
_SHOWN = 5


def check_space(
    parameters: Sequence[Parameter],
    package: TrainerPackage,
    *,
    args: Sequence[str] = (),
    algorithm: Algorithm = Algorithm.BAYESIAN,
) -> list[str]:
    """Return what is wrong with a space: in itself, for the algorithm, and for the program's flags and arguments."""
    problems = [f"{parameters[place].name}: {problem}" for place, problem in arranged(parameters)[1]]
    if algorithm is Algorithm.GRID:
        problems += map(_grid_problem, (item for item in parameters if item.kind is ParameterKind.DOUBLE))
    flags = _flags(package)
    given = _given(package, args)
    for parameter in parameters:
        flag = None if flags is None else flags.get(f"--{parameter.name}")
        if flags is not None and flag is None:
            problems.append(_no_flag(parameter, package.flags))
        elif flag is not None:
            problems += [f"{parameter.name}: {flag.option} {problem}" for problem in _value_problems(parameter, flag)]
        if (flag.name if flag else parameter.name.replace("-", "_")) in given:
            problems.append(f"{parameter.name}: the arguments set it too; take it out of them, or out of the space")
    return problems


def check_search(package: TrainerPackage, args: Sequence[str], study: StudySpec | None) -> None:
    """Check that a program with these arguments can be searched so.

    Raises:
        UsageError: it cannot; all that is wrong is listed.
    """
    if study is not None and (problems := check_space(study.parameters, package, args=args, algorithm=study.algorithm)):
        raise UsageError("the program cannot be tuned so:", problems=problems)


def space_notes(parameters: Sequence[Parameter], package: TrainerPackage) -> tuple[str, ...]:
    """Return what is allowed, but may not be meant; for the user."""
    from mlmagic.api.stored_flags import read_stored_flags

    flags = _flags(package)
    if flags is None:
        known = read_stored_flags(package).known
        unknown = [item.name for item in parameters if f"--{item.name}" not in known]
        told = ", ".join(f"--{name}" for name in unknown)
        return (f"the package nowhere declares {told}: see that its program takes it",) if unknown else ()
    found = []
    for parameter in parameters:
        flag = flags.get(f"--{parameter.name}")
        if flag is not None and flag.type == "float" and parameter.kind is ParameterKind.INTEGER:
            low, high = parameter.minimum or 0.0, parameter.maximum or 0.0
            found.append(
                f"{parameter.name} is a whole number, from {number_text(low)} to {number_text(high)}; "
                f"{parameter.name}={low!r}..{high!r} is any"
            )
    return tuple(found)


def _grid_problem(parameter: Parameter) -> str:
    values = values_text(parameter)
    return f"{parameter.name}: a grid has no points in {values}; list them, as in 0.1;0.2;0.5, or use another algorithm"


def _flags(package: TrainerPackage) -> dict[str, Flag] | None:
    """Return the program's flags by spelling; None where only the program knows them."""
    has_flags = package.shape in {CellShape.TRAIN, CellShape.BUILD_MODEL}
    if not has_flags and not (package.shape is CellShape.SCRIPT and package.flags):
        return None
    return {spelling: flag for flag in package.flags for spelling in flag_spellings(flag)}


def _given(package: TrainerPackage, args: Sequence[str]) -> set[str]:
    """Return the names of the flags that the arguments set."""
    from mlmagic.api.program_words import word_groups
    from mlmagic.api.stored_flags import read_stored_flags

    return {group.name for group in word_groups(args, read_stored_flags(package).known) if group.name is not None}


def _no_flag(parameter: Parameter, flags: Sequence[Flag]) -> str:
    near = nearest(f"--{parameter.name}", [flag.option for flag in flags], limit=1)
    return f"{parameter.name}: the program has no flag --{parameter.name}. {near}".rstrip()


def _value_problems(parameter: Parameter, flag: Flag) -> list[str]:
    """Return what is wrong with the values for the flag."""
    if flag.choices or flag.type == "bool":
        allowed = frozenset(map(str, flag.choices or ())) or _SWITCHES
        return _choice_problems(parameter, allowed, is_switch=not flag.choices)
    if flag.type not in {"int", "float"}:
        return []
    what = "whole numbers" if flag.type == "int" else "numbers"
    if parameter.kind is ParameterKind.DOUBLE and flag.type == "int":
        return [f"takes {what}, and {values_text(parameter)} has others; a range of them is 1..10"]
    # As argparse reads them.
    read = int if flag.type == "int" else float
    values = (*parameter.categories, *map(number_text, parameter.numbers))
    wrong = [value for value in values if not _reads(read, value)]
    return [f"takes {what}, not {' or '.join(map(repr, wrong[:_SHOWN]))}"] if wrong else []


def _choice_problems(parameter: Parameter, allowed: frozenset[str], *, is_switch: bool) -> list[str]:
    choices = ["true", "false"] if is_switch else sorted(allowed)
    told = " or ".join(choices[:_SHOWN]) + (" …" if len(choices) > _SHOWN else "")
    if parameter.kind is ParameterKind.DOUBLE:
        return [f"takes {told}, and {values_text(parameter)} is a range of any numbers"]
    values = parameter.categories or tuple(map(parameter.text, parameter.numbers))
    if parameter.kind is ParameterKind.INTEGER:
        first = round(parameter.minimum or 0.0)
        last = min(round(parameter.maximum or 0.0), first + len(allowed))  # one of so many is none of them
        values = tuple(map(str, range(first, last + 1)))
    wrong = [value for value in values if (value.lower() if is_switch else value) not in allowed]
    return [f"takes {told}, not {' or '.join(map(repr, wrong[:_SHOWN]))}"] if wrong else []


def _reads(read: type[int | float], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
