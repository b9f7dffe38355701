"""The text of `trainer/task.py`: the program's command line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from string import Template

from mlmagic.source.flags import flag_spellings
from mlmagic.source.managed import TRAINING_FLAGS, ManagedFlags
from mlmagic.spec.package import Flag

_WIDTH = 100
_INDENT = "    "
_JOIN = """\
    from trainer.cluster import join_cluster

    join_cluster()  # before TensorFlow's first operation, which may be in model.py
"""


def train_task(flags: Sequence[Flag], description: str | None, *, joins_cluster: bool = False) -> str:
    """Return the program that calls `train` with its flags as arguments.

    Args:
        flags: of the program.
        description: what it does, for its help.
        joins_cluster: the package has the training loop, which must find its cluster joined.
    """
    return _fill(
        "train_task.py",
        flags,
        description,
        imports=_path_import(flags),
        join=_join(joins_cluster),
    )


def build_model_task(flags: ManagedFlags, description: str | None) -> str:
    """Return the program that trains what `build_model` returns on a dataset."""
    return _fill(
        "build_model_task.py",
        flags.flags,
        description,
        imports=_path_import(flags.flags),
        features=literal(flags.features),
        model=literal(flags.model),
        training=literal(tuple(flag.name for flag in TRAINING_FLAGS)),
    )


def script_task(flags: Sequence[Flag], *, joins_cluster: bool = False) -> str:
    """Return the program that runs a script with its flags in place of its constants."""
    return _fill("script_task.py", flags, None, join=_join(joins_cluster))


def own_arguments_task(*, joins_cluster: bool = False) -> str:
    """Return the program that leaves all arguments to the script."""
    return template("own_arguments_task.py").substitute(join=_join(joins_cluster))


def _join(joins_cluster: bool) -> str:
    return _JOIN if joins_cluster else ""


@cache
def template(name: str) -> Template:
    """Return a template by the name of the file that is made from it."""
    from importlib.resources import files

    return Template(files("mlmagic.source").joinpath("templates", f"{name}.template").read_text(encoding="utf-8"))


def quote(text: str) -> str:
    """Return a string literal, in double quotes where that needs no escape."""
    return repr(text) if '"' in text else '"' + repr("'" + text)[2:]


def literal(value: object) -> str:
    """Return the expression that gives the value."""
    match value:
        case str():
            return quote(value)
        case list():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case tuple():
            return "(" + ", ".join(literal(item) for item in value) + ("," if len(value) == 1 else "") + ")"
        case _:
            return repr(value)


def _fill(name: str, flags: Sequence[Flag], description: str | None, **texts: str) -> str:
    parser = ['prog="python -m trainer.task"', "allow_abbrev=False"]
    if description:
        parser.insert(1, f"description={quote(description)}")
    return template(name).substitute(
        parser=_call("parser = argparse.ArgumentParser(", parser).removeprefix("parser = argparse.ArgumentParser(")[
            :-1
        ],
        arguments="".join(f"{_INDENT}{_call('parser.add_argument(', _arguments(flag))}\n" for flag in flags),
        conversions="".join(
            f"{_INDENT}args.{flag.name} = tuple(args.{flag.name})\n"
            for flag in flags
            if flag.repeated and isinstance(flag.default, tuple)
        ),
        switch=template("switch.py").template if any(flag.type == "bool" for flag in flags) else "",
        **texts,
    )


def _call(opening: str, arguments: Sequence[str]) -> str:
    """Return a call in a function's body, on as many lines as it takes."""
    inner = ", ".join(arguments)
    if len(f"{_INDENT}{opening}{inner})") <= _WIDTH:
        return f"{opening}{inner})"
    if len(_INDENT * 2 + inner) <= _WIDTH:
        return f"{opening}\n{_INDENT * 2}{inner}\n{_INDENT})"
    return "\n".join([opening, *(f"{_INDENT * 2}{argument}," for argument in arguments), f"{_INDENT})"])


def _arguments(flag: Flag) -> list[str]:
    arguments = [quote(spelling) for spelling in flag_spellings(flag)]
    if flag.option.removeprefix("--").replace("-", "_") != flag.name:  # what argparse would call it
        arguments.append(f"dest={quote(flag.name)}")
    if flag.type == "bool":
        arguments.append("action=Switch")
    elif flag.type != "str":
        arguments.append(f"type={flag.type}")
    if flag.repeated:
        arguments.append('nargs="*"')
    if flag.choices:
        arguments.append(f"choices={literal(flag.choices)}")
    arguments.append(_default(flag))
    if help_text := _help(flag):
        arguments.append(f"help={quote(help_text)}")
    return arguments


def _default(flag: Flag) -> str:
    if flag.required:
        return "required=True"
    if flag.expression is not None:
        return "default=argparse.SUPPRESS"  # the function's own default holds
    if flag.type != "Path" or flag.default is None:
        return f"default={literal(flag.default)}"
    if isinstance(flag.default, list | tuple):
        return f"default=[{', '.join(f'Path({literal(item)})' for item in flag.default)}]"
    return f"default=Path({literal(flag.default)})"


def _help(flag: Flag) -> str:
    text = (flag.help or "").removesuffix(".").replace("%", "%%")
    if flag.required:
        return f"{text} (required)" if text else "required"
    if flag.expression is None and flag.default is None:
        return text
    default = "%(default)s" if flag.expression is None else flag.expression.replace("%", "%%")
    return f"{text} (default: {default})" if text else f"default: {default}"


def _path_import(flags: Sequence[Flag]) -> str:
    return "from pathlib import Path\n" if any(flag.type == "Path" for flag in flags) else ""
