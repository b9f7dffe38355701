"""Which columns a version needs: how much worse it answers when the values of one are put into other rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlmagic.api.evaluation_rows import EvaluationRows
from mlmagic.evaluation.directions import is_lower_better
from mlmagic.spec.evaluation import Importance, Importances
from mlmagic.spec.model import ModelVersion

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.evaluation.outcome import Outcome

MOST_ROWS = 10_000
REPEATS = 5
_PART = 32_768
_SEED = 20_130_101

Evaluate = Callable[[EvaluationRows], Sequence["Outcome"]]
"""Rows to an outcome for each version."""


def find_importances(versions: Sequence[ModelVersion], rows: EvaluationRows, evaluate: Evaluate) -> Importances:
    """Return by how much each version's first metric gets worse when a column is shuffled, in the mean of some times.

    Of many rows at most `MOST_ROWS` are looked at, evenly spread.
    """
    import numpy as np
    import pandas as pd

    few = replace(rows, every=max(rows.every, -(-rows.count // MOST_ROWS)))
    frame = pd.concat(list(few.frames()), ignore_index=True)
    chance = np.random.default_rng(_SEED)
    whole = evaluate(_of(few, frame))
    metric = next(iter(whole[0].metrics()))
    before = [outcome.metrics()[metric] for outcome in whole]
    found: list[dict[str, list[float]]] = [{} for _ in versions]
    for name in _columns(versions, rows, frame):
        for _ in range(REPEATS):
            shuffled = frame.copy(deep=False)
            shuffled[name] = frame[name].take(chance.permutation(len(frame))).set_axis(frame.index)
            for at, outcome in enumerate(evaluate(_of(few, shuffled))):
                worse = outcome.metrics().get(metric, math.nan) - before[at]
                found[at].setdefault(name, []).append(worse if is_lower_better(metric) else -worse)
    return Importances(
        metric=metric,
        rows=len(whole[0].actual),
        columns=tuple(each for version, of in zip(versions, found, strict=True) for each in _ordered(str(version), of)),
    )


def _of(rows: EvaluationRows, frame: pd.DataFrame) -> EvaluationRows:
    parts = range(0, len(frame), _PART)
    return replace(rows, by=None, every=1, count=len(frame), read=lambda: (frame.iloc[at : at + _PART] for at in parts))


def _columns(versions: Sequence[ModelVersion], rows: EvaluationRows, frame: pd.DataFrame) -> list[str]:
    """Return the columns that any version takes, without those that it only hands on."""
    from mlmagic.serving.frame_columns import handed_on_inputs
    from mlmagic.spec.model import Signature

    named: dict[str, None] = {}
    for version in versions:
        signature = version.signature or Signature()
        taken = rows.inputs(frame, signature).columns
        named |= dict.fromkeys(str(name) for name in taken if name not in handed_on_inputs(signature))
    return [name for name in named if name != rows.target]


def _ordered(version: str, found: Mapping[str, Sequence[float]]) -> tuple[Importance, ...]:
    """Return the importances of a version, the largest first."""
    import numpy as np

    made = []
    for name, values in found.items():
        mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))
        is_known = math.isfinite(mean)
        made.append(
            Importance(
                version=version, column=name, worse=mean if is_known else None, error=error if is_known else None
            )
        )
    return tuple(sorted(made, key=lambda each: math.inf if each.worse is None else -each.worse))
