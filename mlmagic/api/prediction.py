"""Predictions: from the model's endpoint where there is one, else straight from a version in a warm process here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_model_reference
from mlmagic.api.first_version import resolve_version
from mlmagic.api.traffic import WHOLE
from mlmagic.errors import UsageError
from mlmagic.spec.endpoint import EndpointRecord, EndpointState
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.names import ModelReference

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.serving.client import EndpointPredictor
    from mlmagic.serving.vertex_predictor import VertexPredictor
    from mlmagic.session import Session
    from mlmagic.spec.model import Signature

_SILENT = frozenset({EndpointState.DOWN, EndpointState.FAILED, EndpointState.STOPPING})


def predict(
    model_ref: str,
    instances: Any = None,
    *,
    file: str | Path | None = None,
    join: bool = True,
    direct: bool = False,
    wait: bool = True,
    on_wait: Callable[[str], None] | None = None,
    session: Session | None = None,
) -> pd.DataFrame:
    """Return the model's predictions, one row for each instance, beside the instance's own columns.

    A model that is deployed is asked through its endpoint: a version that is not named is then chosen by the endpoint's
    traffic, one for all rows. The DataFrame says in `attrs["model_version"]` which one answered.

    Args:
        model_ref: `M` (its endpoint, or its default version), `M@3` or `M@alias`.
        instances: a DataFrame, a list of dicts, one dict or Series, a list or array of values for a model with one
            input, or text: JSON, `{"instances": [...]}` included, YAML, or CSV with a header. Columns that the model
            does not take are only handed on to the result; a DataFrame's index is kept. For a model with one vector
            input, k numeric columns do in their order.
        file: instead of instances, a file with them: CSV, JSON, JSON lines, YAML or Parquet.
        join: with the instances' columns; a prediction that is called like one of them becomes `predicted_NAME`.
        direct: straight from the version, whatever is deployed.
        wait: while the model has no version, wait for a training job that may make the first one.
        on_wait: called once with a line that says so; by default it is printed.
        session: another than this process's.

    Raises:
        NotFoundError: no such model or version.
        NoVersionError: the model has no version; says why.
        PredictionError: instances that do not fit, all told at once, or the model's program failed.
        UsageError: neither instances nor a file, or both; or a file that cannot be read.
    """
    from mlmagic.serving.joining import join_inputs
    from mlmagic.session import current_session

    session = session or current_session()
    reference = read_model_reference(model_ref)
    if (instances is None) == (file is None):
        raise UsageError("give either instances or a file with them.")
    version = resolve_version(reference, session, wait=wait, on_wait=on_wait)
    # `taxi@default` is a version like `taxi@2`; `taxi` leaves it to the endpoint's traffic.
    is_open = "@" not in model_ref
    endpoint = None if direct else _endpoint_of(version, session, is_open=is_open)
    asked = _Asked(session, version, endpoint, is_open=is_open)
    given = asked.read(instances, file)
    predictions = asked.predict(given)
    return join_inputs(given, predictions, asked.signature) if join else predictions


class _Asked:
    """Whom a call asks."""

    def __init__(
        self, session: Session, version: ModelVersion, endpoint: EndpointRecord | None, *, is_open: bool
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._is_open = is_open and endpoint is not None
        self._version = version
        if endpoint is not None and self._is_open:
            # Those that share the traffic take the same.
            number = max(endpoint.spec.deployed, key=lambda deployed: deployed.traffic).number
            self._version = _named_as_all(session, endpoint, number)

    @property
    def signature(self) -> Any:
        """What the version takes, as far as the registry knows."""
        from mlmagic.spec.model import Signature

        return self._version.signature or Signature()

    def read(self, instances: Any, file: str | Path | None) -> Any:
        """Return the instances, those of a text or file as lists or a DataFrame."""
        from mlmagic.serving.texts import parse_instances, read_instances

        if file is not None:
            return read_instances(Path(file).expanduser(), self.signature)
        is_text = isinstance(instances, str | bytes | bytearray)
        return parse_instances(instances, self.signature) if is_text else instances

    def predict(self, instances: Any) -> pd.DataFrame:
        """Return the predictions alone, and note who gave them."""
        from mlmagic.serving.prediction import predict_frame, predict_with

        version = self._version
        if self._endpoint is None or version.signature is None:
            frame = predict_frame(self._session.predictors, version, self._session.models.path(version), instances)
            frame.attrs["model_version"] = str(version)
            return frame
        number = None if self._is_open else version.number
        predictor = endpoint_predictor(self._session, self._endpoint, version.signature, number=number)
        frame = predict_with(predictor, version, instances)
        frame.attrs["model_version"] = predictor.answered_by or str(version)
        return frame


def endpoint_predictor(
    session: Session, endpoint: EndpointRecord, signature: Signature, *, number: int | None = None
) -> EndpointPredictor | VertexPredictor:
    """Return what asks an endpoint; with a number, that version of it, which in the cloud has all the requests."""
    name = endpoint.spec.name
    if endpoint.is_local:
        from mlmagic.serving.client import EndpointPredictor

        return EndpointPredictor(session.local_endpoints.client(name), signature, version=number)
    from mlmagic.serving.vertex_predictor import VertexPredictor

    backend = session.cloud_endpoints(endpoint.spec.backend)
    return VertexPredictor(lambda body: backend.predict(name, body), signature, endpoint.spec.model)


def _named_as_all(session: Session, endpoint: EndpointRecord, number: int) -> ModelVersion:
    """Return a version that is deployed; without what it calls its classes if those beside it do not know theirs."""
    spec = endpoint.spec
    sharing = {deployed.number for deployed in spec.deployed if deployed.traffic} | {number}
    versions = {each: session.models.resolve(ModelReference(spec.model, version=each)) for each in sorted(sharing)}
    version = versions[number]
    if version.signature is None or all(each.signature == version.signature for each in versions.values()):
        return version
    return dataclasses.replace(version, signature=version.signature.without_labels())


def _answers(endpoint: EndpointRecord) -> bool:
    """Say whether an answer comes, if only after a while: in the cloud starting takes minutes, here no time."""
    state = endpoint.status.state
    return state not in _SILENT and (endpoint.is_local or state is not EndpointState.STARTING)


def _can_be_asked_for(endpoint: EndpointRecord, number: int) -> bool:
    """Say whether requests can be for one version: Vertex AI's traffic alone decides who answers there."""
    if endpoint.is_local:
        return any(each.number == number for each in endpoint.spec.deployed)
    return any(each.number == number and each.traffic == WHOLE for each in endpoint.spec.deployed)


def _endpoint_of(version: ModelVersion, session: Session, *, is_open: bool) -> EndpointRecord | None:
    """Return the endpoint to ask: the one that is called like the model, else the only one with what is asked for."""
    if not session.location.endpoints.is_dir():
        return None
    found = []
    for record in session.endpoints.list():
        spec = record.spec
        if spec.model == version.model and _answers(record) and (is_open or _can_be_asked_for(record, version.number)):
            found.append(record)
    named = [record for record in found if record.spec.name == version.model]
    return named[0] if named else found[0] if len(found) == 1 else None
