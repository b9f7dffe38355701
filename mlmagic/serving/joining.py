"""Predictions beside the instances that they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.spec.model import Signature

if TYPE_CHECKING:
    import pandas as pd


def join_inputs(instances: Any, predictions: pd.DataFrame, signature: Signature) -> pd.DataFrame:
    """Return the columns of the instances, as they were given, and then those of the predictions.

    Instances without names, such as images, have no columns. What a model only hands on stands there once. A prediction
    that is called as a column of the instances, such as the target, becomes `predicted_NAME`.
    """
    import pandas as pd

    given = _columns(instances)
    if given is None or given.columns.nlevels > 1 or len(given) != len(predictions):
        return predictions
    handed_on = handed_on_inputs(signature) & set(given.columns)
    kept = predictions.drop(columns=[name for name in predictions.columns if name in handed_on])
    renamed = kept.rename(columns={name: f"predicted_{name}" for name in kept.columns if name in set(given.columns)})
    joined = pd.concat([given.set_axis(renamed.index), renamed], axis="columns")
    joined.attrs = dict(predictions.attrs)
    return joined


def _columns(instances: Any) -> pd.DataFrame | None:
    import pandas as pd

    if isinstance(instances, pd.DataFrame):
        return instances
    if isinstance(instances, Mapping) and isinstance(instances.get("instances"), list | tuple):
        instances = instances["instances"]
    if isinstance(instances, Mapping):
        instances = [instances]
    if isinstance(instances, pd.Series):
        instances = [instances.to_dict()] if all(isinstance(label, str) for label in instances.index) else []
    if not isinstance(instances, list | tuple) or not all(isinstance(instance, Mapping) for instance in instances):
        return None
    return pd.DataFrame.from_records([dict(instance) for instance in instances]) if instances else None
