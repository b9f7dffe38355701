"""Predictions over REST: instances in, a JSON object for each of them out."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.prediction import predict
from mlmagic.errors import UsageError
from mlmagic.session import Session
from mlmagic.spec.names import ModelReference
from mlmagic.spec.noun import Noun

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances(Noun):
    """What is asked."""

    instances: tuple[object, ...]
    """Objects with the model's inputs, or values for a model with one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions(Noun):
    """What was answered."""

    predictions: tuple[object, ...]
    """An object for each instance, with what the columns of a DataFrame would be called."""
    version: str
    """Which one answered: `taxi@2`."""


def predict_version(session: Session, reference: str, instances: tuple[object, ...]) -> Predictions:
    """Return what a version says, through an endpoint where one serves it.

    Raises:
        NotFoundError: there is no such version.
        PredictionError: the instances do not fit, or the model failed.
    """
    frame = predict(reference, _listed(instances), join=False, wait=False, session=session)
    return _answer(frame)


def ask_endpoint(session: Session, name: str, instances: tuple[object, ...]) -> Predictions:
    """Return what an endpoint says, by its traffic.

    Raises:
        NotFoundError: there is no such endpoint.
        PredictionError: the instances do not fit, or the model failed.
    """
    from mlmagic.api.prediction import endpoint_predictor
    from mlmagic.serving.prediction import predict_with

    endpoint = session.endpoints.get(name)
    spec = endpoint.spec
    number = max(spec.deployed, key=lambda deployed: deployed.traffic).number
    version = session.models.resolve(ModelReference(spec.model, version=number))
    if version.signature is None:
        # Nothing is known by which instances could be told apart.
        return predict_version(session, str(version), instances)
    predictor = endpoint_predictor(session, endpoint, version.signature)
    frame = predict_with(predictor, version, _listed(instances))
    frame.attrs["model_version"] = predictor.answered_by or str(version)
    return _answer(frame)


def _listed(instances: tuple[object, ...]) -> list[object]:
    if not instances:
        raise UsageError("instances is empty: there is nothing to predict.")
    return list(instances)


def _answer(frame: pd.DataFrame) -> Predictions:
    rows = [{str(name): _cell(value) for name, value in row.items()} for row in frame.to_dict("records")]
    return Predictions(predictions=tuple(rows), version=str(frame.attrs["model_version"]))


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        # As TensorFlow Serving writes what is no text.
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, list | tuple):
        return [_cell(item) for item in value]
    return value.item() if hasattr(value, "item") else value
