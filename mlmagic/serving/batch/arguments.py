"""The flags of `python -m predictor.task`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import UsageError
from mlmagic.preprocessing.arguments import RejectLimit, cores, parse_limit
from mlmagic.preprocessing.read_arguments import ReadOptions, add_read_arguments, read_options
from mlmagic.serving.batch.picking import Picked, parse_columns
from mlmagic.serving.batch.target import Target, read_target
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.names import ModelReference, parse_model_reference

DEFAULT_LIMIT = "1%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What one run is to do."""

    model: ModelReference
    workspace: Path
    inputs: tuple[str, ...]
    target: Target
    columns: tuple[Picked, ...] = ()
    """What the output has; none stands for all columns of the input and all predictions."""
    max_rejected: RejectLimit
    read: ReadOptions
    engine: EngineChoice = EngineChoice.AUTO
    workers: int


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the program's arguments; a word that is no flag ends the program with its usage.

    Raises:
        UsageError: values that do not fit, all of them.
    """
    args = _parser().parse_args(list(argv))
    problems: list[str] = []
    columns: tuple[Picked, ...] = ()
    model, target, limit, read = None, None, RejectLimit(part=0.01), None
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
    except UsageError as error:
        problems += error.problems or [error.message]
    if args.workers is not None and args.workers < 1:
        problems.append(f"--workers {args.workers}: at least 1")
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
        engine=EngineChoice(args.engine),
        workers=args.workers or cores(),
    )


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
    choices = [choice.value for choice in EngineChoice]
    parser.add_argument("--engine", choices=choices, default="auto", help="what computes (default: %(default)s)")
    parser.add_argument("--workers", type=int, metavar="N", help="threads (default: one for each core)")
    add_read_arguments(parser)
    return parser
