"""Pages of models and of their versions: objects that show themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import MlmagicError
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.model_report import ModelPage, VersionPage
from mlmagic.spec.names import ModelReference
from mlmagic.workspace.model_aliases import DEFAULT

if TYPE_CHECKING:
    from mlmagic.session import Session

_SHOWN_VERSIONS = 50


class VersionDescription(VersionPage):
    """The page of a version, shown as a panel."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<VersionDescription of {self.version}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import version_bundle

        return version_bundle(self)


def model_page(session: Session, name: str) -> ModelPage:
    """Return what is told about a model.

    Raises:
        NotFoundError: there is none of that name.
    """
    model, count, versions = session.models.page(name, _SHOWN_VERSIONS)
    deployed = session.models.deployed(name)
    return ModelPage(
        model=model,
        count=count,
        versions=tuple(versions),
        deployed={f"{name}@{number}": tuple(endpoints) for number, endpoints in sorted(deployed.items())},
    )


def describe_version(session: Session, reference: ModelReference) -> VersionDescription:
    """Return the page of a version.

    Raises:
        NotFoundError: there is no such model, version or alias.
    """
    version = session.models.resolve(reference)
    model = session.models.get(version.model)
    return VersionDescription(
        version=version,
        aliases=model.aliases_of(version.number),
        default=model.aliases[DEFAULT],
        endpoints=tuple(session.models.deployed(version.model).get(version.number, ())),
        onnx=_onnx(session, version),
        is_job_gone=version.origin.job_id is not None and not _has_job(session, version.origin.job_id),
        is_dataset_gone=version.origin.dataset is not None and not _has_dataset(session, version.origin.dataset),
        path=str(session.models.path(version)),
    )


def _onnx(session: Session, version: ModelVersion) -> str | None:
    from mlmagic.serving.engines.conversion import known_conversion

    if version.origin.artifact == "onnx":
        return "it is an ONNX model, which has no other engine"
    known = known_conversion(session.workspace, version, session.models.path(version))
    if known is None:
        return None
    if known.path is None:
        return f"cannot compute it: {known.reason}"
    return f"computes it, and agrees with TensorFlow to {known.max_difference or 0:.0e} on sample rows"


def _has_job(session: Session, job_id: str) -> bool:
    try:
        session.jobs.get(job_id)
    except MlmagicError:
        return False
    return True


def _has_dataset(session: Session, reference: str) -> bool:
    try:
        session.datasets.resolve(reference)
    except MlmagicError:
        return False
    return True
