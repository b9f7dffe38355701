"""Which RPC an address means."""

from __future__ import annotations

import pytest

from mlmagic.emulator.service import SERVICES
from mlmagic.emulator.wire import messages
from mlmagic.emulator.wire.routes import find, rpcs

NAMED = "projects/p/locations/r"
PARENT = f"/v1/{NAMED}"


@pytest.mark.parametrize(
    ("verb", "path", "rpc", "fields"),
    [
        ("POST", f"{PARENT}/customJobs", "CreateCustomJob", {"parent": NAMED}),
        ("GET", f"{PARENT}/customJobs/5", "GetCustomJob", {"name": f"{NAMED}/customJobs/5"}),
        ("POST", f"{PARENT}/customJobs/5:cancel", "CancelCustomJob", {"name": f"{NAMED}/customJobs/5"}),
        ("GET", f"{PARENT}/models/5%402", "GetModel", {"name": f"{NAMED}/models/5@2"}),
        ("PATCH", f"{PARENT}/endpoints/7", "UpdateEndpoint", {"endpoint.name": f"{NAMED}/endpoints/7"}),
        ("GET", f"{PARENT}/models/5/operations/6", "GetOperation", {"name": f"{NAMED}/models/5/operations/6"}),
        ("PUT", f"/v1b3/{NAMED}/jobs/j", "UpdateJob", {"project_id": "p", "location": "r", "job_id": "j"}),
        ("POST", "/v2/entries:list", "ListLogEntries", {}),
    ],
)  # fmt: skip
def test_an_address_means_an_rpc(verb: str, path: str, rpc: str, fields: dict[str, str]) -> None:
    found = find(verb, path)

    assert found is not None
    assert (found[0].rpc.name, found[1]) == (rpc, fields)


@pytest.mark.parametrize("path", ["/v1/projects/p/customJobs", f"{PARENT}/customJobs/5:nothing", "/", "/v1/../x"])
def test_other_addresses_mean_nothing(path: str) -> None:
    assert find("POST", path) is None


def test_every_rpc_has_messages_and_a_name_in_python() -> None:
    for rpc in rpcs():
        assert messages.descriptor(rpc.request).full_name == rpc.request
        assert messages.descriptor(rpc.response).full_name == rpc.response
        assert rpc.python_name.isidentifier()
    assert {rpc.service for rpc in rpcs()} == {*SERVICES, "google.longrunning.Operations"}
