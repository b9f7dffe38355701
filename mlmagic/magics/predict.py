"""`%predict` and `%%predict`: ask a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension

PREDICT = Magic(
    name="predict",
    command=Command(
        summary=(
            "Predict with a model, and return a DataFrame with the instances and a prediction for each. A model that "
            "is deployed is asked through its endpoint, any other straight. While a model has no version, wait for the "
            "job that trains the first."
        ),
        arguments=(
            Argument(
                name="model",
                metavar="MODEL[@VERSION]",
                help="the model; its endpoint, or its default version, answers if no version is named",
            ),
            Argument(
                name="data",
                metavar="$DATA|FILE",
                kind=Kind.OBJECT,
                is_required=False,
                help="a DataFrame, a list of dicts or one dict, or a file with them, if the cell has no body",
            ),
        ),
        options=(
            Option(name="no-join", help="return the predictions alone, without the instances' own columns"),
            Option(name="direct", help="ask the version itself, whatever is deployed"),
            Option(name="into", metavar="VAR", kind=Kind.VARIABLE, help="assign the result to this variable"),
        ),
        body='Instances. JSON: a list of them, {"instances": [...]}, or one. YAML: the same. CSV, with a header.',
        forms=(
            "%predict MODEL[@VERSION] $DATA [flags]",
            "%predict MODEL[@VERSION] FILE [flags]     CSV, JSON, JSON lines, YAML or Parquet",
            "%%predict MODEL[@VERSION] [flags]         with the instances as JSON, YAML or CSV below it",
        ),
        examples=(
            ("%predict taxi $trips", "ask about the DataFrame trips"),
            ("answers = %predict taxi@2 {trips.head()}", "ask version 2 about what the expression gives"),
            ("%predict taxi tomorrow.csv", "ask about the rows of a file"),
            ('%%predict taxi\n[{"distance": 3.1, "hour": 17}]', "ask about instances that stand in the cell"),
            ("%%predict taxi\ndistance,hour\n3.1,17\n0.8,9", "the same, as CSV"),
        ),
    ),
)


def predict(extension: Extension, line: Parsed) -> Any:
    """Return the predictions, or with --into assign and return them."""
    from mlmagic.api import prediction
    from mlmagic.magics.live import Notice

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
    data, model = line["data"], line["model"]
    body = line.body if line.body and line.body.strip() else None
    if (data is None) == (body is None):
        what = "has no instances" if data is None else "has instances on its line and in its body"
        raise UsageError(
            f"%predict {what}.",
            hint=(
                f"From a variable: %predict {model} $data. From a file: %predict {model} data.csv. Typed: "
                f"%%predict {model}, and JSON, YAML or CSV below it."
            ),
        )
    if body is not None:
        return {"instances": body}
    if not isinstance(data, str):
        return {"instances": data}
    if data in extension.namespace:
        raise UsageError(f"{data} is a variable of the notebook: write %predict {model} ${data}")
    return {"file": data}
