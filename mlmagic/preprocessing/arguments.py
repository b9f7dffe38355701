"""The flags of `python -m preprocessor.task`."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mlmagic.errors import UsageError, nearest
from mlmagic.preprocessing.read_arguments import ReadOptions, add_read_arguments, read_options
from mlmagic.spec.dataset import SplitBy, SplitRule

LOCAL = "local"
DATAFLOW = "dataflow"
DATAFLOW_NEEDS = {
    "--project": "the project that is billed",
    "--region": "such as europe-west4",
    "--temp_location": "a folder in a bucket, gs://…, for what workers exchange",
}
"""Options of Beam without which nothing runs there."""
DEFAULT_SPLIT = "train=0.8,eval=0.1,test=0.1"
_SPLIT_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectLimit:
    """How many rows may be rejected: a number, or a part of those that were read."""

    rows: int | None = None
    part: float | None = None

    def allows(self, rejected: int, read: int) -> bool:
        """Say whether so many of so many are within the limit."""
        return rejected <= self.rows if self.rows is not None else rejected <= (self.part or 0.0) * read

    def __str__(self) -> str:
        return f"{self.rows:,}" if self.rows is not None else f"{100 * (self.part or 0.0):g}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What one run is to do."""

    inputs: tuple[str, ...]
    output: str
    target: str | None = None
    key: str | None = None
    split: SplitRule
    max_rejected: RejectLimit
    read: ReadOptions
    runner: str = LOCAL
    workers: int
    beam: tuple[str, ...] = ()
    """What Beam's own options are made of."""
    parts: str | None = None
    """The folder for what is not finished; None for one in the output."""
    submitted: str | None = None
    """The file that gets the id of Dataflow's job, which nobody waits for then."""


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the program's arguments; a word that is no flag ends the program with its usage.

    Raises:
        UsageError: values that do not fit, all of them.
    """
    parser = _parser()
    own, separator, rest = _divided(list(argv))
    args, unknown = parser.parse_known_args(own)
    if unknown and args.runner == LOCAL:
        flags = [flag for action in parser._actions for flag in action.option_strings]  # noqa: SLF001 - no public list
        hints = [
            nearest(unknown[0].partition("=")[0], flags, limit=1),
            "" if separator else "Words after `--` go to Beam.",
        ]
        parser.error(f"unrecognized arguments: {' '.join(unknown)}. {' '.join(filter(None, hints))}")
    return _arguments(args, (*unknown, *rest))


def parse_split(text: str, time_column: str | None, key: str | None) -> SplitRule:
    """Read `train=0.8,eval=0.2`, or by time `eval=2013-11-01,test=2013-12-01`.

    Raises:
        ValueError: with what is wrong.
    """
    values = _pairs(text)
    starts = {name: _moment(value) for name, value in values.items() if _is_moment(value)}
    if starts:
        return SplitRule(
            by=SplitBy.TIME, column=time_column, fractions={}, starts=_checked_starts(values, starts, time_column)
        )
    fractions = {name: _fraction(name, value) for name, value in values.items()}
    if abs(sum(fractions.values()) - 1) > 1e-6:
        raise ValueError(f"the fractions add up to {sum(fractions.values()):g}, not to 1")
    if not fractions.get("train"):
        raise ValueError("there is no split `train`, from which models and features learn")
    if time_column is not None:
        return SplitRule(by=SplitBy.TIME, column=time_column, fractions=fractions)
    return SplitRule(by=SplitBy.KEY if key else SplitBy.ROW, column=key, fractions=fractions)


def parse_limit(text: str) -> RejectLimit:
    """Read `1%` or `1000`.

    Raises:
        ValueError: it is neither.
    """
    number = text.removesuffix("%").strip()
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    is_part = text.endswith("%")
    if not (0 <= value <= 100 if is_part else value >= 0 and value.is_integer()):
        raise ValueError("it takes a percentage from 0% to 100%, or a number of rows")
    return RejectLimit(part=value / 100) if is_part else RejectLimit(rows=int(value))


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Read, clean, divide and describe rows, and write them as a dataset.", allow_abbrev=False
    )
    parser.add_argument(
        "--input", nargs="+", required=True, metavar="PATTERN", help="files, with * and ?; also gs:// and bq://"
    )
    parser.add_argument(
        "--output", default=os.environ.get("AIP_MODEL_DIR"), metavar="DIR", help="default: $AIP_MODEL_DIR"
    )
    parser.add_argument("--target", metavar="COLUMN", help="what models are to predict")
    parser.add_argument("--key", metavar="COLUMN", help="what names a row; rows of one key stay in one split")
    parser.add_argument(
        "--split", default=DEFAULT_SPLIT, help=f"fractions, or starts by time (default: {DEFAULT_SPLIT})"
    )
    parser.add_argument("--split-time", metavar="COLUMN", help="divide by this column of times, the earliest first")
    parser.add_argument(
        "--max-rejected", default="1%", metavar="N", help="fail beyond so many rows, or N%% (default: 1%%)"
    )
    parser.add_argument("--runner", default=LOCAL, help="local, dataflow, or the name of a runner of Beam")
    parser.add_argument("--workers", type=int, metavar="N", help="threads (default: one for each core)")
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)  # nothing here is random
    # Of the program that only sends a job, whose end others watch.
    parser.add_argument("--parts", help=argparse.SUPPRESS)
    parser.add_argument("--submitted", help=argparse.SUPPRESS)
    add_read_arguments(parser)
    return parser


def _divided(argv: list[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in argv:
        return argv, False, []
    place = argv.index("--")
    return argv[:place], True, argv[place + 1 :]


def _arguments(args: argparse.Namespace, beam: tuple[str, ...]) -> Arguments:
    problems = []
    if not args.output:
        problems.append("--output: needed where AIP_MODEL_DIR is not set")
    if args.workers is not None and args.workers < 1:
        problems.append(f"--workers {args.workers}: at least 1")
    if args.target is not None and args.target == args.key:
        problems.append(f"--key {args.key}: it is the target already")
    split, limit, read = SplitRule(), RejectLimit(part=0.01), None
    try:
        split = parse_split(args.split, args.split_time, args.key)
    except ValueError as error:
        problems.append(f"--split {args.split}: {error}")
    try:
        limit = parse_limit(args.max_rejected)
    except ValueError as error:
        problems.append(f"--max-rejected {args.max_rejected}: {error}")
    try:
        read = read_options(args)
    except UsageError as error:
        problems += error.problems or [error.message]
    if problems or read is None:
        raise UsageError("Some arguments do not fit.", problems=problems)
    return Arguments(
        inputs=tuple(args.input),
        output=args.output,
        target=args.target,
        key=args.key,
        split=split,
        max_rejected=limit,
        read=read,
        runner=args.runner,
        workers=args.workers or cores(),
        beam=beam,
        parts=args.parts,
        submitted=args.submitted,
    )


def _pairs(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in filter(None, (word.strip() for word in text.split(","))):
        name, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not value:
            raise ValueError(f"{word!r} is not NAME=FRACTION, such as {DEFAULT_SPLIT}")
        if not _SPLIT_NAME.fullmatch(name) or name == "rejected":
            raise ValueError(f"{name!r} cannot name a split: lower-case letters, digits, - and _")
        if name in values:
            raise ValueError(f"{name} stands there twice")
        values[name] = value
    return values


def _fraction(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name}={text}: neither a fraction such as 0.1 nor a date such as 2013-11-01") from None
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={text}: a fraction is from 0 to 1")
    return value


def _is_moment(text: str) -> bool:
    return re.match(r"\d{4}-", text) is not None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no date such as 2013-11-01 or 2013-11-01T06:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _checked_starts(
    values: dict[str, str], starts: dict[str, datetime], time_column: str | None
) -> dict[str, datetime]:
    if time_column is None:
        raise ValueError("dates divide by time, and --split-time has to name the column")
    if "train" in values:
        raise ValueError("train is what lies before the other splits and has no start")
    if len(starts) < len(values):
        raise ValueError("either all are dates, or all are fractions")
    if len(set(starts.values())) < len(starts):
        raise ValueError("two splits start at the same time")
    return starts
