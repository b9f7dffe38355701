"""`%predict MODEL --explain`: which features moved the predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.tables import Kind, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.explanation import Explanation
    from mlmagic.magics.extension import Extension

_EXPLAIN = Option(
    name="explain",
    metavar="METHOD",
    kind=Kind.TEXT,
    choices=("auto", "shapley", "gradients"),
    bare="auto",
    help="tell which features moved each prediction, and by how much; alone, by the best method the model allows",
)
_DETAILS = (
    Option(
        name="baseline",
        metavar="FILE|$df",
        kind=Kind.OBJECT,
        help="of --explain: rows that are usual; by default the statistics of the training rows",
    ),
    Option(
        name="output-name",
        metavar="NAME",
        kind=Kind.TEXT,
        help="of --explain: which number, such as prediction_late, if the model returns several",
    ),
    Option(
        name="permutations",
        metavar="N",
        kind=Kind.COUNT,
        help="of --explain: how many orders of the features are tried, 128 if not given",
    ),
    Option(name="seed", metavar="N", kind=Kind.INTEGER, help="of --explain: of what is drawn, 0 if not given"),
)
EXPLAIN_OPTIONS = (_EXPLAIN, *_DETAILS)


def explain(extension: Extension, line: Parsed, instances: Mapping[str, Any]) -> Explanation:
    """Return what moved the predictions; with --into assign it, too."""
    from mlmagic.api import explanation
    from mlmagic.magics.live import Notice

    if line["no_join"]:
        raise UsageError("--no-join: an explanation has no columns of the instances anyway.")
    notice = Notice(extension.panels)
    given = {name: line[name] for name in ("permutations", "seed") if line[name] is not None}
    found = explanation.explain(
        line["model"],
        **instances,
        method=line["explain"],
        baseline=line["baseline"],
        output=line["output_name"],
        **given,
        on_wait=notice,
    )
    notice.finish(f"the first version of {line['model'].partition('@')[0]}")
    if line["into"]:
        extension.assign(line["into"], found)
    return found


def refuse_explain_options(line: Parsed) -> None:
    """Raise if flags of an explanation are given where there is none."""
    given = [option.flag for option in EXPLAIN_OPTIONS if line[option.key] is not None]
    if not given:
        return
    if line["output"] is not None:
        raise UsageError(
            f"{', '.join(given)}: a job with --output predicts, and does not explain.",
            hint=f"Explain some rows: %predict {line['model']} $data --explain",
        )
    raise UsageError(
        f"{', '.join(given)}: of an explanation, and none is asked for.",
        hint=f"%predict {line['model']} $data --explain {' '.join(given)} …",
    )
