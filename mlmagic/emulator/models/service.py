"""Vertex AI's ModelService."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlmagic.backends.google.images import Purpose, known_image
from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document, now
from mlmagic.emulator.errors import ApiError, already_exists, failed_precondition, invalid, not_found
from mlmagic.emulator.listing import list_page
from mlmagic.emulator.masks import read_mask
from mlmagic.emulator.models import registry
from mlmagic.emulator.models.artifacts import Artifacts, folder_of
from mlmagic.emulator.models.names import check_aliases, check_model_id, engine_name, split_name

KIND = "model"
_V1 = "google.cloud.aiplatform.v1."
_EMPTY = "google.protobuf.Empty"


class ModelService:
    """Models: documents, and artifacts in the engine's workspace."""

    def __init__(self, core: Core, _engine: object = None) -> None:
        self._core = core
        self._artifacts = Artifacts.of(core)

    def upload_model(self, call: Call) -> Document:
        """Begin to make a model, or a version of one; the artifact is copied, so that it never changes."""
        request, model = call.request, call.request.get("model", {})
        check_model(model, is_version="parent_model" in request)
        if "parent_model" in request:
            name = split_name(request["parent_model"], "parent_model")[0]
            self._find(name)
        else:
            name = self._new_name(call)
        if uri := model.get("artifact_uri"):
            folder_of(self._core.buckets, uri, "model.artifact_uri")
        return self._core.operations.started(
            name,
            f"{_V1}UploadModelResponse",
            lambda: self._upload(name, model, is_version="parent_model" in request),
            metadata_type=f"{_V1}UploadModelOperationMetadata",
        )

    def get_model(self, call: Call) -> Document:
        """Return the version that the name means, by default the default one."""
        name, reference = split_name(call.request["name"])
        return self._message(self._find(name), reference)

    def list_models(self, call: Call) -> dict[str, Any]:
        """Return a page of models, each as its default version."""
        documents = self._core.documents.list(KIND, call.request["parent"])
        return list_page([self._message(document) for document in documents], call.request, "models")

    def list_model_versions(self, call: Call) -> dict[str, Any]:
        """Return a page of the versions of a model, the newest first."""
        document = self._find(split_name(call.request["name"])[0])
        newest_first = sorted(document["versions"], key=int, reverse=True)
        messages = [self._message(document, version) for version in newest_first]
        return list_page(messages, call.request, "models", key="version_id")

    def update_model(self, call: Call) -> Document:
        """Change the model's fields, or with `@VERSION` those of a version."""
        model = call.request.get("model", {})
        name, reference = split_name(model.get("name", ""), "model.name")
        mask = read_mask(call.request)

        def change(document: Document) -> None:
            version = None if reference in {None, "-"} else registry.find_version(document, reference)
            registry.change_fields(document, version, model, mask, now())

        self._find(name)
        changed = self._core.documents.update(name, change)
        return self._message(changed, None if reference == "-" else reference)

    def merge_version_aliases(self, call: Call) -> Document:
        """Let aliases point at a version, or no longer."""
        name, reference = split_name(call.request["name"])
        aliases = call.request.get("version_aliases", [])
        if reference is None:
            raise invalid("name", f"Invalid resource name {name!r}: the version must be named, as in {name}@1.")
        if not aliases:
            raise invalid("version_aliases", "Required field version_aliases is not set.")
        check_aliases(aliases, "version_aliases")
        version = registry.find_version(self._find(name), reference)
        changed = self._core.documents.update(
            name, lambda document: registry.merge_aliases(document, version, aliases, now())
        )
        return self._message(changed, version)

    def export_model(self, call: Call) -> Document:
        """Begin to copy the artifact of a version into a new folder of a bucket."""
        config = call.request.get("output_config", {})
        prefix = config.get("artifact_destination", {}).get("output_uri_prefix", "")
        field = "output_config.artifact_destination.output_uri_prefix"
        if not prefix:
            raise invalid(field, f"Required field {field} is not set.")
        if config.get("export_format_id", registry.EXPORT_FORMAT) != registry.EXPORT_FORMAT:
            raise invalid("output_config.export_format_id", f"The model has one format: {registry.EXPORT_FORMAT}.")
        name, reference = split_name(call.request["name"])
        document = self._find(name)
        number = document["versions"][registry.find_version(document, reference)]["engine_version"]
        if number is None:
            raise failed_precondition(f"The emulator has no artifact of {call.request['name']}.")
        shown = document["display_name"].replace("/", "_")
        uri = f"{prefix.rstrip('/')}/model-export-{shown}-{now()}"
        folder_of(self._core.buckets, uri, field)

        def export() -> dict[str, Any]:
            self._artifacts.export(engine_name(name), number, uri)
            return {}

        return self._core.operations.started(
            name,
            f"{_V1}ExportModelResponse",
            export,
            metadata_type=f"{_V1}ExportModelOperationMetadata",
            metadata={"output_info": {"artifact_output_uri": uri}},
        )

    def delete_model(self, call: Call) -> Document:
        """Delete a model with all its versions; refused while one is deployed."""
        name = split_name(call.request["name"])[0]
        self._require_undeployed(self._find(name), None)
        self._artifacts.forget_model(engine_name(name))
        self._core.documents.delete(name)
        return self._deleted(call)

    def delete_model_version(self, call: Call) -> Document:
        """Delete a version; refused while it is deployed, and of the default and of the only one."""
        name, reference = split_name(call.request["name"])
        if reference is None:
            raise invalid("name", f"Invalid resource name {name!r}: the version must be named, as in {name}@1.")
        document = self._find(name)
        version = registry.find_version(document, reference)
        self._require_undeployed(document, version)
        number = document["versions"][version]["engine_version"]
        # Whether it may go, before anything of it is gone.
        registry.remove_version(document, version, now())
        if number is not None:
            self._artifacts.forget(engine_name(name), number)
        self._core.documents.update(name, lambda found: _without(found, version))
        return self._deleted(call)

    def _new_name(self, call: Call) -> str:
        model_id = call.request.get("model_id")
        if model_id is not None:
            check_model_id(model_id)
        name = f"{call.request['parent']}/models/{model_id or self._core.documents.next_id()}"
        if self._core.documents.find(name) is not None:
            raise already_exists(name)
        return name

    def _upload(self, name: str, model: Mapping[str, Any], *, is_version: bool) -> dict[str, Any]:
        number = None
        if _is_served_here(model) and "artifact_uri" in model:
            number = self._artifacts.keep(engine_name(name), model["artifact_uri"])
        added: list[str] = []

        def add(document: Document) -> None:
            added.append(registry.add_version(document, model, number, now()))

        if is_version:
            self._core.documents.update(name, add)
        else:
            document = registry.new_document(name, model, now())
            add(document)
            self._core.documents.put(name, KIND, document)
        return {"model": name, "model_version_id": added[-1]}

    def _find(self, name: str) -> Document:
        document = self._core.documents.find(name)
        if document is None:
            raise not_found(name, "Model")
        return document

    def _message(self, document: Document, reference: str | None = None) -> Document:
        version = registry.find_version(document, reference)
        return registry.message_of(document, version, self._deployed(document, version))

    def _deployed(self, document: Document, version: str | None) -> list[dict[str, str]]:
        """Return where a version is deployed; without one, where any of the model is."""
        parent = document["name"].rsplit("/", 2)[0]
        return [
            {"endpoint": endpoint["name"], "deployed_model_id": deployed["id"]}
            for endpoint in self._core.documents.list("endpoint", parent)
            for deployed in endpoint.get("deployed_models", ())
            if deployed["model"] == document["name"] and version in {None, deployed["model_version_id"]}
        ]

    def _require_undeployed(self, document: Document, version: str | None) -> None:
        if found := self._deployed(document, version):
            where = ", ".join(f"{each['endpoint']} as DeployedModel {each['deployed_model_id']}" for each in found)
            told = document["name"] if version is None else f"{document['name']}@{version}"
            raise failed_precondition(
                f"{told} cannot be deleted, because it is deployed to {where}. Undeploy it first."
            )

    def _deleted(self, call: Call) -> Document:
        return self._core.operations.finished(call.parent, {}, _EMPTY, metadata_type=f"{_V1}DeleteOperationMetadata")


def check_model(model: Mapping[str, Any], *, is_version: bool) -> None:
    """Check what a client wants to upload.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    display_name = model.get("display_name", "")
    if not display_name and not is_version:
        raise invalid("model.display_name", "Required field model.display_name is not set.")
    if len(display_name) > 128:
        raise invalid("model.display_name", "model.display_name has more than 128 characters.")
    if not model.get("container_spec", {}).get("image_uri"):
        raise invalid("model.container_spec.image_uri", "Required field model.container_spec.image_uri is not set.")
    check_aliases(list(model.get("version_aliases", ())), "model.version_aliases")
    image = known_image(model["container_spec"]["image_uri"])
    if image is not None and image.purpose is Purpose.PREDICTION and "artifact_uri" not in model:
        raise invalid(
            "model.artifact_uri", "Required field model.artifact_uri is not set: the prebuilt image needs it."
        )


def _is_served_here(model: Mapping[str, Any]) -> bool:
    image = known_image(model["container_spec"]["image_uri"])
    return image is not None and image.purpose is Purpose.PREDICTION


def _without(document: Document, version: str) -> None:
    try:
        registry.remove_version(document, version, now())
    except KeyError:
        raise ApiError(status="NOT_FOUND", message=f"{document['name']}@{version} was not found.") from None
