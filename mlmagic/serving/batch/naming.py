"""What the columns of predictions are called: as `%predict` calls them. Needs neither Arrow nor numpy."""

from __future__ import annotations

from mlmagic.serving.results import ANONYMOUS, PREDICTION, vector_names
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec

LABEL = "label"
"""The output of a classifier that is the class, where the others are probabilities."""


def output_names(version: ModelVersion, signature: Signature) -> dict[str, tuple[str, ...]]:
    """Return the columns of each output: one, or one for each number of a vector.

    What the model only hands on is not among them: it is a column of the input.
    """
    inputs = {spec.name for spec in signature.inputs}
    outputs = [spec for spec in signature.outputs if spec.name not in inputs] or list(signature.outputs)
    is_anonymous = len(outputs) == 1 and (outputs[0].name == ANONYMOUS or version.origin.artifact == "keras")
    return {spec.name: _names(spec, PREDICTION if is_anonymous else spec.name) for spec in outputs}


def is_nested(spec: TensorSpec) -> bool:
    """Say whether each row of an output has a list, which is one column."""
    item = spec.shape[1:]
    return item not in {(), (1,)} and not (len(item) == 1 and item[0] is not None)


def target_column(names: dict[str, tuple[str, ...]]) -> str | None:
    """Return the column that predicts the target; None where several may."""
    columns = [name for each in names.values() for name in each]
    if LABEL in columns:
        return LABEL
    return columns[0] if len(columns) == 1 else None


def _names(spec: TensorSpec, name: str) -> tuple[str, ...]:
    item = spec.shape[1:]
    if item in {(), (1,)} or is_nested(spec):
        return (name,)
    return vector_names(name, item[0] or 0, spec.labels)
