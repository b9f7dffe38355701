"""`testIamPermissions` of the project: everything is granted, but for what is taken away to try out a lack of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlmagic.emulator.launch import Emulator

Ask = Callable[..., tuple[int, Any]]
ASKED = {"permissions": ["aiplatform.customJobs.create", "logging.logEntries.list"]}


@pytest.mark.usefixtures("no_faults")
def test_all_is_granted_but_what_is_denied(emulator: Emulator, ask: Ask) -> None:
    address = f"/v1/projects/{emulator.project}:testIamPermissions"
    assert ask("POST", address, ASKED) == (200, ASKED)
    ask("POST", "/emulator/faults", {"rpc": "projects.testIamPermissions", "deny": ["logging.logEntries.list"]})
    assert ask("POST", address, ASKED) == (200, {"permissions": ["aiplatform.customJobs.create"]})


def test_what_is_refused(emulator: Emulator, ask: Ask) -> None:
    address = f"/v1/projects/{emulator.project}:testIamPermissions"
    assert ask("POST", address, {})[1]["error"]["message"] == '"permissions" is missing.'
    assert ask("POST", address, {"permissions": [1]})[1]["error"]["status"] == "INVALID_ARGUMENT"
    status, told = ask("POST", "/v1/projects/not-mine-1:testIamPermissions", ASKED)
    assert (status, told["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert ask("POST", address, ASKED, authorization="Bearer wrong")[0] == 401
