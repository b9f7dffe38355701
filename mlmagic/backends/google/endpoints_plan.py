"""What is next to be done to an endpoint of Vertex AI, so that it comes to what its spec says."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlmagic.backends.google.endpoints_remote import RemoteEndpoint
from mlmagic.spec.endpoint import DeployedVersion, EndpointGoal, EndpointSpec, Scaling
from mlmagic.spec.names import ModelReference
from mlmagic.workspace.models import ModelStore

NEW = "0"
"""In the split of a request that deploys a model: that model."""


class Verb(StrEnum):
    """What is asked of Vertex AI."""

    DEPLOY = "deploy"
    SPLIT = "split"
    UNDEPLOY = "undeploy"
    SCALE = "scale"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request. The id of a model that we deploy is the number of its version."""

    verb: Verb
    deployed_id: str = ""
    traffic: Mapping[str, int] = field(default_factory=dict)
    """Percents by id."""

    def told(self, model: str) -> str:
        """Return it in words, such as `deploys taxi@2`."""
        match self.verb:
            case Verb.DEPLOY:
                return f"deploys {model}@{self.deployed_id}"
            case Verb.UNDEPLOY:
                return f"takes {model}@{self.deployed_id} away"
            case Verb.SCALE:
                return f"changes the replicas of {model}@{self.deployed_id}"
            case Verb.SPLIT:
                shares = ", ".join(f"{model}@{one} {share} %" for one, share in sorted(self.traffic.items()))
                return f"splits the requests: {shares}"
            case _:
                return "deletes the endpoint"


def replicas(scaling: Scaling) -> tuple[int, int]:
    """Return how many replicas there are at least and at most: Vertex AI keeps one."""
    low = max(1, scaling.min_replicas)
    return low, max(low, scaling.max_replicas)


def shares(spec: EndpointSpec) -> dict[str, int]:
    """Return the split that a spec asks for."""
    return {str(version.number): version.traffic for version in spec.deployed if version.traffic}


def followed(spec: EndpointSpec, models: ModelStore, *, refused: int = 0) -> EndpointSpec:
    """Return the spec with the version that the alias points at which it follows.

    Args:
        spec: as it is; one that follows nothing is returned as it is.
        models: knows the aliases.
        refused: a version that the endpoint is not to be moved to.

    Raises:
        NotFoundError: the model is gone.
    """
    if spec.follows is None or len(spec.deployed) != 1:
        return spec
    number = models.resolve(ModelReference(spec.model, alias=spec.follows)).number
    [served] = spec.deployed
    if number in {served.number, refused}:
        return spec
    return dataclasses.replace(spec, deployed=(DeployedVersion(number=number, engine=served.engine),))


def next_step(spec: EndpointSpec, there: RemoteEndpoint, ours: Collection[int]) -> Step | None:
    """Return what is to be done next; None if the endpoint is as it should be.

    Args:
        spec: what it is to be.
        there: what it is.
        ours: numbers of versions that we deployed; what others deployed there stays, unless the endpoint is deleted.
    """
    if spec.goal is not EndpointGoal.SERVE:
        return _next_to_end(spec, there, ours)
    wanted = [str(version.number) for version in spec.deployed]
    for one in wanted:
        if one not in there.deployed:
            return Step(verb=Verb.DEPLOY, deployed_id=one, traffic={} if there.deployed else {NEW: 100})
    if dict(there.traffic) != shares(spec):
        return Step(verb=Verb.SPLIT, traffic=shares(spec))
    for one in there.deployed:
        if one not in wanted and _is_ours(one, ours):
            return Step(verb=Verb.UNDEPLOY, deployed_id=one)
    for one in wanted:
        if (there.deployed[one].min_replicas, there.deployed[one].max_replicas) != replicas(spec.scaling):
            return Step(verb=Verb.SCALE, deployed_id=one)
    return None


def difference(spec: EndpointSpec, there: RemoteEndpoint) -> str | None:
    """Return in words how what is served differs from the spec: somebody else has changed it."""
    missing = [f"{spec.model}@{v.number}" for v in spec.deployed if str(v.number) not in there.deployed]
    if missing:
        return f"{', '.join(missing)} is no longer deployed there"
    if dict(there.traffic) != shares(spec):
        split = ", ".join(f"{spec.model}@{one} {share} %" for one, share in sorted(there.traffic.items()))
        return f"the requests are split otherwise there: {split or 'nobody gets any'}"
    return None


def _next_to_end(spec: EndpointSpec, there: RemoteEndpoint, ours: Collection[int]) -> Step | None:
    is_deletion = spec.goal is EndpointGoal.DELETE
    doomed = [one for one in there.deployed if is_deletion or _is_ours(one, ours)]
    # Who has no requests goes first: the others' split may stay.
    for one in sorted(doomed, key=lambda each: there.traffic.get(each, 0)):
        others = [each for each in there.deployed if each != one]
        has_requests = bool(there.traffic.get(one)) and bool(others)
        return Step(verb=Verb.UNDEPLOY, deployed_id=one, traffic={others[0]: 100} if has_requests else {})
    return Step(verb=Verb.DELETE) if is_deletion else None


def _is_ours(deployed_id: str, ours: Collection[int]) -> bool:
    return deployed_id.isdecimal() and int(deployed_id) in ours
