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
            "Predict with a model's version and return a DataFrame with one row for each instance. While a model has "
            "no version, wait for the job that trains the first."
        ),
        arguments=(
            Argument(name="model", metavar="MODEL[@VERSION]", help="the model; its default version if none is named"),
            Argument(
                name="data",
                metavar="$DATA",
                kind=Kind.OBJECT,
                is_required=False,
                help="a DataFrame, a list of dicts or one dict, if the cell has no body",
            ),
        ),
        options=(
            Option(name="into", metavar="VAR", kind=Kind.VARIABLE, help="assign the predictions to this variable"),
        ),
        body='JSON: a list of instances, {"instances": [...]}, or one instance.',
        forms=(
            "%predict MODEL[@VERSION] $DATA [flags]",
            "%%predict MODEL[@VERSION] [flags]        with the instances as JSON below it",
        ),
        examples=(
            ("%predict taxi $trips", "ask the default version about the DataFrame trips"),
            ("answers = %predict taxi@2 {trips.head()}", "ask version 2 about what the expression gives"),
            ('%%predict taxi\n[{"distance": 3.1, "hour": 17}]', "ask about instances that stand in the cell"),
        ),
    ),
)


def predict(extension: Extension, line: Parsed) -> Any:
    """Return the predictions, or with --into assign and return them."""
    from mlmagic.api import prediction
    from mlmagic.magics.live import Notice

    notice = Notice(extension.panels)
    frame = prediction.predict(line["model"], _instances(extension, line), on_wait=notice)
    notice.finish(f"the first version of {line['model'].partition('@')[0]}")
    if line["into"]:
        extension.assign(line["into"], frame)
    return frame


def _instances(extension: Extension, line: Parsed) -> Any:
    data, model = line["data"], line["model"]
    body = line.body if line.body and line.body.strip() else None
    if (data is None) == (body is None):
        what = "has no instances" if data is None else "has instances on its line and in its body"
        raise UsageError(
            f"%predict {what}.",
            hint=f"From a variable: %predict {model} $data. As JSON: %%predict {model}, and the JSON below it.",
        )
    if isinstance(data, str) and data in extension.namespace:
        raise UsageError(f"{data} is a variable of the notebook: write %predict {model} ${data}")
    return body if data is None else data
