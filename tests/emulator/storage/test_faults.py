"""What the real client makes of a storage that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core.exceptions import Forbidden, GoogleAPICallError, PreconditionFailed

Ask = Callable[..., tuple[int, Any]]
pytestmark = pytest.mark.usefixtures("no_faults")


@pytest.mark.parametrize("status", [429, 503])
def test_the_client_tries_again_what_is_safe(bucket: Any, ask: Ask, status: int) -> None:
    ask("POST", "/emulator/faults", {"rpc": "storage.objects.insert", "status": status, "times": 2})

    bucket.blob("a").upload_from_string("x", if_generation_match=0)

    assert bucket.blob("a").download_as_text() == "x"


def test_a_connection_that_is_reset_after_the_work_has_done_it(bucket: Any, ask: Ask) -> None:
    ask("POST", "/emulator/faults", {"rpc": "storage.objects.insert", "drop": "after", "times": 1})

    with pytest.raises(PreconditionFailed):
        bucket.blob("a").upload_from_string("x", if_generation_match=0)

    assert bucket.blob("a").download_as_text() == "x"


def test_one_that_is_reset_before_has_not(bucket: Any, ask: Ask) -> None:
    ask("POST", "/emulator/faults", {"rpc": "storage.objects.*", "drop": "before", "times": 1})

    bucket.blob("a").upload_from_string("x", if_generation_match=0)

    assert bucket.get_blob("a").metageneration == 1


@pytest.mark.parametrize("rpc", ["storage.objects.get", "storage.objects.insert", "storage.objects.delete"])
def test_a_refusal_is_told_in_storages_own_shape(bucket: Any, ask: Ask, rpc: str) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("x")
    ask("POST", "/emulator/faults", {"rpc": rpc, "status": 403, "message": "No permission."})
    method = {"get": blob.download_as_bytes, "insert": lambda: blob.upload_from_string("y"), "delete": blob.delete}

    with pytest.raises(Forbidden, match="No permission"):
        method[rpc.rpartition(".")[2]]()


def test_a_full_disk_is_not_tried_again(bucket: Any, ask: Ask) -> None:
    ask("POST", "/emulator/faults", {"rpc": "storage.objects.insert", "status": 507, "message": "The disk is full."})
    _, before = ask("GET", "/emulator/requests?rpc=storage.objects.insert")

    with pytest.raises(GoogleAPICallError, match="The disk is full"):
        bucket.blob("a").upload_from_string("x", if_generation_match=0)

    _, after = ask("GET", "/emulator/requests?rpc=storage.objects.insert")
    assert len(after["requests"]) == len(before["requests"]) + 1
