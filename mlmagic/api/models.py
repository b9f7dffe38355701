"""Models: list them, look at their versions, choose the default and other aliases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.arguments import read_reference
from mlmagic.errors import UsageError
from mlmagic.spec.model import Model as ModelRecord
from mlmagic.spec.model import ModelSummary, ModelVersion
from mlmagic.spec.names import ModelReference, check_name, parse_model_reference

if TYPE_CHECKING:
    from mlmagic.api.endpoint_waiting import Look
    from mlmagic.api.model_deletion import ModelDeletion
    from mlmagic.api.model_difference import Data, ModelDifference
    from mlmagic.api.model_views import VersionDescription
    from mlmagic.session import Session
    from mlmagic.workspace.models import ModelStore


def models(*, session: Session | None = None) -> ModelList:
    """Return the models of the workspace."""
    session = _session(session)
    summaries = tuple(session.models.summaries())
    return ModelList(tuple(Model(name=each.model.name, session=session) for each in summaries), summaries)


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
    session = _session(session)
    return Model(name=session.models.get(check_name(name, "model name")).name, session=session)


def describe_model(reference: str, *, session: Session | None = None) -> Model | VersionDescription:
    """Return the page of a model, or of a version such as `taxi@2`.

    Raises:
        NotFoundError: there is none.
    """
    from mlmagic.api.model_views import describe_version

    if "@" not in read_reference(reference, "a model's name"):
        return model(reference, session=session)
    return describe_version(_session(session), parse_model_reference(reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A handle on a model. It holds the name alone: whatever it tells is read when it is asked.

    Where a version is meant, `which` is its number or an alias.
    """

    name: str
    session: Session = field(repr=False)

    @property
    def store(self) -> ModelStore:
        """Where it is kept."""
        return self.session.models

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
        """Return a version.

        Raises:
            NotFoundError: there is none.
        """
        return self.store.resolve(self._reference(which))

    def describe(self, which: int | str) -> VersionDescription:
        """Return the page of a version.

        Raises:
            NotFoundError: there is none.
        """
        from mlmagic.api.model_views import describe_version

        return describe_version(self.session, self._reference(which))

    def set_default(
        self,
        which: int | str,
        *,
        min_improvement: str | float | None = None,
        metric: str | None = None,
        data: Data = None,
        split: str | None = None,
        wait: bool = True,
        yes: bool = False,
        on_look: Look | None = None,
    ) -> Model:
        """Let a version answer when none is named, and return the model. Endpoints that follow the default follow.

        Args:
            which: the version.
            min_improvement: only if it is better than the default by this much: `"1%"`, or `0.01` of the metric.
            metric: which one must be better, such as `rmse`.
            data: the dataset or DataFrame to evaluate both on; by default the dataset that it was trained on.
            split: of the dataset.
            wait: return when the endpoints that follow have moved; otherwise when they have been told to.
            yes: let those that cost money do so unasked: each has both versions for a while.
            on_look: called with each endpoint that follows, again and again while it moves.

        Raises:
            NotFoundError: there is no such version.
            NotBetterError: it is not better by that much.
            ConsentError: endpoints that follow cost money, and the user does not agree to that.
            UsageError: `metric`, `data` or `split` without `min_improvement`.
        """
        from mlmagic.api.model_default import move_default

        move_default(
            self.session,
            self.version(which),
            min_improvement=min_improvement,
            metric=metric,
            data=data,
            split=split,
            wait=wait,
            yes=yes,
            on_look=on_look,
        )
        return self

    def set_alias(self, alias: str, which: int | str, *, yes: bool = False, on_look: Look | None = None) -> Model:
        """Let an alias point at a version, and return the model. Endpoints that follow the alias follow.

        Args:
            alias: its name.
            which: the version.
            yes: let endpoints that cost money move unasked.
            on_look: called with each of them, again and again while it moves.

        Raises:
            NotFoundError: there is no such version.
            ConsentError: endpoints that follow cost money, and the user does not agree to that.
            UsageError: no alias can be called so.
        """
        from mlmagic.api.model_default import move_alias

        move_alias(self.session, self.version(which), alias, yes=yes, on_look=on_look)
        return self

    def remove_alias(self, alias: str) -> Model:
        """Forget an alias, and return the model.

        Raises:
            NotFoundError: there is none of that name.
            UsageError: it is the default.
        """
        self.store.remove_alias(self.name, alias)
        return self

    def diff(
        self, first: int | str, second: int | str, *, data: Data = None, split: str | None = None
    ) -> ModelDifference:
        """Return what two versions have differently; see `diff_models`."""
        from mlmagic.api.model_difference import diff_models

        references = (str(self._reference(which)) for which in (first, second))
        return diff_models(*references, data=data, split=split, session=self.session)

    def delete(self, which: int | str | None = None) -> ModelDeletion:
        """Remove a version; without one, the model with all its versions.

        Raises:
            NotFoundError: there is no such version.
            ConflictError: something needs it; says how each lets go of it.
        """
        from mlmagic.api.model_deletion import delete_model

        return delete_model(self.name if which is None else str(self._reference(which)), session=self.session)

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.api.model_views import model_page
        from mlmagic.panels import model_bundle

        return model_bundle(model_page(self.session, self.name))

    def _reference(self, which: int | str) -> ModelReference:
        return parse_model_reference(f"{self.name}@{which}")


@dataclass(frozen=True, slots=True, repr=False)
class ModelList(Sequence[Model]):
    """The models of a workspace, shown and printed as a table."""

    handles: tuple[Model, ...]
    summaries: tuple[ModelSummary, ...] = ()
    """What the table shows of each."""

    @overload
    def __getitem__(self, index: int) -> Model: ...
    @overload
    def __getitem__(self, index: slice) -> ModelList: ...
    def __getitem__(self, index: int | slice) -> Model | ModelList:
        if isinstance(index, slice):
            return ModelList(self.handles[index], self.summaries[index])
        return self.handles[index]

    def __len__(self) -> int:
        return len(self.handles)

    def __repr__(self) -> str:
        return f"<ModelList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import models_bundle

        return models_bundle(self.summaries)


def _session(session: Session | None) -> Session:
    from mlmagic.session import current_session

    return session or current_session()
