"""Beam's options for each runner: all that differs between this machine and Dataflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

from mlmagic.errors import UsageError, nearest
from mlmagic.preprocessing.arguments import DATAFLOW, DATAFLOW_NEEDS, LOCAL, Arguments


def pipeline_options(arguments: Arguments, package: Path) -> PipelineOptions:
    """Return the options of a run. `package` is the folder with setup.py that workers elsewhere install.

    Raises:
        UsageError: an option that Beam does not have, or one that is missing.
    """
    _check_known(arguments.beam)
    if arguments.runner == LOCAL:
        flags = local_flags(arguments.workers)
    elif arguments.runner == DATAFLOW:
        _check_dataflow(arguments)
        flags = ["--runner=DataflowRunner", *_staging_flags(arguments.beam, package)]
    else:
        flags = [f"--runner={arguments.runner}"]
    # The functions of the cell are imported by name: nothing of the main module has to travel.
    return PipelineOptions([*flags, "--no_save_main_session", *arguments.beam])


def local_flags(workers: int) -> list[str]:
    """Return Beam's flags for so many threads of this process."""
    if workers == 1:
        return ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
    return [f"--direct_num_workers={workers}", "--direct_running_mode=multi_threading"]


def _staging_flags(given: Sequence[str], package: Path) -> Iterator[str]:
    names = {word.partition("=")[0] for word in given}
    if not {"--setup_file", "--extra_package"} & names:
        yield f"--setup_file={package / 'setup.py'}"


def _check_dataflow(arguments: Arguments) -> None:
    names = {word.partition("=")[0] for word in arguments.beam}
    problems = [f"{flag}: missing; {what}" for flag, what in DATAFLOW_NEEDS.items() if flag not in names]
    if not arguments.output.startswith("gs://"):
        problems.append(f"--output {arguments.output}: Dataflow's workers write to a bucket, gs://…")
    local = [pattern for pattern in arguments.inputs if not pattern.startswith(("gs://", "bq:"))]
    if local:
        problems.append(
            f"--input {' '.join(local)}: Dataflow's workers read from buckets, gs://…, and BigQuery, bq://…"
        )
    if problems:
        raise UsageError("--runner dataflow needs more to run.", problems=problems)


def _check_known(words: Sequence[str]) -> None:
    # Beam itself drops what it does not know, and says so in a log.
    parser = _BeamArgumentParser(allow_abbrev=False, add_help=False)
    for kind in PipelineOptions.__subclasses__():
        kind._add_argparse_args(parser)  # noqa: SLF001 - as Beam does it
    _, unknown = parser.parse_known_args(list(words))
    if unknown:
        known = [flag for action in parser._actions for flag in action.option_strings]  # noqa: SLF001 - no public list
        raise UsageError(
            "Beam has no such options.",
            problems=[f"{word}: {nearest(word.partition('=')[0], known, limit=1) or 'unknown'}" for word in unknown],
        )
