"""Predictions of a deployed model over gRPC: exact numbers, the same errors as over HTTP, and what is asked instead."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.cloud_endpoints import Cloud, cloud_session

from mlmagic.api.deployment import deploy
from mlmagic.api.prediction import predict
from mlmagic.backends.google.client import GoogleClient, connection, raw_prediction
from mlmagic.backends.google.client.prediction import PredictionCalls
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.errors import MlmagicError
from mlmagic.session import Session
from mlmagic.spec.model import ModelOrigin, Signature, TensorSpec

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BIG = 2**53 + 1
BODY, BAD = b'{"instances": [{"x": 1}]}', b'{"instances": [{"y": 1}]}'
_WHOLE_NUMBERS = """
import sys
import tensorflow as tf

module = tf.Module()
module.answer = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec([None], tf.int64, name="x")])
tf.saved_model.save(module, sys.argv[1], signatures=module.answer)
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with cloud_session(tmp_path_factory.mktemp("cloud")) as session:
        register_same(session, tmp_path_factory.mktemp("same"))
        deploy("same@1", endpoint="same", session=session)
        yield session


@pytest.fixture
def cloud(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setattr(connection, "_FIRST_PAUSE_SECONDS", 0.0)
    cloud = Cloud(session)
    yield cloud
    cloud.clear()


@pytest.fixture
def endpoint(session: Session, cloud: Cloud) -> str:
    return str(cloud.endpoints("same")[0]["name"])


@pytest.fixture
def raw(session: Session, endpoint: str) -> Iterator[PredictionCalls]:
    """What asks over gRPC, and had an answer."""
    calls = GoogleClient(emulator_settings(session.workspace.emulator)).prediction
    calls.predict(endpoint, BODY)
    yield calls
    calls.close()


@pytest.fixture
def rest(session: Session) -> PredictionCalls:
    """What asks over HTTP alone."""
    settings = emulator_settings(session.workspace.emulator)
    return GoogleClient(dataclasses.replace(settings, rpc_endpoint=None)).prediction


def register_same(session: Session, folder: Path) -> None:
    """Register a model that gives back the whole numbers it gets."""
    subprocess.run([sys.executable, "-c", _WHOLE_NUMBERS, str(folder / "model")], check=True, capture_output=True)
    origin = ModelOrigin(artifact="savedmodel", artifact_path="model", framework="tensorflow")
    x, y = (TensorSpec(name=name, dtype="int64", shape=(None,)) for name in "xy")
    signature = Signature(inputs=(x,), outputs=(y,))
    session.models.register("same", folder, origin=origin, signature=signature, now=datetime.now(UTC))


def asked(cloud: Cloud) -> list[str]:
    """How the endpoint has been asked so far."""
    return [one["rpc"] for one in cloud.ask("GET", "/emulator/requests?rpc=*Predict")["requests"]]


def refusal(calls: PredictionCalls, endpoint: str, body: bytes) -> MlmagicError:
    with pytest.raises(MlmagicError) as raised:
        calls.predict(endpoint, body)
    return raised.value


def test_whole_numbers_stay_exact(session: Session, cloud: Cloud) -> None:
    before = len(asked(cloud))
    shown = predict("same", [{"x": BIG}, {"x": -BIG}], session=session)
    assert shown["y"].tolist() == [BIG, -BIG]
    assert shown.attrs["model_version"] == "same@1"
    assert asked(cloud)[before:] == ["RawPredict"]


def test_both_ways_give_the_same_answer(raw: PredictionCalls, rest: PredictionCalls, endpoint: str) -> None:
    body = json.dumps({"instances": [{"x": number} for number in range(500)]}).encode()
    told = rest.predict(endpoint, body)
    assert raw.predict(endpoint, body) == {key: told[key] for key in ("predictions", "deployedModelId")}


@pytest.mark.parametrize("status", [None, 400, 403, 404, 409])
def test_errors_have_the_same_words(
    raw: PredictionCalls, rest: PredictionCalls, endpoint: str, cloud: Cloud, status: int | None
) -> None:
    if status is not None:
        cloud.fault("*Predict", status=status, message="It may not be.")
    before = len(asked(cloud))
    found = [refusal(calls, endpoint, BAD) for calls in (raw, rest)]
    assert asked(cloud)[before:] == ["RawPredict", "Predict"]
    assert [(type(error), str(error)) for error in found] == [(type(found[1]), str(found[1]))] * 2


def test_an_endpoint_that_is_not_there(raw: PredictionCalls, rest: PredictionCalls, endpoint: str) -> None:
    found = [refusal(calls, f"{endpoint}0", BODY) for calls in (raw, rest)]
    assert str(found[0]) == str(found[1])
    assert str(found[0]).startswith("cannot ask the endpoint: The resource projects/")


def test_an_expired_login_is_told_at_once(session: Session, endpoint: str, cloud: Cloud) -> None:
    settings = dataclasses.replace(emulator_settings(session.workspace.emulator), token="old")
    error = refusal(GoogleClient(settings).prediction, endpoint, BODY)
    assert "cannot ask the endpoint: Google does not take the credentials any more" in str(error)
    assert "gcloud auth application-default login" in str(error)


@pytest.mark.parametrize("told", [{"status": 503}, {"status": 429}, {"drop": "before"}, {"drop": "after"}])
def test_what_gets_no_answer_is_asked_over_http_once(
    raw: PredictionCalls, endpoint: str, cloud: Cloud, told: dict[str, Any]
) -> None:
    cloud.fault("RawPredict", times=1, **told)
    before = len(asked(cloud))
    assert [raw.predict(endpoint, BODY)["predictions"] for _ in range(2)] == [[1]] * 2
    assert asked(cloud)[before:][-2:] == ["Predict", "RawPredict"]


def test_too_many_requests_are_told_as_over_http(
    raw: PredictionCalls, rest: PredictionCalls, endpoint: str, cloud: Cloud
) -> None:
    cloud.fault("*Predict", status=429)
    found = [refusal(calls, endpoint, BODY) for calls in (raw, rest)]
    assert str(found[0]) == str(found[1])
    assert "has asked Google too often for now" in str(found[0])


def test_without_a_first_answer_it_is_left_alone(session: Session, endpoint: str, cloud: Cloud) -> None:
    cloud.fault("RawPredict", status=503)
    calls = GoogleClient(emulator_settings(session.workspace.emulator)).prediction
    before = len(asked(cloud))
    assert [calls.predict(endpoint, BODY)["predictions"] for _ in range(3)] == [[1]] * 3
    assert asked(cloud)[before:] == ["RawPredict", "Predict", "Predict", "Predict"]
    calls.close()


def test_who_answered_is_known_or_asked_for(
    raw: PredictionCalls, endpoint: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_prediction, "_WHO", "x-not-told")
    before = len(asked(cloud))
    assert raw.predict(endpoint, BODY, only="7")["deployedModelId"] == "7"
    assert raw.predict(endpoint, BODY)["deployedModelId"] == "1"
    assert asked(cloud)[before:] == ["RawPredict", "Predict"]
