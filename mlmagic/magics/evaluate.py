"""`%models evaluate`: how well versions answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmagic.errors import UsageError
from mlmagic.magics.own_display import OwnDisplay
from mlmagic.magics.tables import Argument, Command, Kind, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.evaluation import Evaluation

EVALUATE = Command(
    summary=(
        "tell how well a version answers on rows whose answers are known: metrics with their 95 % intervals, charts, "
        "slices. Of several versions, what each has differently from the first"
    ),
    arguments=(
        Argument(
            name="versions",
            metavar="MODEL[@VERSION]",
            kind=Kind.OBJECT,
            is_repeatable=True,
            help="a version or several; a DataFrame among them, $df, is what they are asked about",
        ),
    ),
    options=(
        Option(
            name="data",
            metavar="DATASET",
            kind=Kind.OBJECT,
            help="a dataset such as taxi or taxi@1, or $df; by default what the last version was trained on",
        ),
        Option(name="split", metavar="SPLIT", kind=Kind.TEXT, help="of the dataset; by default test, or else eval"),
        Option(name="target", metavar="COLUMN", kind=Kind.TEXT, help="what is so; by default the dataset's target"),
        Option(
            name="by",
            metavar="COLUMN",
            kind=Kind.TEXT,
            help="tell rows apart by its values, or by ranges of its numbers",
        ),
        Option(name="output", metavar="NAME", kind=Kind.TEXT, help="of several outputs the one that tells the target"),
        Option(
            name="labels",
            metavar="A,B,C",
            kind=Kind.TEXT,
            help="the classes in the order of the model's outputs, where that is not known",
        ),
        Option(
            name="positive", metavar="CLASS", kind=Kind.TEXT, help="of two classes, the one that metrics are told of"
        ),
        Option(
            name="threshold",
            metavar="PART",
            kind=Kind.TEXT,
            help="the probability above which a row counts as positive; by default what the model says itself, or 0.5",
        ),
        Option(name="limit", metavar="ROWS", kind=Kind.COUNT, help="look at so many rows at most, evenly spread"),
        Option(name="importance", help="tell which columns it needs: how much worse it does when one is shuffled"),
    ),
    examples=(
        ("%models evaluate taxi", "the default version on the test rows of what it was trained on"),
        ("%models evaluate taxi@1 taxi@2 --data taxi --by payment", "two versions side by side, by payment"),
        ("%models evaluate taxi@2 $rides --target fare", "on the rows of a DataFrame"),
    ),
)


def evaluate(line: Parsed) -> Evaluation:
    """Return the evaluation that the line asks for."""
    from mlmagic.api import evaluation as api

    versions = [each for each in line["versions"] if isinstance(each, str)]
    frames = [each for each in line["versions"] if not isinstance(each, str)]
    data = line["data"]
    if frames and (len(frames) > 1 or data is not None):
        raise UsageError("%models evaluate takes the rows once: as $df or with --data.")
    if not versions:
        raise UsageError("%models evaluate has rows, and no version.", hint="%models evaluate MODEL[@VERSION] $df")
    options = {name: line[name] for name in ("split", "target", "by", "output", "labels", "positive", "limit")}
    data = frames[0] if frames else data
    if line["importance"]:
        options["importance"] = True
    return api.evaluate(*versions, data=data, threshold=_number(line["threshold"]), **options)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--threshold {text}: it is a probability between 0 and 1.") from None


class EvaluationDisplay(OwnDisplay):
    """Shows an evaluation with its charts before it, as two outputs: of one, JupyterLab shows a part only."""

    module, name = "mlmagic.api.evaluation", "Evaluation"

    def show(self, shown: Evaluation) -> None:
        """Show charts and page."""
        for part in (shown.charts, shown):
            self._shell.display_pub.publish(part._repr_mimebundle_(), {})
