"""Evaluations of models, which the emulator keeps and never makes: a part of Vertex AI's ModelService."""

from __future__ import annotations

from typing import Any

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import Document, now
from mlmagic.emulator.errors import invalid, not_found
from mlmagic.emulator.listing import list_page
from mlmagic.emulator.models.names import split_name
from mlmagic.emulator.models.registry import find_version

KIND = "model_evaluation"
_VERSION = "_version"
"""What a document has of the emulator's own."""


class ModelEvaluations:
    """Evaluations: documents below a model, each of one version."""

    def __init__(self, core: Core, _engine: object = None) -> None:
        self._core = core

    def import_model_evaluation(self, call: Call) -> Document:
        """Keep the evaluation of a version, by default of the default one."""
        name, version = self._find_version(call.request["parent"])
        evaluation = call.request.get("model_evaluation", {})
        if not evaluation.get("metrics"):
            raise invalid("model_evaluation.metrics", "Required field model_evaluation.metrics is not set.")
        document = {
            **evaluation,
            "name": f"{name}/evaluations/{self._core.documents.next_id()}",
            "create_time": now(),
            _VERSION: version,
        }
        self._core.documents.put(document["name"], KIND, document)
        return _shown(document)

    def get_model_evaluation(self, call: Call) -> Document:
        """Return an evaluation."""
        return _shown(self._core.documents.get(call.request["name"]))

    def list_model_evaluations(self, call: Call) -> dict[str, Any]:
        """Return a page of the evaluations of a version, by default of the default one, the newest first."""
        name, version = self._find_version(call.request["parent"])
        found = [one for one in self._core.documents.list(KIND, name) if one[_VERSION] == version]
        return list_page([_shown(one) for one in found], call.request, "model_evaluations")

    def _find_version(self, reference: str) -> tuple[str, str]:
        name, wanted = split_name(reference, "parent")
        model = self._core.documents.find(name)
        if model is None:
            raise not_found(name, "Model")
        return name, find_version(model, wanted)


def _shown(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != _VERSION}
