"""The names of an endpoint's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EndpointFolder:
    """`endpoints/<name>/`. Its token is no file of the workspace: see `RuntimeFolder`."""

    root: Path

    @property
    def spec(self) -> Path:
        """The `EndpointSpec`."""
        return self.root / "endpoint.json"

    @property
    def status(self) -> Path:
        """The `EndpointStatus`."""
        return self.root / "status.json"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor, from before it starts."""
        return self.root / "supervisor.lock"

    @property
    def supervisor(self) -> Path:
        """Which process the supervisor is, and where it can be told something."""
        return self.root / "supervisor.json"

    @property
    def log(self) -> Path:
        """What supervisor and workers have to say."""
        return self.root / "endpoint.log"

    @property
    def rollout(self) -> Path:
        """The `RolloutRecord` of the newest roll-out: what its supervisor goes on from."""
        return self.root / "rollout.json"

    @property
    def shadow(self) -> Path:
        """The `ShadowRecord`: what was seen of its shadow."""
        return self.root / "shadow.json"

    @property
    def requests(self) -> Path:
        """The request log: journals and Parquet."""
        return self.root / "requests"

    @property
    def monitoring(self) -> Path:
        """What `%monitor` found last, and its alerts; see `workspace.monitors`."""
        return self.root / "monitoring"

    @property
    def remote(self) -> Path:
        """Of an endpoint in the cloud: what it is there."""
        return self.root / "remote.json"

    @property
    def asked(self) -> Path:
        """Of an endpoint in the cloud: an empty file, as old as the newest request from this workspace."""
        return self.root / "asked"

    @property
    def remote_lock(self) -> Path:
        """Of an endpoint in the cloud: held by the one process that brings it to what it is to be."""
        return self.root / "remote.lock"
