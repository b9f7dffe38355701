"""Deleting versions of models, and models."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_model_reference
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.model_deletion import require_all_deletable

if TYPE_CHECKING:
    from mlmagic.session import Session

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDeletion:
    """Versions that are to go, or have gone."""

    model: str
    versions: tuple[ModelVersion, ...]
    is_whole: bool = False
    """The model goes with them, its aliases too."""
    is_done: bool = False
    left: tuple[str, ...] = ()
    """What was uploaded of them and stays: their names in Vertex AI's registry, and their places in the bucket."""

    def lines(self) -> list[str]:
        """Return a line for each version, of very many for the first."""
        from mlmagic.panels.sizes import size_text
        from mlmagic.panels.times import short_absolute

        lines = [
            f"{version}  {short_absolute(version.create_time)}  {size_text(version.size_bytes)}"
            for version in self.versions[:_SHOWN]
        ]
        more = len(self.versions) - len(lines)
        return [*lines, f"and {more} more"] if more else lines

    def __str__(self) -> str:
        from mlmagic.panels.sizes import size_text

        size = size_text(sum(version.size_bytes for version in self.versions))
        left = ["What was uploaded stays in Google Cloud:", *(f"  {one}" for one in self.left)] if self.left else []
        if not self.is_whole:
            told = f"{self._verb} {self.versions[0]}, {size}. Its number is not given again."
            return "\n".join([told, *left])
        count = "1 version" if len(self.versions) == 1 else f"{len(self.versions)} versions"
        told = "\n  ".join([f"{self._verb} the model {self.model}, {count}, {size}:", *self.lines()])
        return "\n".join([told, *left])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        printer.text(str(self))

    @property
    def _verb(self) -> str:
        return "Deleted" if self.is_done else "Would delete"


def plan_model_deletion(reference: str, *, session: Session | None = None) -> ModelDeletion:
    """Return what `delete_model` would remove; nothing is removed.

    Raises:
        NotFoundError: there is no such model or version.
        ConflictError: of a model: an endpoint serves it, or a job predicts with it.
    """
    from mlmagic.session import current_session

    session = session or current_session()
    store, meant = session.models, read_model_reference(reference)
    if "@" in reference:
        versions: tuple[ModelVersion, ...] = (store.resolve(meant),)
        return ModelDeletion(model=meant.model, versions=versions, left=_left(session, meant.model, versions))
    store.get(meant.model)
    require_all_deletable(meant.model, store.users(meant.model))
    versions = tuple(store.versions(meant.model))
    left = _left(session, meant.model, versions)
    return ModelDeletion(model=meant.model, versions=versions, is_whole=True, left=left)


def delete_model(reference: str, *, session: Session | None = None) -> ModelDeletion:
    """Remove a version, such as `taxi@2`, or with a model's name the model with all its versions.

    Numbers are not given again; what an endpoint serves or an alias points at stays.

    Raises:
        NotFoundError: there is no such model or version.
        ConflictError: something needs it; says how each lets go of it.
    """
    from mlmagic.session import current_session

    session = session or current_session()
    plan = plan_model_deletion(reference, session=session)
    if plan.is_whole:
        versions = tuple(session.models.delete_model(plan.model))
        return dataclasses.replace(plan, versions=versions, is_done=True)
    session.models.delete(plan.versions[0])
    return dataclasses.replace(plan, is_done=True)


def _left(session: Session, model: str, versions: tuple[ModelVersion, ...]) -> tuple[str, ...]:
    """Return what of the versions is in Google Cloud, as far as it is noted here."""
    from mlmagic.backends.google.vertex_models_noted import noted_versions

    numbers = {version.number for version in versions}
    found = [one for one in noted_versions(session.location, model) if one.number in numbers]
    return tuple(f"{one.model}@{one.version}, its files in {one.artifact}" for one in found)
