"""What an endpoint is to serve, as its files say now."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from mlmagic.errors import MlmagicError
from mlmagic.serving.supervisor.table import read_aliases
from mlmagic.spec import codec
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec
from mlmagic.workspace.layout import Workspace

Stamp = tuple[int, int, int] | None


class Wishes:
    """The spec and the model's aliases. Looking whether they have changed costs a few microseconds."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._name = name
        self._path = workspace.endpoint(name).spec
        self._seen: tuple[Stamp, Stamp] | None = None
        self.spec: EndpointSpec | None = None
        self.aliases: dict[str, int] = {}
        self._refused: set[int] = set()
        """Versions that the alias pointed at and that could not be loaded, until it points elsewhere."""

    @property
    def is_there(self) -> bool:
        """The endpoint has not been deleted."""
        return self._path.exists()

    @property
    def has_changed(self) -> bool:
        """A file is another than when it was read."""
        return self._stamps() != self._seen

    async def read(self) -> EndpointSpec | None:
        """Read what there is, and follow the alias if the spec says so; None if it cannot be read."""
        self._seen = self._stamps()
        try:
            self.spec = codec.loads(EndpointSpec, self._path.read_bytes())
        except (OSError, codec.DecodeError):
            return None
        aliases = await asyncio.to_thread(read_aliases, self._workspace, self.spec.model)
        self.aliases = self.aliases if aliases is None else aliases
        self.spec = await self._follow(self.spec)
        return self.spec

    async def give_back(self, refused: EndpointSpec, served: EndpointSpec) -> EndpointSpec | None:
        """Write the spec that is served in the place of the one that was refused, unless that has changed already.

        Returns:
            The spec as it is from then on; None if it cannot be written.
        """
        self._refused |= {version.number for version in refused.deployed} - {
            version.number for version in served.deployed
        }

        def edit(spec: EndpointSpec) -> EndpointSpec:
            return served if spec.generation == refused.generation else spec

        return await self._change(edit)

    async def _follow(self, spec: EndpointSpec) -> EndpointSpec:
        target = self.aliases.get(spec.follows or "")
        self._refused &= {target} if target is not None else set()
        if target is None or target in self._refused or target == spec.deployed[0].number:
            return spec

        def edit(newest: EndpointSpec) -> EndpointSpec:
            if newest.follows != spec.follows or len(newest.deployed) != 1:
                return newest
            engine = newest.deployed[0].engine
            deployed = (DeployedVersion(number=target, engine=engine),)
            return dataclasses.replace(newest, deployed=deployed).without_served_shadow()

        return await self._change(edit) or spec

    async def _change(self, edit: Callable[[EndpointSpec], EndpointSpec]) -> EndpointSpec | None:
        from mlmagic.workspace.database import Database
        from mlmagic.workspace.endpoints import EndpointStore

        store = EndpointStore(Database(self._workspace))
        try:
            self.spec = await asyncio.to_thread(store.change, self._name, edit)
        except MlmagicError:
            return None
        self._seen = self._stamps()
        return self.spec

    def _stamps(self) -> tuple[Stamp, Stamp]:
        # The folder changes with the file of aliases, which is replaced, and with every new version.
        model = self._workspace.models / self.spec.model if self.spec is not None else None
        return _stamp(self._path), None if model is None else _stamp(model)


def _stamp(path: Path) -> Stamp:
    try:
        status = os.stat(path)  # noqa: PTH116 - once a second
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
