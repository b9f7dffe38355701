"""The flags of `python -m predictor.task`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlmagic.errors import UsageError
from mlmagic.preprocessing.arguments import DATAFLOW, RejectLimit, cores, parse_limit
from mlmagic.preprocessing.read_arguments import ReadOptions, add_read_arguments, read_options
from mlmagic.serving.batch.output_columns import OutputColumn, parse_columns
from mlmagic.serving.batch.target import Target, read_target
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.names import ModelReference, parse_model_reference

DEFAULT_LIMIT = "1%"
DIRECT = "direct"
RUNNERS = (DIRECT, DATAFLOW)
"""Of Beam; without one, threads of this program do the work."""
_ENGINES = ", ".join(EngineChoice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Where a pipeline for Dataflow finds its model, and leaves its files: told by who sends it."""

    artifact: str
    """The model's folder or file in the bucket."""
    parts: str
    """The folder for what workers write."""
    submitted: str
    """The file here that gets the id of Dataflow's job."""
    beam: tuple[str, ...]
    """What Beam's own options are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What one run is to do."""

    model: ModelReference
    workspace: Path
    inputs: tuple[str, ...]
    target: Target
    columns: tuple[OutputColumn, ...] = ()
    """What the output has; none stands for all columns of the input and all predictions."""
    max_rejected: RejectLimit
    read: ReadOptions
    text_types: Mapping[str, ColumnType] = field(default_factory=dict)
    """What columns hold that the model takes as text: times are brought into the form that it learned."""
    engine: EngineChoice = EngineChoice.AUTO
    workers: int
    runner: str | None = None
    sending: Sending | None = None


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the program's arguments; a word that is no flag ends the program with its usage.

    Raises:
        UsageError: values that do not fit, all of them.
    """
    own, beam = _divided(list(argv))
    args = _parser().parse_args(own)
    problems: list[str] = []
    columns: tuple[OutputColumn, ...] = ()
    model, target, limit, read = None, None, RejectLimit(part=0.01), None
    texts: Mapping[str, ColumnType] = {}
    try:
        model = parse_model_reference(args.model)
    except UsageError as error:
        problems.append(f"--model {args.model}: {error.message}")
    try:
        target = read_target(args.output)
    except UsageError as error:
        problems.append(error.message)
    try:
        columns = parse_columns(args.columns) if args.columns is not None else ()
    except ValueError as error:
        problems.append(f"--columns {args.columns}: {error}")
    try:
        limit = parse_limit(args.max_rejected)
    except ValueError as error:
        problems.append(f"--max-rejected {args.max_rejected}: {error}")
    try:
        read = read_options(args)
        texts = read_options(argparse.Namespace(**{**vars(args), "types": args.text_types})).types
    except UsageError as error:
        problems += error.problems or [error.message]
    if args.engine not in set(EngineChoice):
        problems.append(f"--engine {args.engine}: it is one of {_ENGINES}")
    if args.workers is not None and args.workers < 1:
        problems.append(f"--workers {args.workers}: at least 1")
    if args.runner not in {None, *RUNNERS}:
        problems.append(f"--runner {args.runner}: it is one of {', '.join(RUNNERS)}")
    if problems or model is None or target is None or read is None:
        raise UsageError("Some arguments do not fit.", problems=problems)
    return Arguments(
        model=model,
        workspace=Path(args.workspace),
        inputs=tuple(args.input),
        target=target,
        columns=columns,
        max_rejected=limit,
        read=read,
        text_types=texts,
        engine=EngineChoice(args.engine),
        workers=args.workers or cores(),
        runner=args.runner,
        sending=_sending(args, beam),
    )


def _divided(argv: list[str]) -> tuple[list[str], tuple[str, ...]]:
    place = argv.index("--") if "--" in argv else len(argv)
    return argv[:place], tuple(argv[place + 1 :])


def _sending(args: argparse.Namespace, beam: tuple[str, ...]) -> Sending | None:
    if args.submitted is None:
        return None
    return Sending(artifact=args.artifact, parts=args.parts, submitted=args.submitted, beam=beam)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m predictor.task", description="Predict the rows of files with a model.", allow_abbrev=False
    )
    parser.add_argument("--model", required=True, metavar="MODEL@VERSION")
    parser.add_argument("--workspace", required=True, metavar="DIR", help="the folder .mlmagic that has the model")
    parser.add_argument("--input", nargs="+", required=True, metavar="PATTERN", help="files, with * and ?")
    parser.add_argument(
        "--output", required=True, metavar="DIR|FILE", help="a folder for many files, or one .csv, .jsonl or .parquet"
    )
    parser.add_argument(
        "--columns", metavar="A,B=C,…", help="what the output has: columns of the input and predictions; B=C renames C"
    )
    parser.add_argument(
        "--max-rejected", default=DEFAULT_LIMIT, metavar="N", help="fail beyond so many rows, or N%% (default: 1%%)"
    )
    parser.add_argument("--engine", default="auto", help=f"what computes: {_ENGINES} (default: %(default)s)")
    parser.add_argument("--workers", type=int, metavar="N", help="threads (default: one for each core)")
    parser.add_argument("--runner", metavar="RUNNER", help="of Beam: direct, on this machine, or dataflow")
    for flag in ("--artifact", "--parts", "--submitted"):
        parser.add_argument(flag, help=argparse.SUPPRESS)  # of the program that sends a pipeline to Dataflow
    parser.add_argument(
        "--text-types", metavar="COL=TYPE,…", help="what columns hold that the model takes as text, such as timestamp"
    )
    add_read_arguments(parser)
    return parser
