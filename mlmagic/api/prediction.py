"""Predictions from a model's version, in a warm process on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_reference
from mlmagic.api.first_version import resolve_version
from mlmagic.spec.names import parse_model_reference

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.session import Session


def predict(
    model_ref: str,
    instances: Any,
    *,
    wait: bool = True,
    on_wait: Callable[[str], None] | None = None,
    session: Session | None = None,
) -> pd.DataFrame:
    """Return the model's predictions, one row for each instance.

    Args:
        model_ref: `M` (its default version), `M@3` or `M@alias`.
        instances: a DataFrame, a list of dicts, one dict or Series, a list or array of values for a model with one
            input, or JSON text of these, `{"instances": [...]}` included. Columns that the model does not take are left
            out; a DataFrame's index is kept. For a model with one vector input, k numeric columns do in their order.
        wait: while the model has no version, wait for a training job that may make the first one.
        on_wait: called once with a line that says so; by default it is printed.
        session: another than this process's.

    Raises:
        NotFoundError: no such model or version.
        NoVersionError: the model has no version; says why.
        PredictionError: instances that do not fit, all told at once, or the model's program failed.
    """
    from mlmagic.serving.prediction import predict_frame
    from mlmagic.session import current_session

    session = session or current_session()
    reference = parse_model_reference(read_reference(model_ref, "a model's name"))
    version = resolve_version(reference, session, wait=wait, on_wait=on_wait or _say)
    return predict_frame(session.predictors, version, session.models.path(version), instances)


def _say(message: str) -> None:
    sys.stdout.write(message + "\n")
