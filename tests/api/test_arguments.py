"""What training calls take, and what they say to the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from mlmagic.api.arguments import (
    ArgumentCheck,
    read_args,
    read_backend,
    read_labels,
    read_module,
    read_name,
    read_timeout,
)
from mlmagic.api.jobs import job
from mlmagic.api.models import model
from mlmagic.api.prediction import predict
from mlmagic.errors import UsageError
from mlmagic.session import Session


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [(90, 90), (1.5, 1.5), ("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), ("0.5 H", 1800),
     (None, None), (timedelta(minutes=1), 60)],
)  # fmt: skip
def test_durations_are_seconds(timeout: object, seconds: float | None) -> None:
    assert read_timeout(timeout) == seconds


@pytest.mark.parametrize(
    ("timeout", "told"),
    [
        ("soon", "timeout 'soon' is no duration: give seconds, or a number with s, m, h or d, such as 15m."),
        (True, "timeout True is no duration: give seconds, or a number with s, m, h or d, such as 15m."),
        (0, "timeout 0 must be more than 0 seconds."),
        (-1, "timeout -1 must be more than 0 seconds."),
        (float("nan"), "timeout nan must be more than 0 seconds."),
    ],
)
def test_what_is_no_duration_is_told(timeout: object, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_timeout(timeout)
    assert str(caught.value) == told


def test_arguments_are_words() -> None:
    assert read_args(["--epochs", 5, 0.1]) == ("--epochs", "5", "0.1")
    with pytest.raises(UsageError, match=r"args must be a list of words, not one string: \['--epochs', '5'\]"):
        read_args("--epochs 5")
    with pytest.raises(UsageError, match=r"args must be words; not so: bool True, NoneType None."):
        read_args([True, None])
    with pytest.raises(UsageError, match=r"args must be a list of words, not int 5."):
        read_args(5)
    with pytest.raises(UsageError, match=r"args cannot hold NUL characters"):
        read_args(["a\0b"])


def test_labels_are_strings() -> None:
    assert read_labels(None) == {}
    assert read_labels({"team": "a"}) == {"team": "a"}
    with pytest.raises(UsageError, match=r"labels must be strings; not so:\n  - 'n': 1"):
        read_labels({"n": 1})
    with pytest.raises(UsageError, match=r"labels must be a mapping of strings to strings, not list"):
        read_labels(["a"])


def test_backends_are_known() -> None:
    assert [read_backend(name) for name in ("local", "google", "emulator")] == ["local", "google", "emulator"]
    with pytest.raises(UsageError, match=r"there is no backend 'lokal'. Did you mean local\?"):
        read_backend("lokal")
    with pytest.raises(UsageError) as caught:
        read_backend("zzz")
    assert str(caught.value) == (
        "there is no backend 'zzz'.\n"
        "Backends: local, which is this machine; google, which is Vertex AI; emulator, which plays it here."
    )


@pytest.mark.parametrize("ask", [job, model, lambda it, session: predict(it, [], session=session)])
def test_what_names_a_job_or_a_model_is_text(session: Session, ask: Callable[..., object]) -> None:
    with pytest.raises(UsageError, match=r"must be a string, not int 3\."):
        ask(3, session=session)


def test_names_and_modules_are_checked() -> None:
    assert read_module("trainer.task") == "trainer.task"
    with pytest.raises(
        UsageError, match=r"module 'trainer/task.py' is no module name; it is dotted, as in trainer.task."
    ):
        read_module("trainer/task.py")
    with pytest.raises(UsageError, match=r"name must be a string, not int 5."):
        read_name(5)


def test_all_problems_come_at_once_and_one_alone() -> None:
    check = ArgumentCheck()
    assert check.read(read_timeout, "soon") is None
    with pytest.raises(UsageError, match=r"^timeout 'soon' is no duration"):
        check.finish("train")
    check.read(read_labels, {"Team": "a"})
    with pytest.raises(
        UsageError, match=r"^train cannot take these arguments:\n  - timeout 'soon'.*\n  - labels hold .*'Team'"
    ):
        check.finish("train")


def test_the_only_argument_that_is_wrong_tells_its_problems_in_a_list() -> None:
    check = ArgumentCheck()
    check.read(read_labels, {"A": "a", "B": "b"})
    with pytest.raises(UsageError) as caught:
        check.finish("train")
    assert caught.value.problems == ("key 'A'", "key 'B'")
