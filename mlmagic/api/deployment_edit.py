"""What a deployment makes of an endpoint's spec, and what its user should know about that."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mlmagic.api.deployment_arguments import Wish
from mlmagic.api.rollout import first_rollout_error, plan_rollout
from mlmagic.api.shadow import check_shadow, first_shadow_error, shadow_notes, with_shadow
from mlmagic.api.signature_differences import signature_differences
from mlmagic.api.traffic import WHOLE, Versions, with_version
from mlmagic.errors import UsageError
from mlmagic.panels.sizes import size_text
from mlmagic.panels.times import duration
from mlmagic.spec.endpoint import DeployedVersion, EndpointGoal, EndpointSpec, EngineChoice, Limits, Rollout, Scaling
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.request_log import RequestLogging

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def first_spec(wish: Wish, version: ModelVersion, *, backend: str = "local", now: datetime) -> EndpointSpec:
    """Return the spec of an endpoint that is not there yet; port 0 is any that is free, or in the cloud none.

    Raises:
        UsageError: it cannot be made so; all that is wrong is listed.
    """
    new = DeployedVersion(number=version.number, engine=wish.engine or EngineChoice.AUTO)
    if wish.traffic not in {None, WHOLE}:
        with_version((), dataclasses.replace(new, traffic=wish.traffic or 0), model=version.model)
    check_flags(wish, backend)
    if wish.canary:
        raise first_rollout_error(version.model, version.number)
    if wish.shadow is not None:
        raise first_shadow_error(version.model, version.number, wish.shadow)
    return EndpointSpec(
        name=wish.endpoint,
        backend=backend,
        model=version.model,
        deployed=(new,),
        follows=wish.reference.alias,
        scaling=_kept_up(_scaling(Scaling(), wish), backend),
        limits=_limits(Limits(), wish),
        machine=wish.machine,
        image=wish.image,
        log=_logging(None, wish, version),
        host=wish.host or "127.0.0.1",
        port=wish.port or 0,
        needs_token=wish.needs_token is not False,
        create_time=now,
        update_time=now,
    )


def next_spec(spec: EndpointSpec, wish: Wish, version: ModelVersion, *, has_failed: bool = False) -> EndpointSpec:
    """Return what the spec of an endpoint becomes.

    A version that is named gets its share, by default all, and the others stay, unless the endpoint has failed: then
    one of them may be why. The model's name alone lets an endpoint with one version follow the default.

    Raises:
        UsageError: it cannot be changed so; all that is wrong is listed.
    """
    _check_fixed(spec, wish)
    check_flags(wish, spec.backend)
    if wish.shadow is not None:
        return _with_settings(with_shadow(spec, wish, version), wish, version)
    old = next((known for known in spec.deployed if known.number == version.number), None)
    engine = wish.engine or (old.engine if old else spec.deployed[-1].engine)
    new = DeployedVersion(number=version.number, traffic=WHOLE if wish.traffic is None else wish.traffic, engine=engine)
    if wish.canary and (has_failed or not any(known.traffic for known in spec.deployed if known is not old)):
        raise first_rollout_error(spec.model, version.number)
    rollout = plan_rollout(spec, version.number, wish.canary, wish.hold_seconds, engine=engine) if wish.canary else None
    is_alone = has_failed or len(spec.deployed) == 1
    follows = wish.reference.alias if rollout is None and new.traffic == WHOLE and is_alone else None
    replaces = follows is not None or (has_failed and new.traffic == WHOLE)
    deployed: Versions = (new,) if replaces else with_version(spec.deployed, new, model=spec.model)
    if rollout is not None:
        deployed = rollout.stages[0].deployed
    after = dataclasses.replace(spec, deployed=deployed, follows=follows, rollout=rollout)
    return _with_settings(after.without_served_shadow(), wish, version)


def _with_settings(spec: EndpointSpec, wish: Wish, version: ModelVersion) -> EndpointSpec:
    """Return the spec with all that is said of it but the versions."""
    return dataclasses.replace(
        spec,
        scaling=_kept_up(_scaling(spec.scaling, wish), spec.backend),
        limits=_limits(spec.limits, wish),
        # In the cloud, one that was stopped serves again.
        goal=EndpointGoal.SERVE,
        log=_logging(spec.log, wish, version),
    )


def check_signatures(spec: EndpointSpec, versions: Sequence[ModelVersion]) -> None:
    """See that all versions which share the requests take and return the same.

    Raises:
        UsageError: two do not; says what is different.
    """
    signatures = {version.number: version.signature for version in versions}
    first, *others = [deployed.number for deployed in spec.deployed if deployed.traffic]
    check_shadow(spec, signatures.get(first), signatures)
    for number in others:
        if problems := signature_differences(signatures.get(first), signatures.get(number)):
            raise UsageError(
                f"{spec.model}@{first} and {spec.model}@{number} cannot share requests: a client would not know what "
                "to send.",
                problems=problems,
                hint=f"Deploy it elsewhere: %deploy {spec.model}@{number} --endpoint {spec.name}-{number}",
            )


def is_local(backend: str) -> bool:
    """Say whether endpoints of a backend are on this machine."""
    return backend == "local"


def check_flags(wish: Wish, backend: str) -> None:
    """See that nothing is asked for that there is only elsewhere.

    Raises:
        UsageError: it is; says where that can be had.
    """
    flags = wish.cloud_flags if is_local(backend) else wish.local_flags
    if not flags:
        return
    are = "is" if len(flags) == 1 else "are"
    if is_local(backend):
        raise UsageError(
            f"{', '.join(flags)} {are} for endpoints on Vertex AI, and this one is on this machine.",
            hint="Serve it there: --backend google, or `%mlmagic use google` for all that follows.",
        )
    raise UsageError(
        f"{', '.join(flags)} {are} for endpoints on this machine, and this one is on Vertex AI, which decides that "
        "itself.",
        hint="Leave that out, or serve it here: --backend local",
    )


def deployment_notes(before: EndpointSpec | None, after: EndpointSpec, wish: Wish | None = None) -> tuple[str, ...]:
    """Return what a user should know of the change."""
    name, model = after.name, after.model
    notes = []
    if after.follows and (before is None or before.follows != after.follows):
        moves = f"%models set-default {model}@N" if after.follows == "default" else f"moving {model}@{after.follows}"
        notes.append(f"{name} follows {model}@{after.follows}: {moves} moves it.")
    if before is not None and before.follows and not after.follows:
        notes.append(f"{name} no longer follows {model}@{before.follows}: it serves what it is told.")
    if after.rollout is not None:
        notes += _rollout_notes(after, after.rollout)
    elif before is not None and before.rollout is not None:
        notes.append(f"The roll-out of {model}@{before.rollout.version} ends.")
    notes += shadow_notes(before, after)
    gone = {known.number for known in before.deployed} - {known.number for known in after.deployed} if before else set()
    notes += [f"{model}@{number} is no longer deployed." for number in sorted(gone)]
    for waiting in (known for known in after.deployed if not known.traffic):
        reference = f"{model}@{waiting.number}"
        notes.append(
            f"{reference} stays with 0 % for a roll-back: %endpoints traffic {name} {reference}=100; to take it away: "
            f"%endpoints undeploy {name} {reference}"
        )
    if not is_local(after.backend):
        return (*notes, *_kept(before, after, wish))
    if after.log is not None and (before is None or before.log != after.log):
        rate = f"{after.log.sampling_rate * 100:g} %"
        notes.append(
            f"It keeps {rate} of its requests, as they are sent, in {size_text(after.log.budget_bytes)} of disk."
        )
    return (*notes, *(_exposure(after) if before is None else ()))


def _rollout_notes(spec: EndpointSpec, rollout: Rollout) -> list[str]:
    steps = ", then ".join(f"{stage.share} %" for stage in rollout.stages)
    hold = duration(rollout.hold_seconds)
    return [
        f"{spec.model}@{rollout.version} gets {steps}, each for {hold} at least, while it does no worse than others.",
        f"How far it is: %endpoints describe {spec.name}; to end that: %endpoints rollback {spec.name}",
    ]


def _kept(before: EndpointSpec | None, after: EndpointSpec, wish: Wish | None) -> list[str]:
    """Return what somebody should know who is used to endpoints that go to sleep."""
    is_asked = wish is not None and wish.min_replicas == 0
    if before is not None and not is_asked:
        return []
    versions = "a replica of each version" if len(after.deployed) > 1 else "a replica"
    zero = "min-replicas 0 is 1 there: " if is_asked else ""
    return [
        f"{zero}Vertex AI keeps {versions} running, also while nobody asks: %endpoints stop {after.name} ends that."
    ]


def _exposure(spec: EndpointSpec) -> list[str]:
    who = "every user of this machine" if spec.host in LOOPBACK else "whoever reaches this machine"
    notes = []
    if spec.host not in LOOPBACK:
        notes.append(
            f"It listens on {spec.host}, so other machines can ask it; what goes over the network is not encrypted."
        )
    if not spec.needs_token:
        notes.append(f"It asks for no token (--no-auth): {who} can ask it.")
    return notes


def _check_fixed(spec: EndpointSpec, wish: Wish) -> None:
    """See that nothing is asked for that an endpoint keeps for its life: its clients rely on it."""
    problems = []
    if spec.model != wish.reference.model:
        problems.append(f"it serves the model {spec.model}, and an endpoint serves one model")
    if is_local(spec.backend) and wish.host not in {None, spec.host}:
        problems.append(f"it listens on {spec.host}, not on {wish.host}")
    if is_local(spec.backend) and wish.port not in {None, spec.port}:
        problems.append(f"it listens on port {spec.port}, not on {wish.port}")
    if wish.backend not in {None, spec.backend}:
        problems.append(f"it is on the backend {spec.backend}, not on {wish.backend}")
    if wish.machine not in {None, spec.machine} and not is_local(spec.backend):
        problems.append(f"its machines are {spec.machine or 'of the default type'}, not {wish.machine}")
    if wish.image not in {None, spec.image} and not is_local(spec.backend):
        problems.append(f"its container is {spec.image or 'the prebuilt one'}, not {wish.image}")
    if is_local(spec.backend) and wish.needs_token not in {None, spec.needs_token}:
        problems.append("it asks for a token" if spec.needs_token else "it asks for no token")
    if problems:
        raise UsageError(
            f"the endpoint {spec.name!r} cannot be changed so:",
            problems=problems,
            hint=f"Deploy on another: --endpoint NAME. Or make it anew, after %endpoints delete {spec.name}",
        )


def _scaling(scaling: Scaling, wish: Wish) -> Scaling:
    low = scaling.min_replicas if wish.min_replicas is None else wish.min_replicas
    high = scaling.max_replicas if wish.max_replicas is None else wish.max_replicas
    if low > high and wish.min_replicas is not None:
        # Who wants so many workers at least wants no fewer at most.
        high = low
    return Scaling(
        min_replicas=min(low, high), max_replicas=high, idle_seconds=wish.idle_seconds or scaling.idle_seconds
    )


def _kept_up(scaling: Scaling, backend: str) -> Scaling:
    """Return what the cloud makes of it: it has no endpoints without replicas."""
    if is_local(backend):
        return scaling
    low = max(1, scaling.min_replicas)
    return dataclasses.replace(scaling, min_replicas=low, max_replicas=max(low, scaling.max_replicas))


def _limits(limits: Limits, wish: Wish) -> Limits:
    told: dict[str, Any] = {
        "body_bytes": wish.body_bytes,
        "instances": wish.instances,
        "queue": wish.queue,
        "timeout_seconds": wish.timeout_seconds,
    }
    return dataclasses.replace(limits, **{name: value for name, value in told.items() if value is not None})


def _logging(logging: RequestLogging | None, wish: Wish, version: ModelVersion) -> RequestLogging | None:
    """Return what is logged: nothing until a share is asked for, and nothing any more at a share of 0."""
    told = {"sampling_rate": wish.log_sample, "budget_bytes": wish.log_budget, "key": wish.log_key}
    given = {name: value for name, value in told.items() if value is not None}
    if wish.log_sample == 0:
        return None
    if given and logging is None and wish.log_sample is None:
        raise UsageError(
            f"the endpoint {wish.endpoint!r} logs no requests.", hint="Say which part of them: --log-sample 0.1"
        )
    inputs = [spec.name for spec in version.signature.inputs] if version.signature is not None else None
    if wish.log_key is not None and inputs is not None and wish.log_key not in inputs:
        raise UsageError(
            f"{version} has no input {wish.log_key!r} that could name its instances: it has {', '.join(inputs)}.",
            hint="A column that tells rows apart, and that the model learns nothing from, becomes an input of it by "
            f"%%preprocess NAME … --key {wish.log_key}, and training on that dataset.",
        )
    return dataclasses.replace(logging or RequestLogging(), **given) if given else logging  # type: ignore[arg-type]
