"""The program's arguments, checked before the job starts where mlmagic wrote the program's command line itself."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mlmagic.api.batch_words import check_batch_words
from mlmagic.api.preprocessing_words import SEVERAL_WORDS, check_preprocessing_words
from mlmagic.api.program_words import told_flags
from mlmagic.api.switch import Switch
from mlmagic.errors import UsageError, nearest
from mlmagic.source.predictor import MODULE as PREDICTOR

if TYPE_CHECKING:
    from mlmagic.spec.package import Flag, TrainerPackage

_TYPES = {"int": int, "float": float, "str": str, "Path": Path}
_HELP = frozenset({"-h", "--help"})


def check_program_arguments(package: TrainerPackage, args: Sequence[str]) -> None:
    """Check that the program will take these arguments, as far as its flags are known.

    Raises:
        UsageError: it will not; says which, and what its flags are.
    """
    from mlmagic.spec.package import CellShape

    if _is_pipeline(package):
        check_preprocessing_words(args)
        return
    if package.module == PREDICTOR:
        check_batch_words(args)
        return
    has_flags = package.shape in {CellShape.TRAIN, CellShape.BUILD_MODEL}
    # A script without flags may read its arguments itself.
    is_known = has_flags or (package.shape is CellShape.SCRIPT and package.flags)
    if not is_known or _HELP & set(args):
        return
    try:
        _parser(package.flags).parse_args(list(args))
    except _ArgumentsError as error:
        raise UsageError(_told(str(error), package.flags), hint=_hint(package.flags)) from None


def flag_values(package: TrainerPackage, args: Sequence[str]) -> dict[str, str]:
    """Return what the program's flags are set to: defaults and arguments where its flags are known, else arguments.

    Arguments that the program will not take say nothing; they are refused when the job is submitted.
    """
    if not package.flags:
        return told_flags(args, SEVERAL_WORDS if _is_pipeline(package) or package.module == PREDICTOR else None)
    try:
        given = vars(_parser(package.flags).parse_args(list(args)))
    except _ArgumentsError:
        return {}
    values = {
        # As it is typed: a script's constant EPOCHS is the flag --epochs.
        _key(flag.option): given[flag.name] if given[flag.name] is not None else flag.default
        for flag in package.flags
    }
    return {name: _value_text(value) for name, value in values.items() if value is not None}


def _is_pipeline(package: TrainerPackage) -> bool:
    """Say whether it is the package of a `%%preprocess` cell, which may come from a job's folder."""
    return package.module == "preprocessor.task" and "preprocessor/preprocessing/arguments.py" in package.files


def _key(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _value_text(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


class _ArgumentsError(Exception):
    """What argparse says."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _ArgumentsError(message)


def _parser(flags: Sequence[Flag]) -> _Parser:
    """Return a parser with the same rules as the one in `trainer/task.py`."""
    from mlmagic.source.flags import flag_spellings

    parser = _Parser(add_help=False, allow_abbrev=False)
    for flag in flags:
        if flag.type == "bool":
            parser.add_argument(*flag_spellings(flag), dest=flag.name, action=Switch, required=flag.required)
        else:
            parser.add_argument(
                *flag_spellings(flag),
                dest=flag.name,
                type=_TYPES.get(flag.type, str),
                nargs="*" if flag.repeated else None,
                choices=flag.choices,
                required=flag.required,
            )
    return parser


def _told(message: str, flags: Sequence[Flag]) -> str:
    options = [flag.option for flag in flags]
    if unknown := re.fullmatch(r"unrecognized arguments: (.*)", message, re.DOTALL):
        near = nearest(unknown[1].split("=")[0].split()[0], options, limit=1)
        return f"the program does not take {unknown[1]}. {near}".rstrip()
    if missing := re.fullmatch(r"the following arguments are required: (.*)", message):
        # Of the two spellings of a flag, one is enough.
        names = ", ".join(name.partition("/")[0] for name in missing[1].split(", "))
        return f"the program needs a value for {names}: it has no default."
    if wrong := re.fullmatch(r"argument ([^:]*?)(?:/[^:]*)?: (.*)", message, re.DOTALL):
        return f"the program cannot take this value for {wrong[1]}: {wrong[2]}."
    return f"the program cannot take these arguments: {message}."


def _hint(flags: Sequence[Flag]) -> str:
    if not flags:
        return "It has no flags: parameters of `train` with a default become flags, such as `def train(epochs=5)`."
    listed = ", ".join(_listed(flag) for flag in flags)
    return f"Its flags, after --: {listed}"


def _listed(flag: Flag) -> str:
    if flag.type == "bool":
        return f"{flag.option} or --no-{flag.option.removeprefix('--')}"
    what = " | ".join(shlex.quote(str(choice)) for choice in flag.choices) if flag.choices else flag.type.upper()
    return f"{flag.option} {what}{'…' if flag.repeated else ''}"
