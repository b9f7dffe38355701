from __future__ import annotations

import pytest

from mlmagic.api.deployment_arguments import read_wish
from mlmagic.errors import UsageError
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.names import ModelReference


def test_a_model_alone_says_little() -> None:
    wish = read_wish("taxi")
    assert (wish.reference, wish.endpoint) == (ModelReference("taxi", alias="default"), "taxi")
    assert (wish.traffic, wish.needs_token, wish.port, wish.engine) == (None, None, None, None)


def test_values_are_read_as_they_are_typed() -> None:
    wish = read_wish("taxi@2", endpoint="rides", idle="5m", max_body="8MB", timeout=2, engine="onnx", auth=False)
    assert (wish.idle_seconds, wish.body_bytes, wish.timeout_seconds) == (300.0, 8 << 20, 2.0)
    assert (wish.engine, wish.needs_token, wish.endpoint) == (EngineChoice.ONNX, False, "rides")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read_wish(
            "taxi@",
            endpoint="my rides",
            traffic=101,
            min_replicas=3,
            max_replicas=2,
            idle="soon",
            host="a b",
            port=80,
            auth="no",
            engine="onxx",
            max_body="x",
            max_instances=0,
            max_queue=1.5,
            timeout=0,
            log_sample="often",
            log_budget="5MB",
            log_key=7,
        )
    assert str(caught.value).split("\n") == [
        "deploy cannot take these arguments:",
        "  - 'taxi@' ends with @: a version or an alias follows it. Write taxi@1 or taxi.",
        (
            "  - endpoint name 'my rides' cannot be used: it must start with a letter and have up to 100 letters, "
            "digits, - and _. Try 'my-rides'."
        ),
        "  - min_replicas 3 is more than max_replicas 2.",
        "  - traffic 101 must be 100 or less.",
        "  - there is no engine 'onxx'. Did you mean onnx?",
        "  - idle 'soon' is no duration: give seconds, or a number with s, m, h or d, such as 15m.",
        "  - host 'a b' is no address to listen on: it is one such as 127.0.0.1 or 0.0.0.0.",
        "  - port 80 must be 1024 or more.",
        "  - auth must be true or false, not str 'no'.",
        "  - max_body 'x' is no size from 1 MB on: write 512MB or 8GB.",
        "  - max_instances 0 must be 1 or more.",
        "  - max_queue must be a whole number, not float 1.5.",
        "  - timeout 0 must be more than 0 seconds.",
        "  - log_sample 'often' is no share: it is from 0 (nothing) to 1 (every request), such as 0.1.",
        "  - log_budget '5MB' is too little for a log: give it 10MB or more.",
        "  - log_key must be the name of an input, not 7.",
    ]


def test_one_thing_that_is_wrong_is_told_alone() -> None:
    with pytest.raises(UsageError, match=r"^a model's name must be a string, not int 3\.$"):
        read_wish(3)
    with pytest.raises(UsageError, match=r"^there is no engine 'tpu'\. It is one of auto, session, onnx\.$"):
        read_wish("taxi", engine="tpu")
