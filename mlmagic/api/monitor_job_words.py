"""The arguments of a monitoring job: words of its program, and back."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_timeout
from mlmagic.api.monitor_arguments import Wanted
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.job import UNFINISHED, JobKind, JobState

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend

_TEXTS = ("endpoint", "model", "statistics", "against", "by", "key", "target", "output", "runner", "last")
_LISTS = ("input", "truth", "threshold")
WEBHOOK = "--webhook"
"""Says that there is an address to send alerts to; which one is a secret, and stands in a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorWords:
    """What the program was told."""

    workspace: str
    every: float
    """Seconds."""
    has_webhook: bool
    given: Mapping[str, Any]
    """As `read_wanted` takes it."""


def words_of(wanted: Wanted, given: Mapping[str, Any], *, workspace: str, every: float) -> tuple[str, ...]:
    """Return the words; `given` is what `wanted` was read from."""
    texts = {name: given[name] for name in _TEXTS if given.get(name) is not None}
    if given["last"] is not None:
        texts["last"] = seconds_text(wanted.seconds)
    if wanted.rows is not None:
        texts["rows"] = wanted.rows
    threshold = given["threshold"]
    named = threshold if isinstance(threshold, Mapping) else {} if threshold is None else {None: threshold}
    lists = {
        "input": () if wanted.inputs is None else wanted.inputs.words,
        "truth": () if wanted.truth is None else wanted.truth.words,
        "threshold": [f"{value}" if name is None else f"{name}={value}" for name, value in named.items()],
    }
    return (
        *(f"--{name}={text}" for name, text in texts.items()),
        *(f"--{name}={item}" for name, items in lists.items() for item in items),
        f"--every={seconds_text(every)}",
        f"--workspace={workspace}",
    )


def parse_words(words: Sequence[str]) -> MonitorWords:
    """Read the words of the program.

    Raises:
        UsageError: the interval is none.
    """
    parser = argparse.ArgumentParser(prog="monitor", description="Compare again and again; %monitor starts it.")
    for name in _TEXTS:
        parser.add_argument(f"--{name}", default="training" if name == "against" else None)
    for name in _LISTS:
        parser.add_argument(f"--{name}", action="append")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--every", required=True)
    parser.add_argument("--workspace", required=True)
    parser.add_argument(WEBHOOK, action="store_true")
    read = vars(parser.parse_args(words))
    own = {name: read.pop(name) for name in ("workspace", "every", "webhook")}
    if read["threshold"] is not None:
        pairs = [word.rpartition("=") for word in read["threshold"]]
        read["threshold"] = {name if equals else None: value for name, equals, value in pairs}
    every = read_timeout(own["every"]) or 0.0
    return MonitorWords(workspace=own["workspace"], every=every, has_webhook=own["webhook"], given=read)


def check_alone(jobs: Backend, args: tuple[str, ...], what: str) -> None:
    """See that no job does the same already.

    Raises:
        ConflictError: one does.
    """
    from mlmagic.filters.parser import parse

    same = {word for word in args if word != WEBHOOK}
    for summary in jobs.list(states=UNFINISHED - {JobState.CANCELLING}, where=parse(f"kind={JobKind.MONITORING}")):
        try:
            there = jobs.get(summary.id)
        except NotFoundError:
            continue
        if {word for word in there.spec.args if word != WEBHOOK} == same:
            raise ConflictError(
                f"{summary.id} monitors {what} already, with the same options.",
                hint=f"Look at it: %jobs describe {summary.id}. For another in its place: %jobs cancel {summary.id}",
            )


def seconds_text(seconds: float) -> str:
    """Return `300s`."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
