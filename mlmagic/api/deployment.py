"""`deploy`: let an endpoint serve a version of a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlmagic.api.consent import agree_to_endpoint, endpoint_cost_line
from mlmagic.api.deployment_arguments import BACKENDS, Wish, read_wish
from mlmagic.api.deployment_edit import check_signatures, deployment_notes, first_spec, next_spec
from mlmagic.api.endpoint import Endpoint
from mlmagic.api.endpoint_waiting import Look
from mlmagic.api.first_version import resolve_version
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.endpoint import EndpointSpec, EndpointState, EngineChoice
from mlmagic.spec.model import ModelVersion

if TYPE_CHECKING:
    from mlmagic.session import Session


def deploy(
    model_ref: str,
    *,
    endpoint: str | None = None,
    traffic: int | None = None,
    min_replicas: int | None = None,
    max_replicas: int | None = None,
    idle: float | str | None = None,
    host: str | None = None,
    port: int | None = None,
    auth: bool | None = None,
    engine: EngineChoice | str | None = None,
    max_body: int | str | None = None,
    max_instances: int | None = None,
    max_queue: int | None = None,
    timeout: float | str | None = None,
    log_sample: float | None = None,
    log_budget: int | str | None = None,
    log_key: str | None = None,
    canary: str | Sequence[int] | None = None,
    hold: float | str | None = None,
    shadow: float | str | bool | None = None,
    backend: str | None = None,
    machine: str | None = None,
    image: str | None = None,
    yes: bool = False,
    wait: bool = True,
    on_wait: Callable[[str], None] | None = None,
    on_look: Look | None = None,
    session: Session | None = None,
) -> Endpoint:
    """Let an endpoint serve a version, and return the endpoint. One that is there changes without losing a request.

    Args:
        model_ref: `M` lets the endpoint follow the model's default, `M@alias` another alias; `M@3` stays with that.
        endpoint: its name; the model's by default. An endpoint serves one model.
        traffic: percent of the requests for this version; the others share the rest as they share now. By default it
            gets all, and those that are deployed already stay at 0 for a roll-back.
        min_replicas: workers that are kept; with 0, the default, none is left after a while without requests.
        max_replicas: workers that there may be under load; 1 by default.
        idle: how long without a request is a while: seconds, or `"15m"`, which is the default.
        host: where it listens; `127.0.0.1` by default, which other machines cannot reach.
        port: one that is free by default. It stays the same as long as the endpoint is there.
        auth: False asks requests for no token.
        engine: `auto`, `session` (TensorFlow) or `onnx`.
        max_body: bytes of a request, such as `"64MB"`.
        max_instances: of one request.
        max_queue: requests of a worker that may wait.
        timeout: for a request to come in, and again for its answer: seconds, or `"60s"`.
        log_sample: the share of the requests that are kept with their predictions, such as 0.1; 0 keeps none any more.
        log_budget: bytes of disk for them, such as `"1GB"`, which is the default; the oldest go first.
        log_key: the input that names an instance, by which what came true is joined later.
        canary: percents of the requests that the version gets one after the other, such as `"5,25,100"`. The endpoint
            goes from one to the next by itself, and back to what is served now as soon as the version fails, is slow,
            or predicts what is no number or far from what is predicted now: see `Endpoint.rollout`.
        hold: how long each of these is served at least: seconds, or `"10m"`, which is the default. A step also lasts
            until the version got 20 requests in it.
        shadow: the share of the requests, such as 0.1, or True for all, that the version gets a copy of. It answers
            nobody: its answers are compared with those that were returned, see `Endpoint.shadow`. It ends with
            `"off"`, or as soon as the version gets requests of its own.
        backend: where a new endpoint serves: `local`, `google` or `emulator`; the session's by default. What is said
            of workers holds for replicas in the cloud, of which one is always kept; `idle` to `timeout`, `auth`, the
            request log and `canary` are for this machine alone.
        machine: of an endpoint in the cloud, the type of its machines; `n1-standard-2` by default.
        image: of an endpoint in the cloud, the container that serves; the newest prebuilt one by default.
        yes: deploy it in the cloud although it costs money.
        wait: until it is served; also for the first version of a model that is in training.
        on_wait: called once with a line that says that a version is waited for; by default it is printed.
        on_look: called with the endpoint's record each time that it was read while waiting.
        session: another than this process's.

    Raises:
        UsageError: arguments that do not fit; all are listed.
        ConsentError: it costs money, and the user does not agree to that.
        NotFoundError: no such model or version.
        BackendError: it cannot be loaded, or not be started.
    """
    wish = read_wish(
        model_ref,
        endpoint=endpoint,
        traffic=traffic,
        engine=engine,
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        idle=idle,
        host=host,
        port=port,
        auth=auth,
        max_body=max_body,
        max_instances=max_instances,
        max_queue=max_queue,
        timeout=timeout,
        log_sample=log_sample,
        log_budget=log_budget,
        log_key=log_key,
        canary=canary,
        hold=hold,
        shadow=shadow,
        backend=backend,
        machine=machine,
        image=image,
    )
    plan = _plan(wish, _session(session), wait=wait, on_wait=on_wait)
    return plan.carry_out(yes=yes, wait=wait, on_look=on_look)


def plan_deployment(
    model_ref: str,
    *,
    wait: bool = False,
    on_wait: Callable[[str], None] | None = None,
    session: Session | None = None,
    **arguments: Any,
) -> Deployment:
    """Return what `deploy` would do with the same arguments; nothing is done. `wait` is for a model's first version.

    Raises:
        UsageError: arguments that do not fit; all are listed.
        NotFoundError: no such model or version.
    """
    return _plan(read_wish(model_ref, **arguments), _session(session), wait=wait, on_wait=on_wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deployment would do, until it is carried out."""

    before: EndpointSpec | None
    """None: the endpoint is not there yet."""
    after: EndpointSpec
    wish: Wish = field(repr=False)
    version: ModelVersion = field(repr=False)
    session: Session = field(repr=False, compare=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What its user should know."""
        return deployment_notes(self.before, self.after, self.wish)

    @property
    def cost(self) -> str | None:
        """Machines times hours, and money if the user's prices tell it; None where nobody is billed."""
        return endpoint_cost_line(self.after, self.session)

    def carry_out(self, *, yes: bool = False, wait: bool = True, on_look: Look | None = None) -> Endpoint:
        """Do it, with the endpoint as it is by now, and return the endpoint.

        Raises:
            ConsentError: it costs money, and the user does not agree to that.
        """
        agree_to_endpoint(self.after, self.session, yes=yes)
        try:
            generation = self._create() if self.before is None else self._change()
        except (ConflictError, NotFoundError):
            again = _plan(self.wish, self.session, wait=False, on_wait=None)
            if (again.before is None) == (self.before is None):
                raise
            # Somebody made or deleted it in between.
            return again.carry_out(yes=yes, wait=wait, on_look=on_look)
        handle = Endpoint(name=self.after.name, session=self.session)
        if not wait:
            return handle
        handle.wait(generation, on_look=on_look)
        if self.wish.shadow and self.after.shadow is not None:
            handle.wait_for_shadow(on_look=on_look)
        return handle

    def _create(self) -> int:
        return self.session.endpoints.create(self.after).spec.generation

    def _change(self) -> int:
        backend, name = self.session.endpoints, self.after.name
        before = backend.get(name)
        record = backend.change(name, lambda spec: _changed(spec, before.status.state, self))
        if before.status.state is EndpointState.FAILED and record.spec == before.spec:
            # Asked for once more as it is: a new start may help.
            backend.stop(name)
            return backend.wake(name).spec.generation
        backend.wake(name)
        return record.spec.generation

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import deployment_bundle

        return deployment_bundle(self.before, self.after, self.notes)


def _plan(wish: Wish, session: Session, *, wait: bool, on_wait: Callable[[str], None] | None) -> Deployment:
    version = resolve_version(wish.reference, session, wait=wait, on_wait=on_wait)
    try:
        record = session.endpoints.get(wish.endpoint)
    except NotFoundError:
        new = first_spec(wish, version, backend=_backend(wish, session), now=datetime.now(UTC))
        return Deployment(before=None, after=new, wish=wish, version=version, session=session)
    plan = Deployment(before=record.spec, after=record.spec, wish=wish, version=version, session=session)
    return dataclasses.replace(plan, after=_changed(record.spec, record.status.state, plan))


def _changed(spec: EndpointSpec, state: EndpointState, plan: Deployment) -> EndpointSpec:
    after = next_spec(spec, plan.wish, plan.version, has_failed=state is EndpointState.FAILED)
    check_signatures(after, plan.session.models.versions(spec.model))
    return after


def _backend(wish: Wish, session: Session) -> str:
    """Return where a new endpoint serves. A backend that has none, such as that of tests, leaves it to this machine."""
    name = wish.backend or session.backend_name
    return name if name in BACKENDS else BACKENDS[0]


def _session(session: Session | None) -> Session:
    from mlmagic.session import current_session

    return session or current_session()
