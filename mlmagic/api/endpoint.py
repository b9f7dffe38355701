"""A handle on an endpoint: how it is, and what can be done with it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_whole_number
from mlmagic.api.consent import agree_to_endpoint
from mlmagic.api.deployment_edit import check_signatures
from mlmagic.api.endpoint_waiting import SETTLE_SECONDS, Look, settle, settle_shadow
from mlmagic.api.logs import LogText
from mlmagic.api.traffic import Versions, with_shares, without_version
from mlmagic.errors import UsageError
from mlmagic.spec.endpoint import EndpointRecord, EndpointSpec, EndpointState
from mlmagic.spec.endpoint_page import EndpointPage
from mlmagic.spec.names import parse_model_reference
from mlmagic.spec.rollout import RolloutStatus
from mlmagic.spec.shadow import ShadowStatus

if TYPE_CHECKING:
    from mlmagic.backends.endpoints import EndpointBackend
    from mlmagic.session import Session

Edit = Callable[[EndpointSpec], EndpointSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A handle on an endpoint. It holds the name alone: whatever it tells is read when it is asked."""

    name: str
    session: Session = field(repr=False, compare=False)

    @property
    def record(self) -> EndpointRecord:
        """What is asked for, and what is true now."""
        return self._backend.get(self.name)

    @property
    def spec(self) -> EndpointSpec:
        """What is asked for."""
        return self.record.spec

    @property
    def state(self) -> EndpointState:
        """The state now."""
        return self.record.status.state

    @property
    def url(self) -> str:
        """Where it is: on this machine where it listens, in the cloud its resource, empty until there is one."""
        return self.record.url

    @property
    def predict_url(self) -> str:
        """Where `{"instances": [...]}` is posted, on this machine as in the cloud.

        The answer has the `predictions`, and as `deployedModelId` the number of the version that gave them.
        """
        return self.record.predict_url

    @property
    def traffic(self) -> dict[int, int]:
        """The percents of each version."""
        return {version.number: version.traffic for version in self.spec.deployed}

    @property
    def rollout(self) -> RolloutStatus | None:
        """The newest roll-out, be it under way or over."""
        return self.record.status.rollout

    @property
    def shadow(self) -> ShadowStatus | None:
        """What was seen of its shadow, while it has one."""
        return self.record.status.shadow

    @property
    def token(self) -> str:
        """What a request needs in its header `Authorization: Bearer TOKEN`. In the cloud it is good for an hour.

        On this machine, an endpoint that is DOWN is started for it.

        Raises:
            UsageError: this endpoint asks for none.
            BackendError: it does not serve.
        """
        if not self.spec.needs_token:
            raise UsageError(f"the endpoint {self.name!r} asks for no token.")
        return self._backend.address(self.name).token or ""

    def describe(self) -> EndpointPage:
        """Return all that is known of the endpoint now."""
        record = self.record
        spec = record.spec
        main = max(spec.deployed, key=lambda version: version.traffic).number
        signatures = {version.number: version.signature for version in self.session.models.versions(spec.model)}
        file = self._backend.token_file(self.name)
        return EndpointPage(
            record=record, signature=signatures.get(main), token_file=None if file is None else str(file)
        )

    def set_traffic(
        self, shares: Mapping[int | str, int], *, wait: bool = True, on_look: Look | None = None
    ) -> Endpoint:
        """Split the requests: percents of versions, such as `{1: 90, 2: 10}` or `{"taxi@champion": 100}`.

        Versions that are not named get none, and stay. No request is lost meanwhile.

        Raises:
            UsageError: the shares do not add up to 100, or versions differ in what they take; all is listed.
            NotFoundError: there is no such version.
        """
        return self._change(
            lambda spec: _serving(spec, with_shares(spec.deployed, self._shares(spec, shares), model=spec.model)),
            wait=wait,
            on_look=on_look,
        )

    def undeploy(self, version: int | str, *, wait: bool = True, on_look: Look | None = None) -> Endpoint:
        """Take a version away; the others share its requests as they share theirs. A shadow had none.

        Raises:
            UsageError: it is not deployed, or the only one.
            NotFoundError: there is no such version.
        """

        def without(spec: EndpointSpec) -> EndpointSpec:
            number, shadow = self._number(spec, version), spec.shadow
            is_served = any(each.number == number for each in spec.deployed)
            if shadow is not None and shadow.version == number:
                spec = dataclasses.replace(spec, shadow=None)
                if not is_served:
                    return spec
            return _serving(spec, without_version(spec.deployed, number, model=spec.model))

        return self._change(without, wait=wait, on_look=on_look)

    def roll_back(self, *, wait: bool = True, on_look: Look | None = None) -> Endpoint:
        """End the roll-out that is under way, and serve what was served before it.

        Raises:
            UsageError: there is none.
        """

        def before(spec: EndpointSpec) -> EndpointSpec:
            if spec.rollout is None:
                raise UsageError(
                    f"no roll-out to the endpoint {self.name!r} is under way.",
                    hint=f"To split its requests in another way: %endpoints traffic {self.name} VERSION=PERCENT …",
                )
            return _serving(spec, spec.rollout.before)

        return self._change(before, wait=wait, on_look=on_look)

    def start(self, *, yes: bool = False, wait: bool = True, on_look: Look | None = None) -> Endpoint:
        """Start it, if it was stopped or the machine was; one that has failed is started anew.

        Args:
            yes: in the cloud, although it costs money.
            wait: until it serves.
            on_look: called with the endpoint's record each time that it was read while waiting.

        Raises:
            ConsentError: it costs money, and the user does not agree to that.
            BackendError: it cannot be started, or not serve.
        """
        agree_to_endpoint(self.record.spec, self.session, yes=yes)
        if self.state is EndpointState.FAILED:
            self._backend.stop(self.name)
        record = self._backend.wake(self.name)
        return self.wait(record.spec.generation, on_look=on_look) if wait else self

    def stop(self) -> Endpoint:
        """End its processes after what they are answering. Its name, port and versions stay."""
        self._backend.stop(self.name)
        return self

    @property
    def watchers(self) -> tuple[str, ...]:
        """The ids of the jobs that monitor it again and again; once it is deleted, they end by themselves."""
        from mlmagic.api.monitor_watchers import watchers

        return watchers(self.session, self.name)

    def delete(self) -> None:
        """Stop and forget it. The model's versions stay."""
        self._backend.delete(self.name)

    def logs(self, tail: int | None = None) -> LogText:
        """Return what its processes have to say, but not TensorFlow at each start; only the last lines with `tail`."""
        from mlmagic.panels.text import without_banner

        text, _ = without_banner(self._backend.logs(self.name))
        return LogText(text if tail is None else "".join(text.splitlines(keepends=True)[-tail:] if tail else ""))

    def wait(
        self, generation: int | None = None, *, timeout: float = SETTLE_SECONDS, on_look: Look | None = None
    ) -> Endpoint:
        """Wait until what it was told last, or that generation of its spec, is served.

        An interrupt ends the waiting, never the endpoint.

        Raises:
            BackendError: it could not be loaded, or the endpoint cannot serve at all.
            WaitTimeout: neither has come about in time; the endpoint goes on.
        """
        wanted = self.spec.generation if generation is None else generation
        try:
            settle(self._backend, self.name, wanted, seconds=timeout, on_look=on_look)
        except KeyboardInterrupt:
            sys.stdout.write(f"Detached from {self.name}, which goes on: %endpoints describe {self.name}\n")
        return self

    def wait_for_shadow(self, *, on_look: Look | None = None) -> Endpoint:
        """Wait until its shadow, if it has one, is compared, or will be as soon as the endpoint is asked.

        Raises:
            BackendError: it cannot be loaded; the endpoint serves as before.
        """
        if (shadow := self.spec.shadow) is not None:
            settle_shadow(self._backend, self.name, shadow, on_look=on_look)
        return self

    @property
    def _backend(self) -> EndpointBackend:
        return self.session.endpoints

    def _change(self, edit: Edit, *, wait: bool, on_look: Look | None) -> Endpoint:
        versions = self.session.models.versions(self.spec.model)

        def changed(spec: EndpointSpec) -> EndpointSpec:
            after = edit(spec)
            check_signatures(after, versions)
            return after

        record = self._backend.change(self.name, changed)
        # One that is stopped serves it once it is started.
        is_up = record.status.state is not EndpointState.DOWN
        return self.wait(record.spec.generation, on_look=on_look) if wait and is_up else self

    def _shares(self, spec: EndpointSpec, shares: Mapping[int | str, int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for version, share in shares.items():
            number = self._number(spec, version)
            if number in found:
                raise UsageError(f"{spec.model}@{number} is given two shares.")
            found[number] = read_whole_number(share, f"the share of {spec.model}@{number}")
        return found

    def _number(self, spec: EndpointSpec, version: int | str) -> int:
        """Return the version that is meant: `2`, `"2"`, `"taxi@2"`, `"taxi@champion"`, `"champion"`."""
        text = str(version)
        reference = parse_model_reference(text if "@" in text else f"{spec.model}@{text}")
        if reference.model != spec.model:
            raise UsageError(f"{version!r} is a version of another model: {spec.name!r} serves {spec.model}.")
        # One that is no longer there can still be undeployed.
        return reference.version or self.session.models.resolve(reference).number

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import endpoint_bundle

        return endpoint_bundle(self.describe())


def _serving(spec: EndpointSpec, deployed: Versions) -> EndpointSpec:
    # Whoever says himself what is served ends what would change it by itself.
    return dataclasses.replace(spec, deployed=deployed, rollout=None).without_served_shadow()
