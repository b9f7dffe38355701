"""Versions are converted for ONNX Runtime while TensorFlow serves them, one at a time."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable

from mlmagic.serving.engines.conversion import Conversion, convert
from mlmagic.serving.supervisor.table import RefusedSpecError, Table, VersionToServe, version_of
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.layout import Workspace

CONVERSION_SECONDS = 300.0
"""A model that takes longer to convert is served by the engine that needs no conversion."""


class Conversions:
    """What has become of versions since the supervisor was started. `changed` is called when one has been tried."""

    def __init__(self, workspace: Workspace, changed: Callable[[], None]) -> None:
        self._workspace = workspace
        self._changed = changed
        self._tried: dict[str, str | None] = {}
        """By the artifact: the path of its equal for ONNX Runtime, if there is one that serves."""
        self._task: asyncio.Task[None] | None = None
        self._artifact: str | None = None
        self._turn = asyncio.Lock()

    def pending(self, table: Table) -> set[int]:
        """Return the versions that TensorFlow serves only until they are converted."""
        return {
            version.number
            for version in table.versions
            if version.may_be_converted and self._tried.get(version.artifact, "") is not None
        }

    def improved(self, table: Table) -> Table:
        """Return the table with what has been converted, once all of it has been tried."""
        if self._untried(table):
            return table
        versions = tuple(
            dataclasses.replace(version, converted=self._tried[version.artifact])
            if version.may_be_converted
            else version
            for version in table.versions
        )
        return dataclasses.replace(table, versions=versions)

    def give_up(self, table: Table) -> None:
        """Take note that workers could not load what was converted."""
        self._tried |= dict.fromkeys((version.artifact for version in table.versions), None)

    def go_on(self, table: Table) -> None:
        """See to it that what is untried of the table is tried, and nothing else."""
        untried = self._untried(table)
        if self._task is not None and not self._task.done():
            if self._artifact not in {version.artifact for version in untried}:
                self._task.cancel()
        elif untried:
            self._artifact = untried[0].artifact
            self._task = asyncio.create_task(self._try(table.spec.model, untried[0]))

    async def convert(self, version: ModelVersion) -> Conversion:
        """Return what becomes of a version for which somebody waits. To cancel this ends the conversion."""
        folder = self._workspace.version(version.model, version.number).root
        if self._task is not None and self._artifact != str(folder / version.origin.artifact_path):
            self._task.cancel()
        return await self._convert(version)

    async def close(self) -> None:
        """End what is being done."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _untried(self, table: Table) -> list[VersionToServe]:
        return [
            version for version in table.versions if version.may_be_converted and version.artifact not in self._tried
        ]

    async def _try(self, model: str, wanted: VersionToServe) -> None:
        try:
            version = await asyncio.to_thread(version_of, self._workspace, model, wanted.number)
            conversion = await self._convert(version)
        except RefusedSpecError as error:
            conversion = Conversion(reason=str(error))
        if conversion.path is None:
            print(f"{model}@{wanted.number} stays with TensorFlow: {conversion.reason}", flush=True)  # noqa: T201
        self._tried[wanted.artifact] = None if conversion.path is None else str(conversion.path)
        self._changed()

    async def _convert(self, version: ModelVersion) -> Conversion:
        folder = self._workspace.version(version.model, version.number).root
        stopped = threading.Event()
        async with self._turn:
            try:
                return await asyncio.to_thread(
                    convert, self._workspace, version, folder, timeout=CONVERSION_SECONDS, stopped=stopped
                )
            finally:
                stopped.set()
