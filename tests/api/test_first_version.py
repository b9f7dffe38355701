"""Which version answers, and why none does."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from mlmagic.api import first_version
from mlmagic.api.first_version import resolve_version
from mlmagic.errors import NotFoundError, NoVersionError
from mlmagic.session import Session
from mlmagic.spec.job import JobState
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.names import parse_model_reference
from mlmagic.testing.backends import FOREVER, submit, wait_for

Register = Callable[[str], ModelVersion]


def resolve(session: Session, reference: str, *, wait: bool = True, told: list[str] | None = None) -> ModelVersion:
    on_wait = (told if told is not None else []).append
    return resolve_version(parse_model_reference(reference), session, wait=wait, on_wait=on_wait)


def test_a_model_that_has_a_version_is_not_waited_for(session: Session, register: Register) -> None:
    register("taxi")
    running = submit(session.backend(), FOREVER, name="taxi", model="taxi")
    told: list[str] = []
    assert str(resolve(session, "taxi", told=told)) == "taxi@1"
    assert told == []
    with pytest.raises(NotFoundError, match=r"model 'taxi' has no version 2"):
        resolve(session, "taxi@2")
    session.backend().cancel(running.id)


@pytest.mark.parametrize("name", ["taxi", "another-name"])
def test_the_first_version_is_waited_for(
    session: Session, register: Register, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_version, "_QUIET_TIME", 0)
    running = submit(session.backend(), FOREVER, name=name, model="taxi")
    wait_for(session.backend(), running.id, JobState.RUNNING)
    threading.Timer(0.3, register, ["taxi"]).start()
    told: list[str] = []
    assert str(resolve(session, "taxi", told=told)) == "taxi@1"
    assert told == [f"taxi has no version yet: waiting for {running.id} (RUNNING)."]
    session.backend().cancel(running.id)


def test_a_short_wait_is_not_worth_a_word(
    session: Session, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_version, "_QUIET_TIME", 1e9)
    running = submit(session.backend(), FOREVER, name="taxi", model="taxi")
    threading.Timer(0.1, register, ["taxi"]).start()
    told: list[str] = []
    assert str(resolve(session, "taxi", told=told)) == "taxi@1"
    assert told == []
    session.backend().cancel(running.id)


def test_nobody_waits_who_does_not_want_to(session: Session) -> None:
    running = submit(session.backend(), FOREVER, name="taxi", model="taxi")
    wait_for(session.backend(), running.id, JobState.RUNNING)
    with pytest.raises(NoVersionError) as caught:
        resolve(session, "taxi", wait=False)
    assert str(caught.value).splitlines() == [
        f"taxi has no version yet: {running.id} is RUNNING.",
        f"Wait for it: %jobs wait {running.id}",
    ]
    with pytest.raises(NoVersionError):
        resolve(session, "taxi@2")
    session.backend().cancel(running.id)


def test_a_failed_job_is_why(session: Session) -> None:
    failing = submit(session.backend(), "raise ValueError('no such column')", name="taxi", model="taxi")
    with pytest.raises(NoVersionError) as caught:
        resolve(session, "taxi")
    assert str(caught.value).splitlines() == [
        f"taxi has no version: {failing.id} failed with exit code 1: ValueError: no such column",
        f"See the log: %jobs logs {failing.id}",
    ]


def test_a_job_that_wrote_no_model_is_why(session: Session) -> None:
    done = submit(session.backend(), "print('no model')", name="taxi", model="taxi")
    with pytest.raises(NoVersionError) as caught:
        resolve(session, "taxi")
    assert str(caught.value).splitlines() == [
        f"taxi has no version: {done.id} succeeded, but wrote no model to AIP_MODEL_DIR.",
        'Let the program save one, model.export(os.environ["AIP_MODEL_DIR"]), or let train() return the Keras model.',
    ]


def test_an_unknown_model_names_the_nearest(session: Session, register: Register) -> None:
    with pytest.raises(NotFoundError, match=r"there is no model 'taxi'.\nThere are none yet. Train it: %%train taxi"):
        resolve(session, "taxi")
    register("taxi")
    with pytest.raises(NotFoundError, match=r"there is no model 'taxy'. Did you mean taxi\?\nModels: taxi."):
        resolve(session, "taxy")
