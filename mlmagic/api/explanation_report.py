"""What an explanation shows, from what was found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mlmagic.api.explanation import Explanation
from mlmagic.spec.explanation import Contribution, ExplainedRow, ExplanationReport, Influence
from mlmagic.spec.model import TensorSpec

if TYPE_CHECKING:
    from mlmagic.api.explanation_work import Found, Work

_SHOWN_ROWS = 5
_LONGEST_VALUE = 40


def make_explanation(work: Work, found: Found) -> Explanation:
    """Return the explanation of all rows, with a report that shows the first ones."""
    import numpy as np
    import pandas as pd

    amounts = found.contributions.amounts
    count = len(amounts)
    index = pd.RangeIndex(count) if work.index is None else work.index
    names = [player.name for player in work.players]
    sizes = np.abs(amounts).mean(axis=0).tolist()
    order = sorted(range(len(names)), key=lambda at: (-_size(sizes[at]), at))
    report = ExplanationReport(
        version=str(work.version),
        output=work.target.text,
        method=found.method,
        baseline=found.baseline,
        rows=count,
        samples=found.samples,
        seed=found.seed,
        influences=tuple(Influence(feature=names[at], mean_size=_finite(sizes[at])) for at in order),
        shown=tuple(_row(work, found, index, at) for at in range(min(count, _SHOWN_ROWS))),
        notes=(*found.notes, *_notes(work, found)),
    )
    errors = found.contributions.errors
    return Explanation(
        report=report,
        contributions=pd.DataFrame(amounts, index=index, columns=names),
        errors=None if errors is None else pd.DataFrame(errors, index=index, columns=names),
        predictions=pd.Series(work.predictions, index=index, name=work.target.name),
        baselines=pd.Series(found.contributions.baselines, index=index, name="baseline"),
    )


def _row(work: Work, found: Found, index: Any, at: int) -> ExplainedRow:
    errors = found.contributions.errors
    amounts = found.contributions.amounts[at].tolist()
    specs = {spec.name: spec for spec in work.signature.inputs}
    prediction, baseline = float(work.predictions[at]), float(found.contributions.baselines[at])
    made = [
        Contribution(
            feature=player.name,
            value=_told(player.values(work.columns)[at], specs[player.input]),
            amount=_finite(amounts[place]),
            error=None if errors is None else _finite(float(errors[at, place])),
        )
        for place, player in enumerate(work.players)
    ]
    gap = _finite(prediction - baseline - sum(amounts))
    return ExplainedRow(
        row=str(index[at]),
        output=work.target.called(int(work.outputs[at])),
        prediction=_finite(prediction),
        baseline=_finite(baseline),
        contributions=tuple(sorted(made, key=lambda each: -_size(each.amount))),
        gap=gap or 0.0,
    )


def _notes(work: Work, found: Found) -> list[str]:
    import numpy as np

    told = []
    amounts = found.contributions.amounts
    if without := int((~np.isfinite(amounts).all(axis=1)).sum()):
        told.append(
            f"{work.version} answers NaN, or what is not finite, for {without:,} of the rows or for draws of them: "
            "these have no contributions."
        )
    if found.contributions.errors is None:
        wanted = work.predictions - found.contributions.baselines
        missed, size = np.abs(amounts.sum(axis=1) - wanted).sum(), np.abs(wanted).sum()
        told.append(f"The contributions miss {missed / size if size else 0.0:.2%} of what is to be explained.")
    return told


def _told(value: Any, spec: TensorSpec) -> str:
    """Return a value as text; what stands for a missing one is `missing`."""
    from mlmagic.serving.values import missing_value, plain

    value = value.decode(errors="replace") if isinstance(value, bytes) else plain(value)
    if isinstance(value, float):
        return f"{value:.6g}" if not math.isnan(value) else "missing"
    if spec.optional and spec.dtype != "bool" and value == missing_value(spec.dtype):
        return "missing"
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _size(value: float | None) -> float:
    return abs(value) if value is not None and math.isfinite(value) else -1.0
