"""`%predict MODEL --input FILES --output FOLDER`: predictions for whole files, as a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.job_options import BACKEND, BUDGET, EXPORT, LABEL, MEMORY, PRIORITY, TIMEOUT, WAIT, YES
from mlmagic.magics.reading_options import CORES, MAX_REJECTED, TABLE_OPTIONS, WORKERS, common_arguments
from mlmagic.magics.submission import carry_out, input_items
from mlmagic.magics.tables import Kind, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.batch_prediction import BatchPlan
    from mlmagic.api.job import Job
    from mlmagic.magics.extension import Extension

INPUT = Option(
    name="input",
    metavar="PATTERN…",
    kind=Kind.OBJECT,
    is_repeatable=True,
    takes_several=True,
    help="files of rows, 'rides-*.csv'; with --output a job predicts for all of them",
)
OUTPUT = Option(
    name="output",
    metavar="FOLDER|FILE",
    kind=Kind.TEXT,
    help="where the job writes: a folder, or one file that ends in .csv, .jsonl or .parquet",
)
_FORMAT = Option(
    name="format",
    metavar="FORMAT",
    kind=Kind.TEXT,
    choices=("csv", "jsonl", "parquet"),
    help="of the files, if their names do not tell",
)
JOB_OPTIONS = (
    Option(
        name="columns",
        metavar="A,B=C",
        kind=Kind.OBJECT,
        help="what the output has: id,fare or id,fare=prediction; by default all columns and the predictions",
    ),
    *(MAX_REJECTED, _FORMAT, *TABLE_OPTIONS),
    Option(
        name="engine",
        metavar="ENGINE",
        kind=Kind.TEXT,
        choices=("auto", "session", "onnx"),
        help="what computes: TensorFlow in a session, ONNX Runtime, or what is best if not given",
    ),
    Option(
        name="runner",
        metavar="RUNNER",
        kind=Kind.TEXT,
        choices=("direct", "dataflow"),
        help="a pipeline of Beam does the work: on this machine, or on Google Cloud's Dataflow",
    ),
    Option(name="name", metavar="NAME", kind=Kind.TEXT, help="the job's; MODEL-predictions if not given"),
    *(WORKERS, LABEL, TIMEOUT, CORES, MEMORY, PRIORITY),
    Option(
        name="max-retries",
        metavar="N",
        kind=Kind.INTEGER,
        default=0,
        help="start again after a failure, this often, where it was",
    ),
    *(WAIT, Option(name="dry-run", help="show package and command; start nothing"), EXPORT, BACKEND, BUDGET, YES),
)
"""Of a job alone: each needs --output."""


def predict_files(extension: Extension, line: Parsed) -> Job | BatchPlan:
    """Start a job, or with --dry-run and --export show what would be started."""
    from mlmagic.api.batch_prediction import plan_predict_files
    from mlmagic.magics.live import Notice

    notice = Notice(extension.panels)
    plan = plan_predict_files(line["model"], **_arguments(extension, line), on_wait=notice)
    notice.finish(f"the first version of {line['model'].partition('@')[0]}")
    return carry_out(extension, line, plan)


def refuse_job_options(line: Parsed) -> None:
    """Raise if flags of a job are given, and no output that would make one."""
    given = [option.flag for option in JOB_OPTIONS if line[option.key] not in (option.default, [], {}, False, None)]
    if given:
        raise UsageError(
            f"{', '.join(given)}: for a job that predicts whole files, and this is none without --output.",
            hint=f"%predict {line['model']} --input FILES --output FOLDER",
        )


def _arguments(extension: Extension, line: Parsed) -> dict[str, Any]:
    taken = {"rows": line["data"] is not None, "--no-join": line["no_join"], "--direct": line["direct"]}
    taken["a body"] = bool(line.body and line.body.strip())
    if superfluous := [name for name, is_given in taken.items() if is_given]:
        raise UsageError(
            f"%predict with --output reads files: {', '.join(superfluous)} cannot be given with it.",
            hint=f"%predict {line['model']} --input FILES --output FOLDER",
        )
    inputs = input_items(line, extension.namespace)
    if not inputs:
        raise UsageError("%predict --output needs the files to read.", hint=f"%predict {line['model']} --input FILES …")
    own = {key: line[key] for key in ("columns", "name", "runner")}
    return common_arguments(line) | {"inputs": inputs, "engine": line["engine"] or "auto", **own}
