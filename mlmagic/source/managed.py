"""A cell with `build_model`: which flags its program has, and which modules of ours it takes along."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlmagic.errors import CellError
from mlmagic.source.flags import function_flags
from mlmagic.source.parts import part_closure
from mlmagic.spec.package import Flag

TRAINING_FLAGS = (
    Flag(name="data", option="--data", type="str", required=True, help="the dataset's folder"),
    Flag(name="epochs", option="--epochs", type="int", default=5),
    Flag(name="batch_size", option="--batch-size", type="int", default=256),
    Flag(name="seed", option="--seed", type="int", default=0, help="of weights and shuffling"),
    Flag(
        name="sample",
        option="--sample",
        type="float",
        default=1.0,
        help="the part of the rows to train on, such as 0.1: always the same ones",
    ),
    Flag(
        name="steps_per_epoch",
        option="--steps-per-epoch",
        type="int",
        help="batches of an epoch; if not given, it is a pass over the rows",
    ),
    Flag(name="test", option="--test", type="bool", default=False, help="evaluate the split test at the end"),
)
"""The flags of all programs that train a model of `build_model`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedFlags:
    """The flags of a program, and who takes which."""

    flags: tuple[Flag, ...]
    features: tuple[str, ...]
    """Names of those for `make_features`."""
    model: tuple[str, ...]
    """Names of those for `build_model`."""
    notes: tuple[str, ...] = ()


def managed_flags(
    function: ast.FunctionDef, module: Sequence[ast.stmt], place: str, features: Sequence[Flag]
) -> ManagedFlags:
    """Return the flags of a program that trains what `build_model` returns.

    A parameter that is called as a flag of the features or of the training is the same flag, with its own default.

    Args:
        function: the definition of `build_model`.
        module: the statements around it.
        place: where it stands in the notebook.
        features: the flags of the features.

    Raises:
        CellError: parameters that cannot be flags, or mean something else than a flag of that name.
    """
    if not (function.args.posonlyargs or function.args.args):
        raise CellError(
            f"`build_model` ({place}) takes no features.",
            hint="Write `def build_model(features, units=64): ...`; features.get_inputs() and "
            "features.get_encoded_features() are what the model begins with.",
        )
    own, notes = function_flags(function, module, place, first=1)
    problems = [*_clashes(features, TRAINING_FLAGS, "is a flag of the training"), *_problems(function, own, features)]
    if problems:
        raise CellError(f"`build_model` ({place}) and what it is trained with disagree about flags:", problems=problems)
    flags = {flag.name: flag for flag in (*TRAINING_FLAGS, *features)}
    for flag in own:
        flags[flag.name] = _shared(flags[flag.name], flag) if flag.name in flags else flag
    return ManagedFlags(
        flags=tuple(flags.values()),
        features=tuple(flag.name for flag in features),
        model=tuple(flag.name for flag in own),
        notes=tuple(note for note in notes if note.split()[0] not in {flag.option for flag in TRAINING_FLAGS}),
    )


def _clashes(flags: Iterable[Flag], others: Iterable[Flag], what: str) -> list[str]:
    taken = {flag.name for flag in others}
    return [f"{flag.option} of the features {what}: call it differently" for flag in flags if flag.name in taken]


def _problems(function: ast.FunctionDef, own: Sequence[Flag], features: Sequence[Flag]) -> list[str]:
    known = {flag.name: flag for flag in (*TRAINING_FLAGS, *features)}
    problems = []
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args][1:] + arguments.kwonlyargs
    for flag in own:
        other = known.get(flag.name)
        if other is None:
            continue
        if flag.expression is not None:
            problems.append(
                f"`{flag.name}={flag.expression}`: {other.option} needs a value that is known before it runs"
            )
        elif flag.repeated or (flag.type != other.type and not flag.required):
            problems.append(f"`{flag.name}` is {flag.type}, and {other.option} is {other.type}")
        elif other in features and not flag.required and flag.default != other.default:
            problems.append(f"`{flag.name}={flag.default!r}`, and the features have {flag.name}={other.default!r}")
    without = {argument.arg for argument in named} - {flag.name for flag in own}
    return problems + [
        f"`{name}` has a default that {known[name].option} cannot have" for name in sorted(without & known.keys())
    ]


def _shared(flag: Flag, own: Flag) -> Flag:
    """Return a flag that two take, with the default that the cell gives it."""
    if own.required:
        return flag
    return replace(
        flag, default=own.default, required=False, help=own.help or flag.help, choices=own.choices, search=own.search
    )


def managed_files(features: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the modules of a package that trains on a dataset; `features` are those that were made for it."""
    return part_closure("training", *features.values()) | dict(features)
