"""`%predict` and `%%predict`: ask a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.predict_explain import EXPLAIN_OPTIONS, explain, refuse_explain_options
from mlmagic.magics.predict_files import INPUT, JOB_OPTIONS, OUTPUT, predict_files, refuse_job_options
from mlmagic.magics.submission import input_items
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension

PREDICT = Magic(
    name="predict",
    command=Command(
        summary=(
            "Predict with a model, and return a DataFrame with the instances and a prediction for each. A model that "
            "is deployed is asked through its endpoint, any other straight. While a model has no version, wait for the "
            "job that trains the first. With --output, predict for whole files, as a job that keeps their order."
        ),
        arguments=(
            Argument(
                name="model",
                metavar="MODEL[@VERSION]",
                help="the model; its endpoint, or its default version, answers if no version is named",
            ),
            Argument(
                name="data",
                metavar="$DATA",
                kind=Kind.OBJECT,
                is_required=False,
                help="a DataFrame, a list of dicts or one dict, or a file with them, if the cell has no body",
            ),
        ),
        options=(
            Option(name="no-join", help="return the predictions alone, without the instances' own columns"),
            Option(name="direct", help="ask the version itself, whatever is deployed"),
            Option(name="into", metavar="VAR", kind=Kind.VARIABLE, help="assign the result to this variable"),
            *EXPLAIN_OPTIONS,
            *(INPUT, OUTPUT, *JOB_OPTIONS),
        ),
        body='Instances. JSON: a list of them, {"instances": [...]}, or one. YAML: the same. CSV, with a header.',
        forms=(
            "%predict MODEL[@VERSION] $DATA [flags]",
            "%%predict MODEL[@VERSION] [flags]         with JSON, YAML or CSV below it",
            "%predict MODEL[@VERSION] FILE [flags]     CSV, JSON, JSON lines, YAML or Parquet",
            "%predict MODEL[@VERSION] --input PATTERN… --output FOLDER|FILE [flags]     a job",
        ),
        examples=(
            ("%predict taxi $trips", "ask about the DataFrame trips"),
            ("answers = %predict taxi@2 {trips.head()}", "ask version 2 about what the expression gives"),
            ("%predict taxi tomorrow.csv", "ask about the rows of a file"),
            ('%%predict taxi\n[{"distance": 3.1, "hour": 17}]', "ask about instances that stand in the cell"),
            ("%%predict taxi\ndistance,hour\n3.1,17\n0.8,9", "the same, as CSV"),
            ("%predict taxi $trips --explain", "tell which features moved each prediction, and by how much"),
            ("%predict taxi --input 'trips-*.parquet' --output predicted", "as a job, a file for each piece"),
            ("%predict taxi --input test.csv --output submission.csv --columns id,fare", "one file with two columns"),
        ),
    ),
)


def predict(extension: Extension, line: Parsed) -> Any:
    """Return the predictions, what explains them, or with --output the job that writes them."""
    from mlmagic.api import prediction
    from mlmagic.magics.live import Notice

    if line["output"] is not None:
        refuse_explain_options(line)
        return predict_files(extension, line)
    refuse_job_options(line)
    if line["explain"] is not None:
        return explain(extension, line, _instances(extension, line))
    refuse_explain_options(line)
    notice = Notice(extension.panels)
    frame = prediction.predict(
        line["model"],
        **_instances(extension, line),
        join=not line["no_join"],
        direct=line["direct"],
        on_wait=notice,
    )
    notice.finish(f"the first version of {line['model'].partition('@')[0]}")
    if line["into"]:
        extension.assign(line["into"], frame)
    return frame


def _instances(extension: Extension, line: Parsed) -> dict[str, Any]:
    model, files = line["model"], input_items(line, extension.namespace)
    body = line.body if line.body and line.body.strip() else None
    given = [*([line["data"]] if line["data"] is not None else []), *files, *([body] if body is not None else [])]
    if len(given) != 1:
        what = "has instances more than once" if given else "has no instances"
        typed = f"Typed: %%predict {model}, and JSON, YAML or CSV below it."
        if len(files) > 1 and len(given) == len(files):
            what, typed = "takes one file at a time", f"Or as a job: add --output FOLDER. {typed}"
        raise UsageError(
            f"%predict {what}.",
            hint=f"From a variable: %predict {model} $data. From a file: %predict {model} data.csv. {typed}",
        )
    if body is not None or not isinstance(given[0], str):
        return {"instances": given[0]}
    if given[0] in extension.namespace and not Path(given[0]).exists():
        raise UsageError(f"{given[0]} is a variable of the notebook: write %predict {model} ${given[0]}")
    return {"file": given[0]}
