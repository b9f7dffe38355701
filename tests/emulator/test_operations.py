"""Long-running operations."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mlmagic.emulator.core import Call
from mlmagic.emulator.documents import DocumentStore
from mlmagic.emulator.errors import ApiError, failed_precondition
from mlmagic.emulator.operations import Operations
from mlmagic.emulator.wire import messages

PARENT = "projects/p/locations/r"
MODEL = "google.cloud.aiplatform.v1.Model"
METADATA = "google.cloud.aiplatform.v1.UploadModelOperationMetadata"


@pytest.fixture
def documents(tmp_path: Path) -> DocumentStore:
    return DocumentStore(tmp_path / "state.db")


def call(rpc: str, **request: Any) -> Call:
    return Call(rpc=rpc, request=request, project="p", location="r")


def test_an_operation_that_is_finished_has_its_response(documents: DocumentStore) -> None:
    done = Operations(documents).finished(PARENT, {"display_name": "a"}, MODEL, metadata_type=METADATA)

    message = messages.from_dict("google.longrunning.Operation", done)
    assert messages.to_json(message, enums_as_numbers=True)["response"]["displayName"] == "a"
    assert done["done"]
    assert done["name"].startswith(f"{PARENT}/operations/")


def test_one_that_is_started_is_waited_for(documents: DocumentStore) -> None:
    operations, may_go_on = Operations(documents), threading.Event()
    work = {"display_name": "a"}
    name = operations.started(PARENT, MODEL, lambda: work if may_go_on.wait(60) else {})["name"]
    assert "done" not in operations.get_operation(call("GetOperation", name=name))

    may_go_on.set()

    done = operations.wait_operation(call("WaitOperation", name=name, timeout="60s"))
    assert done["response"]["display_name"] == "a"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (failed_precondition("The model is deployed."), {"code": 9, "message": "The model is deployed."}),
        (ValueError("no"), {"code": 13, "message": "ValueError: no"}),
    ],
)
def test_one_that_fails_has_the_error(documents: DocumentStore, raised: Exception, told: dict[str, Any]) -> None:
    def work() -> dict[str, Any]:
        raise raised

    operations = Operations(documents)
    name = operations.started(PARENT, MODEL, work)["name"]

    assert operations.wait_operation(call("WaitOperation", name=name, timeout="60s"))["error"] == told


def test_slow_ones_are_not_done_at_once(documents: DocumentStore) -> None:
    operations = Operations(documents)
    with operations.slowed(1.0):
        slow = operations.finished(PARENT, {"display_name": "a"}, MODEL)

    assert "done" not in slow
    assert operations.finished(PARENT, {}, MODEL)["done"]
    done = operations.wait_operation(call("WaitOperation", name=slow["name"], timeout="60s"))
    assert done["response"]["display_name"] == "a"


def test_one_that_was_under_way_at_a_kill_is_ended_as_aborted(documents: DocumentStore) -> None:
    never = threading.Event()
    name = Operations(documents).started(PARENT, MODEL, lambda: {"name": str(never.wait(1000))})["name"]

    Operations(documents).end_interrupted()

    assert documents.get(name)["error"]["code"] == 10
    with pytest.raises(ApiError, match="was not found"):
        Operations(documents).get_operation(call("GetOperation", name=f"{PARENT}/operations/0"))
