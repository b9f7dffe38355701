"""Models: list them, look at their versions, choose the default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.arguments import read_reference
from mlmagic.errors import UsageError
from mlmagic.spec.model import Model as ModelRecord
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.names import check_name, parse_model_reference

if TYPE_CHECKING:
    from mlmagic.session import Session
    from mlmagic.workspace.models import ModelStore


def models(*, session: Session | None = None) -> ModelList:
    """Return the models of the workspace."""
    store = _store(session)
    return ModelList(tuple(Model(name=record.name, store=store) for record in store.list()))


def model(name: str, *, session: Session | None = None) -> Model:
    """Return the model of that name.

    Raises:
        NotFoundError: there is none; names the nearest.
    """
    read_reference(name, "a model's name")
    if "@" in name:
        model_name = name.partition("@")[0]
        raise UsageError(
            f"{name!r} is a version; what is asked for is a model's name: {model_name}.",
            hint="The model tells its versions.",
        )
    store = _store(session)
    return Model(name=store.get(check_name(name, "model name")).name, store=store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A handle on a model. It holds the name alone: whatever it tells is read when it is asked."""

    name: str
    store: ModelStore = field(repr=False)

    @property
    def record(self) -> ModelRecord:
        """Name and aliases, as they are now."""
        return self.store.get(self.name)

    @property
    def versions(self) -> tuple[ModelVersion, ...]:
        """All versions, the oldest first."""
        return tuple(self.store.versions(self.name))

    @property
    def default(self) -> ModelVersion:
        """The version that answers when none is named."""
        return self.version("default")

    def version(self, which: int | str) -> ModelVersion:
        """Return a version by its number or alias.

        Raises:
            NotFoundError: there is none.
        """
        return self.store.resolve(parse_model_reference(f"{self.name}@{which}"))

    def set_default(self, number: int) -> Model:
        """Let that version answer when none is named, and return the model.

        Raises:
            NotFoundError: there is no such version.
        """
        self.store.set_default(self.name, number)
        return self

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import model_bundle

        return model_bundle(self.record, self.versions)


@dataclass(frozen=True, slots=True, repr=False)
class ModelList(Sequence[Model]):
    """The models of a workspace, shown and printed as a table."""

    handles: tuple[Model, ...]

    @overload
    def __getitem__(self, index: int) -> Model: ...
    @overload
    def __getitem__(self, index: slice) -> ModelList: ...
    def __getitem__(self, index: int | slice) -> Model | ModelList:
        return ModelList(self.handles[index]) if isinstance(index, slice) else self.handles[index]

    def __len__(self) -> int:
        return len(self.handles)

    def __repr__(self) -> str:
        return f"<ModelList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import models_bundle

        return models_bundle([(handle.record, handle.versions) for handle in self.handles])


def _store(session: Session | None) -> ModelStore:
    from mlmagic.session import current_session

    return (session or current_session()).models
