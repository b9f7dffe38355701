"""The endpoints of the workspace: found, listed, and moved along with the aliases that they follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.arguments import read_reference
from mlmagic.api.endpoint import Endpoint
from mlmagic.api.endpoint_waiting import SETTLE_SECONDS, Look, settle
from mlmagic.errors import BackendError, MlmagicError, NotFoundError
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointSpec, EndpointState
from mlmagic.spec.names import ModelReference
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore

if TYPE_CHECKING:
    from mlmagic.session import Session


def endpoints(*, session: Session | None = None) -> EndpointList:
    """Return the endpoints of the workspace, in order of name."""
    session = _session(session)
    handles = tuple(Endpoint(name=record.spec.name, session=session) for record in session.endpoints.list())
    broken = EndpointStore(Database(session.workspace)).unreadable()
    return EndpointList(handles, problems=tuple(str(error) for error in broken.values()))


def endpoint(name: str, *, session: Session | None = None) -> Endpoint:
    """Return the endpoint of that name.

    Raises:
        NotFoundError: there is none; names the nearest.
    """
    session = _session(session)
    return Endpoint(name=session.endpoints.get(read_reference(name, "an endpoint's name")).spec.name, session=session)


def follow(
    session: Session, model: str, *, wait: bool = True, seconds: float = SETTLE_SECONDS, on_look: Look | None = None
) -> tuple[str, ...]:
    """Move the endpoints that follow an alias of the model to where it points now; say what became of each.

    Nothing here fails the move of the alias, which has been made: what an endpoint cannot load is told, and it serves
    on as before.
    """
    followers = [record for record in session.endpoints.list() if record.spec.model == model and record.spec.follows]
    return tuple(_follow(session, record, wait=wait, seconds=seconds, on_look=on_look) for record in followers)


def _follow(session: Session, record: EndpointRecord, *, wait: bool, seconds: float, on_look: Look | None) -> str:
    name, model, backend = record.spec.name, record.spec.model, session.endpoints
    try:
        number = session.models.resolve(ModelReference(model, alias=record.spec.follows)).number
        # Its supervisor may have seen it first; then this changes nothing, and there is still something to wait for.
        changed = backend.change(name, lambda spec: _moved(spec, number))
        if changed.status.state is EndpointState.DOWN:
            return f"{name} is DOWN; once started it serves {model}@{number}."
        if not wait:
            return f"{name} moves to {model}@{number}."
        settle(backend, name, changed.spec.generation, seconds=seconds, on_look=on_look)
    except NotFoundError as error:
        return f"{name} was not moved: {error.message}"
    except BackendError as error:
        return f"{error.message} {error.hint or ''}".strip()
    except MlmagicError as error:
        return error.message
    return f"{name} serves {model}@{number} now."


def _moved(spec: EndpointSpec, number: int) -> EndpointSpec:
    # Somebody may have pinned it meanwhile.
    if not spec.follows:
        return spec
    deployed = (DeployedVersion(number=number, engine=spec.deployed[0].engine),)
    return dataclasses.replace(spec, deployed=deployed).without_served_shadow()


@dataclass(frozen=True, slots=True, repr=False)
class EndpointList(Sequence[Endpoint]):
    """The endpoints of a workspace, shown and printed as a table."""

    handles: tuple[Endpoint, ...]
    problems: tuple[str, ...] = ()
    """Of endpoints that are not in it, because their files cannot be read: which files, and what to do."""

    @overload
    def __getitem__(self, index: int) -> Endpoint: ...
    @overload
    def __getitem__(self, index: slice) -> EndpointList: ...
    def __getitem__(self, index: int | slice) -> Endpoint | EndpointList:
        return EndpointList(self.handles[index]) if isinstance(index, slice) else self.handles[index]

    def __len__(self) -> int:
        return len(self.handles)

    def __repr__(self) -> str:
        return f"<EndpointList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import endpoints_bundle

        return endpoints_bundle([handle.record for handle in self.handles], self.problems)


def _session(session: Session | None) -> Session:
    from mlmagic.session import current_session

    return session or current_session()
