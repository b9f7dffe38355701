"""A model's document, and what its versions look like; functions of dictionaries alone.

A document has what belongs to the model (`name`, `display_name`, `description`, `labels`, times), `aliases` (alias →
version), `last` (the newest number that was ever given), and `versions` (version → its own part of the message, and
`engine_version`, under which the engine's workspace has the artifact, if it has one).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlmagic.emulator.errors import ApiError, failed_precondition, invalid, not_found
from mlmagic.emulator.models.names import DEFAULT

Document = dict[str, Any]

EXPORT_FORMAT = "custom-trained"
_OF_MODEL = ("display_name", "description", "labels")
_OF_VERSION = (
    "version_description",
    "container_spec",
    "artifact_uri",
    "metadata_schema_uri",
    "predict_schemata",
    "explanation_spec",
    "encryption_spec",
    "pipeline_job",
)
_FIXED: Mapping[str, Any] = {
    "supported_deployment_resources_types": ["DEDICATED_RESOURCES"],
    "supported_input_storage_formats": ["jsonl", "csv", "tf-record", "tf-record-gzip"],
    "supported_output_storage_formats": ["jsonl", "csv"],
    "supported_export_formats": [{"id": EXPORT_FORMAT, "exportable_contents": ["ARTIFACT"]}],
    "model_source_info": {"source_type": "CUSTOM"},
}


def new_document(name: str, model: Mapping[str, Any], now: str) -> Document:
    """Return the document of a model that has no version yet."""
    told = {field: model[field] for field in _OF_MODEL if field in model}
    return {"name": name, **told, "create_time": now, "update_time": now, "aliases": {}, "last": 0, "versions": {}}


def add_version(document: Document, model: Mapping[str, Any], engine_version: int | None, now: str) -> str:
    """Add a version with its aliases, and return its id. The first is the default, and so is one that asks for it."""
    version = str(document["last"] + 1)
    document["last"] += 1
    told = {field: model[field] for field in _OF_VERSION if field in model}
    times = {"version_create_time": now, "version_update_time": now}
    document["versions"][version] = {**told, **times, "engine_version": engine_version}
    document["update_time"] = now
    for alias in model.get("version_aliases", ()):
        document["aliases"][alias] = version
    document["aliases"].setdefault(DEFAULT, version)
    return version


def find_version(document: Mapping[str, Any], reference: str | None) -> str:
    """Return the id of the version that is meant by an id, an alias, or nothing: the default.

    Raises:
        ApiError: NOT_FOUND.
    """
    wanted = reference or DEFAULT
    version: str = document["aliases"].get(wanted, wanted)
    if version not in document["versions"]:
        raise not_found(f"{document['name']}@{wanted}", "Model version")
    return version


def message_of(document: Mapping[str, Any], version: str, deployed: Iterable[Mapping[str, str]] = ()) -> Document:
    """Return the message of a version; `deployed` are the references to where the model is deployed."""
    own = {key: value for key, value in document["versions"][version].items() if key != "engine_version"}
    model = {
        field: document[field] for field in (*_OF_MODEL, "name", "create_time", "update_time") if field in document
    }
    aliases = sorted(alias for alias, target in document["aliases"].items() if target == version)
    told = {"version_id": version, "version_aliases": aliases, "etag": f"{document['update_time']}-{version}"}
    return {**_FIXED, **model, **own, **told, "deployed_models": list(deployed)}


def merge_aliases(document: Document, version: str, aliases: Iterable[str], now: str) -> None:
    """Let aliases point at a version; `-alias` takes one away from it. An alias points at one version alone.

    Raises:
        ApiError: the version would no longer be the default, and no other would.
    """
    for alias in aliases:
        if not alias.startswith("-"):
            document["aliases"][alias] = version
        elif alias == f"-{DEFAULT}":
            raise invalid(
                "version_aliases", "The alias default cannot be removed: give it to another version of the model."
            )
        elif document["aliases"].get(alias[1:]) == version:
            del document["aliases"][alias[1:]]
    document["versions"][version]["version_update_time"] = now
    document["update_time"] = now


def remove_version(document: Document, version: str, now: str) -> int | None:
    """Remove a version and its aliases, and return what the engine calls it.

    Raises:
        ApiError: FAILED_PRECONDITION: it is the only one, or the default.
    """
    if len(document["versions"]) == 1:
        raise failed_precondition(
            f"{document['name']}@{version} is the only version of the model. Use DeleteModel to delete the model."
        )
    if document["aliases"][DEFAULT] == version:
        raise failed_precondition(
            f"{document['name']}@{version} is the default version. Give the alias default to another version first."
        )
    document["aliases"] = {alias: target for alias, target in document["aliases"].items() if target != version}
    document["update_time"] = now
    removed: int | None = document["versions"].pop(version)["engine_version"]
    return removed


def change_fields(document: Document, version: str | None, model: Mapping[str, Any], mask: list[str], now: str) -> None:
    """Write the fields of a mask: the model's own where no version is named, else the version's.

    Raises:
        ApiError: a field cannot be changed, or not there.
    """
    allowed = {"version_description"} if version else {"display_name", "description", "labels"}
    if wrong := sorted(set(mask) - allowed):
        raise _not_updatable(wrong, sorted(allowed))
    target = document["versions"][version] if version else document
    for field in mask:
        target[field] = model.get(field, {} if field == "labels" else "")
    if version:
        target["version_update_time"] = now
    document["update_time"] = now


def _not_updatable(wrong: list[str], allowed: list[str]) -> ApiError:
    return invalid("update_mask", f"Cannot update {', '.join(wrong)}; here these can: {', '.join(allowed)}.")
