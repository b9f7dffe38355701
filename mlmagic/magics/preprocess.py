"""`%%preprocess` and `%preprocess`: files, and a cell that cleans them, become a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.magics.expansion import lookup
from mlmagic.magics.job_options import BACKEND, BUDGET, EXPORT, INTO, LABEL, MEMORY, PRIORITY, TIMEOUT, WAIT, WITH, YES
from mlmagic.magics.reading_options import CORES, MAX_REJECTED, TABLE_OPTIONS, WORKERS, common_arguments
from mlmagic.magics.submission import carry_out, input_items
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.api.preprocessing import PreprocessingPlan
    from mlmagic.magics.extension import Extension

_CLEAN = "def clean(batch: pd.DataFrame):\n    return batch[batch.fare >= 2.5]"

PREPROCESS = Magic(
    name="preprocess",
    command=Command(
        summary=(
            "Read files, clean and split their rows, gather statistics, and store the result as a new version of a "
            "dataset: a job of Apache Beam, which shows its progress here. The cell itself does not run in this "
            "kernel. What comes after -- goes to Beam's own options."
        ),
        arguments=(Argument(name="name", metavar="NAME", help="the dataset's name, and the job's"),),
        options=(
            Option(
                name="input",
                metavar="PATTERN…",
                kind=Kind.OBJECT,
                is_repeatable=True,
                takes_several=True,
                help="files, 'rides-*.csv', gs://… or bq://project.dataset.table, or $df for a DataFrame",
            ),
            Option(name="target", metavar="COLUMN", kind=Kind.TEXT, help="what models are to learn"),
            Option(
                name="key",
                metavar="COLUMN",
                kind=Kind.TEXT,
                help="what names a row; all rows of a key get into one split",
            ),
            Option(
                name="split",
                metavar="RULE",
                kind=Kind.OBJECT,
                help="fractions, train=0.8,eval=0.1,test=0.1 if not given; or starts, eval=2013-11-01,test=2013-12-01",
            ),
            Option(
                name="split-time", metavar="COLUMN", kind=Kind.TEXT, help="split by this time, the earliest rows first"
            ),
            Option(
                name="features",
                metavar="FILE",
                kind=Kind.OBJECT,
                help="a YAML or JSON file, or $dict, that declares features; else they are inferred",
            ),
            MAX_REJECTED,
            Option(
                name="format",
                metavar="FORMAT",
                kind=Kind.TEXT,
                choices=("csv", "jsonl", "parquet", "tfrecord"),
                help="of the files, if their names do not tell",
            ),
            *TABLE_OPTIONS,
            Option(
                name="runner", metavar="RUNNER", kind=Kind.TEXT, help="local if not given, dataflow, or one of Beam's"
            ),
            WORKERS,
            Option(
                name="output", metavar="FOLDER", kind=Kind.TEXT, help="a bucket's, of --runner dataflow and its like"
            ),
            WITH,
            LABEL,
            TIMEOUT,
            CORES,
            MEMORY,
            PRIORITY,
            Option(
                name="max-retries",
                metavar="N",
                kind=Kind.INTEGER,
                default=0,
                help="start again after a failure, this often",
            ),
            WAIT,
            INTO,
            Option(name="dry-run", help="show package and commands; start nothing"),
            EXPORT,
            BACKEND,
            BUDGET,
            YES,
        ),
        takes_program=True,
        body=(
            "Optional. Python: def clean(batch) takes and returns a pandas DataFrame, or, annotated so, a "
            "pyarrow.RecordBatch, which is faster; or def clean_row(row) takes a dict and returns it, a list of them, "
            "or None, and is slow. features = {...} declares what models see of each column. Or YAML: features alone. "
            "What the code needs from cells that ran before comes along."
        ),
        forms=(
            "%%preprocess NAME --input PATTERN… [flags] [-- Beam options]    with code or YAML below it",
            "%preprocess NAME --input PATTERN… [flags] [-- Beam options]",
        ),
        examples=(
            ("%preprocess rides --input 'rides-*.csv' --target fare", "rows as they are; features are inferred"),
            (
                "%%preprocess rides --input 'rides-*.csv' --key id\n" + _CLEAN,
                "leave rows out; the same id is always in the same split",
            ),
            (
                "%%preprocess rides --input $trips --target fare\nmiles: numeric\npayment: {type: categorical}",
                "from a DataFrame, with two features",
            ),
            (
                "%preprocess rides --input a.csv b.csv --split-time start --split eval=2013-11-01,test=2013-12-01",
                "what is later is for evaluation and test",
            ),
        ),
    ),
)

_PASSED_ON = ("name", "target", "key", "split", "split_time", "features", "runner")


def preprocess(extension: Extension, line: Parsed) -> Job | PreprocessingPlan:
    """Start a job, or with --dry-run and --export show what would be started."""
    from mlmagic.api.preprocessing import plan_preprocessing

    return carry_out(extension, line, plan_preprocessing(**_arguments(extension, line)))


def _arguments(extension: Extension, line: Parsed) -> dict[str, Any]:
    arguments = common_arguments(line) | {key: line[key] for key in _PASSED_ON}
    arguments["input"] = input_items(line, extension.namespace)
    arguments["ship"] = {name: lookup(name, extension.namespace) for name in line["with"]}
    arguments["args"] = line.program
    if line.body and line.body.strip():
        arguments["cell"] = extension.history.magic_cell(line.body, line.body_first_line)
    return arguments
