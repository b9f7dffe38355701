"""Why a version predicts what it does: which features moved a prediction, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_model_reference
from mlmagic.api.first_version import resolve_version
from mlmagic.errors import UsageError
from mlmagic.spec.explanation import ExplanationReport, Method

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.session import Session

AUTO = "auto"
METHODS = (AUTO, *(method.value for method in Method))


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Explained predictions, shown as a panel. All frames have the index of the instances."""

    report: ExplanationReport
    """What was done, and what the panel shows."""
    contributions: pd.DataFrame = field(repr=False)
    """A column for each feature. Those of a row add up to `predictions` - `baselines`."""
    errors: pd.DataFrame | None = field(repr=False)
    """The standard error of each contribution, from sampling; None of gradients."""
    predictions: pd.Series[Any] = field(repr=False)
    baselines: pd.Series[Any] = field(repr=False)
    """What is predicted where nothing is known of the row."""

    def __repr__(self) -> str:
        return f"<Explanation of {self.report.version} for {self.report.rows:,} rows by {self.report.method}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import explanation_bundle

        return explanation_bundle(self.report)


def explain(
    model_ref: str,
    instances: Any = None,
    *,
    file: str | Path | None = None,
    method: str = AUTO,
    baseline: Any = None,
    output: str | None = None,
    permutations: int = 128,
    seed: int = 0,
    wait: bool = True,
    on_wait: Callable[[str], None] | None = None,
    session: Session | None = None,
) -> Explanation:
    """Return by how much each feature moved each prediction away from what is usual.

    The version itself is asked, whatever is deployed. What is usual is known from the statistics that a model keeps of
    the rows that it was trained on, each feature by itself, or from rows that are given.

    Args:
        model_ref: `M` (its default version), `M@3` or `M@alias`.
        instances: as `predict` takes them.
        file: instead of instances, a file with them, as `predict` takes it.
        method: `shapley`, for any model: features are put in place of usual ones in random orders. `gradients`, for
            models of numbers that can be differentiated: gradients on the way from the usual means. `auto`: gradients
            if they add up to the prediction, else Shapley values.
        baseline: what is usual: a file with rows, or instances.
        output: of several numbers that the model returns, the one to explain: an output, or a class of it, such as
            `prediction_late`. Of classes without a name, the most likely one of each row.
        permutations: how many orders of the features; an even number from 4 to 10,000. Twice as many make the error
            smaller by a third.
        seed: of the draws and orders; the same seed gives the same numbers.
        wait: while the model has no version, wait for a training job that may make the first one.
        on_wait: called once with a line that says so; by default it is printed.
        session: another than this process's.

    Raises:
        NotFoundError: no such model or version.
        NoVersionError: the model has no version; says why.
        PredictionError: rows that do not fit, all told at once, or the model's program failed.
        UsageError: what else does not fit; for example, nothing is known of what is usual.
    """
    from mlmagic.api.explanation_work import Work
    from mlmagic.session import current_session

    session = session or current_session()
    reference = read_model_reference(model_ref)
    _check(instances, file, method, permutations, seed)
    version = resolve_version(reference, session, wait=wait, on_wait=on_wait)
    with session.predictors.lease(version, session.models.path(version)) as predictor:
        signature = version.signature or predictor.signature
        work = Work.make(
            session, version, signature, predictor, instances=instances, file=file, baseline=baseline, output=output
        )
        return work.explain(method, permutations=permutations, seed=seed)


def _check(instances: Any, file: Any, method: Any, permutations: Any, seed: Any) -> None:
    problems = []
    if (instances is None) == (file is None):
        problems.append("give either instances or a file with them")
    if method not in METHODS:
        problems.append(f"method is one of {', '.join(METHODS)}, not {method!r}")
    is_count = isinstance(permutations, int) and not isinstance(permutations, bool)
    if not is_count or permutations % 2 or not 4 <= permutations <= 10_000:
        problems.append(f"permutations is an even number from 4 to 10,000, not {permutations!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        problems.append(f"seed is a whole number from 0, not {seed!r}")
    if problems:
        raise UsageError("nothing can be explained so:", problems=problems)
