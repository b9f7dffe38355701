"""What `%%tune`, and `%%train --tune`, take beside what `%%train` takes: how parameters are searched."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from mlmagic.errors import UsageError
from mlmagic.magics.tables import Kind, Option, Parsed
from mlmagic.magics.values import default_value

STUDY_OPTIONS = (
    Option(name="metric", metavar="METRIC", kind=Kind.TEXT, help="what trials report and is tuned for, as val_loss"),
    Option(
        name="goal", metavar="GOAL", kind=Kind.TEXT, help="minimize or maximize, where the metric's name does not tell"
    ),
    Option(name="trials", metavar="N", kind=Kind.COUNT, help="how many there are, 10 by default; all of a grid"),
    Option(name="parallel", metavar="N", kind=Kind.COUNT, help="how many run at the same time, 1 by default"),
    Option(name="algorithm", metavar="WORD", kind=Kind.TEXT, help="bayesian, which is the default, grid or random"),
    Option(
        name="early-stopping",
        metavar="RULE",
        kind=Kind.TEXT,
        help="median or decay-curve: stop trials that are not worth going on with",
    ),
    Option(
        name="selection",
        metavar="WORD",
        kind=Kind.TEXT,
        help="which value of a trial counts: last, which is the default, or best",
    ),
    Option(
        name="max-failed",
        metavar="N",
        kind=Kind.COUNT,
        help="so many failed trials end the study; if not given, its first 3 if all fail, or 5 once most have failed",
    ),
    Option(name="seed", metavar="N", kind=Kind.INTEGER, help="the same seed and results give the same suggestions"),
    Option(
        name="resume",
        metavar="STUDY",
        kind=Kind.OBJECT,
        help="go on with this study: its trials count, and --trials more are made",
    ),
    Option(
        name="warm-start",
        metavar="STUDY…",
        kind=Kind.OBJECT,
        is_repeatable=True,
        takes_several=True,
        help="earlier studies whose results the search is to know",
    ),
    Option(name="promote", help="then train once more with the best parameters, and register the version"),
    Option(
        name="promote-args",
        metavar="WORDS",
        kind=Kind.TEXT,
        help='with --promote: arguments in the place of the trials\' own, "--epochs=20"',
    ),
)

_SAME = ("metric", "goal", "trials", "parallel", "algorithm", "early_stopping", "selection", "max_failed", "seed")


def study_arguments(line: Parsed, space: Any) -> dict[str, Any]:
    """Return what a line says of the search, as arguments of `plan_tuning`.

    Raises:
        UsageError: the words of --promote-args cannot be told apart.
    """
    arguments = {key: line[key] for key in (*_SAME, "resume", "promote")}
    return arguments | {
        "space": None if isinstance(space, str) and not space.strip() else space,
        "warm_start": line["warm_start"],
        "promote_args": _words(line["promote_args"]),
    }


def given_flags(line: Parsed) -> list[str]:
    """Return the flags of a study that a line has."""
    return [option.flag for option in STUDY_OPTIONS if _is_given(option, line[option.key])]


def _is_given(option: Option, value: Any) -> bool:
    # A value may be any object, so it is not compared by ==, nor by its truth: --seed 0 is given.
    return bool(value) if option.is_repeatable else value is not default_value(option)


def _words(text: str | None) -> Sequence[str]:
    try:
        return shlex.split(text or "")
    except ValueError as error:
        raise UsageError(f"--promote-args {text!r:.60} cannot be told apart into words: {error}.") from None
