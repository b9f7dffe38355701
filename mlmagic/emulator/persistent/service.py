"""Vertex AI's PersistentResourceService. No machine is kept here: jobs on a resource are spared slow starts."""

from __future__ import annotations

from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document, now
from mlmagic.emulator.errors import already_exists, failed_precondition, invalid
from mlmagic.emulator.jobs.checks import refuse
from mlmagic.emulator.jobs.states import FINAL_STATES
from mlmagic.emulator.listing import list_page
from mlmagic.emulator.masks import read_mask
from mlmagic.emulator.persistent.checks import KIND, check_id, check_resource

_V1 = "google.cloud.aiplatform.v1."
_OF_CLIENT = (
    "display_name",
    "resource_pools",
    "labels",
    "network",
    "encryption_spec",
    "resource_runtime_spec",
    "reserved_ip_ranges",
)
_JOBS = (("CustomJob", "job_spec"), ("HyperparameterTuningJob", "trial_job_spec"))


class PersistentResourceService:
    """Persistent resources: documents."""

    def __init__(self, core: Core, _engine: object = None) -> None:
        self._core = core

    def resume(self) -> None:
        """Finish what an emulator that was killed was about to."""
        for document in self._core.documents.list(KIND):
            if document["state"] == "STOPPING":
                self._core.documents.delete(document["name"])
            elif document["state"] != "RUNNING":
                self._run(document["name"])

    def create_persistent_resource(self, call: Call) -> Document:
        """Begin to make a resource."""
        given, resource_id = call.request.get("persistent_resource", {}), call.request.get("persistent_resource_id", "")
        refuse([*check_id(resource_id), *check_resource(given)])
        name, time = f"{call.request['parent']}/persistentResources/{resource_id}", now()
        document = {field: given[field] for field in _OF_CLIENT if field in given}
        document |= {"name": name, "state": "PROVISIONING", "create_time": time, "update_time": time}
        for number, pool in enumerate(document["resource_pools"]):
            pool.setdefault("id", f"pool-{number}")
            pool.setdefault("replica_count", pool.get("autoscaling_spec", {}).get("min_replica_count", "1"))
        if self._core.documents.find(name) is not None:
            raise already_exists(name)
        self._core.documents.put(name, KIND, document)
        return self._begin(call, name, "Create")

    def get_persistent_resource(self, call: Call) -> Document:
        """Return a resource, and how many machines its jobs use."""
        return self._shown(self._core.documents.get(call.request["name"]))

    def list_persistent_resources(self, call: Call) -> dict[str, Any]:
        """Return a page of resources."""
        found = self._core.documents.list(KIND, call.request["parent"])
        return list_page([self._shown(document) for document in found], call.request, "persistent_resources")

    def update_persistent_resource(self, call: Call) -> Document:
        """Change display name, labels, or how many machines pools have."""
        told, mask = call.request.get("persistent_resource", {}), read_mask(call.request)
        known = {"display_name", "labels", "resource_pools", "resource_pools.replica_count"}
        if wrong := sorted(set(mask) - known):
            raise invalid("update_mask", f"Cannot update {', '.join(wrong)} of a {KIND}.")
        name = told.get("name", "")

        def change(document: Document) -> Document:
            self._require_running(document)
            for field in mask:
                if field.startswith("resource_pools"):
                    _resize(document["resource_pools"], told.get("resource_pools", []))
                else:
                    document[field] = told.get(field, {} if field == "labels" else "")
            refuse(list(check_resource(document)))
            return document | {"state": "UPDATING", "update_time": now()}

        self._core.documents.update(name, change)
        return self._begin(call, name, "Update")

    def reboot_persistent_resource(self, call: Call) -> Document:
        """Begin to start a resource anew."""
        name = call.request["name"]

        def change(document: Document) -> Document:
            self._require_running(document)
            return document | {"state": "REBOOTING", "update_time": now()}

        self._core.documents.update(name, change)
        return self._begin(call, name, "Reboot")

    def delete_persistent_resource(self, call: Call) -> Document:
        """Begin to delete a resource. Unverified: that it is refused while jobs run there."""
        name = call.request["name"]
        document = self._core.documents.get(name)
        if self._jobs(document):
            raise failed_precondition(f"The {KIND} {name} has jobs that run: cancel them first.")
        self._core.documents.update(name, lambda found: found | {"state": "STOPPING", "update_time": now()})

        def end() -> dict[str, Any]:
            self._core.documents.delete(name)
            return {}

        return self._core.operations.started(
            call.parent, "google.protobuf.Empty", end, metadata_type=f"{_V1}DeleteOperationMetadata"
        )

    def _begin(self, call: Call, name: str, what: str) -> Document:
        return self._core.operations.started(
            call.parent,
            f"{_V1}{KIND}",
            lambda: self._shown(self._run(name)),
            metadata_type=f"{_V1}{what}{KIND}OperationMetadata",
        )

    def _run(self, name: str) -> Document:
        time = now()

        def change(document: Document) -> Document:
            return {"start_time": time, **document, "state": "RUNNING", "update_time": time}

        return self._core.documents.update(name, change)

    def _require_running(self, document: Document) -> None:
        if document["state"] != "RUNNING":
            raise failed_precondition(f"The {KIND} {document['name']} is in state {document['state']}.")

    def _jobs(self, resource: Document) -> list[Document]:
        """Return the CustomJobSpecs of what runs there."""
        parent, _, resource_id = resource["name"].rsplit("/", 2)
        return [
            job[field]
            for kind, field in _JOBS
            for job in self._core.documents.list(kind, parent)
            if job[field].get("persistent_resource_id") == resource_id and job["state"] not in FINAL_STATES
        ]

    def _shown(self, resource: Document) -> Document:
        used: dict[str, int] = {}
        for spec in self._jobs(resource):
            for pool in filter(None, spec["worker_pool_specs"]):
                machine = pool["machine_spec"].get("machine_type", "")
                used[machine] = used.get(machine, 0) + int(pool.get("replica_count", 0))
        pools = [
            pool | {"used_replica_count": str(used.get(pool["machine_spec"].get("machine_type", ""), 0))}
            for pool in resource["resource_pools"]
        ]
        return resource | {"resource_pools": pools}


def _resize(pools: list[Document], told: list[Document]) -> None:
    counts = {pool.get("id"): pool["replica_count"] for pool in told if "replica_count" in pool}
    if strange := sorted(str(one) for one in counts.keys() - {pool["id"] for pool in pools}):
        raise invalid("persistent_resource.resource_pools", f"There is no resource pool {', '.join(strange)}.")
    for pool in pools:
        pool["replica_count"] = counts.get(pool["id"], pool["replica_count"])
