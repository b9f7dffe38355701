"""Changes of what is served: the newest counts, and does not wait for the one before it."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from mlmagic.serving.supervisor.conversions import Conversions
from mlmagic.serving.supervisor.fleet import Fleet
from mlmagic.serving.supervisor.gate import Gate
from mlmagic.serving.supervisor.table import RefusedSpecError, Table, make_table, unconverted, with_aliases
from mlmagic.serving.supervisor.wishes import Wishes
from mlmagic.serving.supervisor.worker import LoadFailedError
from mlmagic.spec.endpoint import EndpointSpec
from mlmagic.workspace.layout import Workspace

_RETRY_SECONDS = 30.0

Change = Callable[[], Coroutine[Any, Any, None]]
GiveUp = Callable[[EndpointSpec, str], Coroutine[Any, Any, bool]]
"""Has the roll-out rolled back with which nothing can be served, for a reason; says whether there was one."""


class Changes:
    """Brings the workers to what the endpoint's files say, and from there to the better engine.

    There is one change at a time. Another spec ends it wherever it is, and begins the next one.
    """

    def __init__(
        self,
        workspace: Workspace,
        wishes: Wishes,
        fleet: Fleet,
        gate: Gate,
        *,
        give_up: GiveUp,
        changed: Callable[[], None],
    ) -> None:
        self.refused_generation = 0
        self.error: str | None = None
        """Why that was refused."""
        self.conversions = Conversions(workspace, changed)
        self._workspace = workspace
        self._wishes = wishes
        self._fleet = fleet
        self._gate = gate
        self._give_up = give_up
        self._changed = changed
        self._on_admission: Callable[[], None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._change: asyncio.Task[None] | None = None
        self._goal = 0
        """The generation that the change is for."""
        self._is_to_look = self._is_told = True
        self._retry_at = float("inf")

    @property
    def is_running(self) -> bool:
        """Something is being changed."""
        return self._change is not None and not self._change.done()

    def go_on(self, *, is_told: bool, on_admission: Callable[[], None]) -> None:
        """Look whether something is to be changed. To be told so means also to try again what was refused."""
        self._on_admission = on_admission
        self._is_told |= is_told
        if self._looking is not None and not self._looking.done():
            return
        _tell_of_errors(self._looking)
        self._looking = None
        if self._change is not None and self._change.done():
            _tell_of_errors(self._change)
            self._change, self._is_to_look = None, True
        is_new_try = self._is_told or time.monotonic() >= self._retry_at
        if is_new_try or self._is_to_look or self._wishes.has_changed or not self._gate.is_open:
            self._is_told, self._is_to_look, self._retry_at = False, False, float("inf")
            self._looking = asyncio.create_task(self._look(is_new_try=is_new_try))
        elif self._change is None and self._fleet.served is not None:
            self._improve(self._fleet.served)

    async def close(self) -> None:
        """End what is being done."""
        for task in (self._looking, self._change):
            await _end(task)
        await self.conversions.close()

    def _begin(self, change: Change) -> asyncio.Task[None]:
        task = asyncio.create_task(change())
        task.add_done_callback(lambda _: self._changed())
        return task

    async def _look(self, *, is_new_try: bool) -> None:
        spec = await self._wishes.read()
        if spec is None:
            return
        if is_new_try:
            self._fleet.restarts.forget()
        if self.is_running and spec.generation == self._goal:
            return
        was_open = self._gate.is_open
        is_where_wanted = await self._gate.open(spec)
        served = self._fleet.served
        if not self._gate.is_open:
            # Said of this generation, too: somebody may wait to hear of it.
            self.refused_generation = spec.generation if self._gate.error else 0
            return
        is_new_try |= not was_open
        if served is not None and spec.generation == served.spec.generation:
            if (renamed := with_aliases(served, self._wishes.aliases)) != served:
                await self._supersede(lambda: self._fleet.redirect(renamed), spec.generation)
        elif not is_where_wanted:
            await self._supersede(lambda: self._refuse(spec, self._gate.error or ""), spec.generation)
        elif spec.generation != self.refused_generation or is_new_try:
            await self._supersede(lambda: self._deploy(spec), spec.generation)

    async def _supersede(self, change: Change, goal: int) -> None:
        await _end(self._change)
        self._goal, self._change = goal, self._begin(change)
        self._changed()

    async def _deploy(self, spec: EndpointSpec) -> None:
        served = self._fleet.served
        try:
            needed = await asyncio.to_thread(unconverted, self._workspace, spec)
            converted = {version.number: await self.conversions.convert(version) for version in needed}
            table = await asyncio.to_thread(
                make_table, self._workspace, spec, self._wishes.aliases, served=served, conversions=converted
            )
            # That which loads it stays for a while.
            await self._fleet.deploy(table, self._gate.listener, self._on_admission)
        except OSError as error:
            # Such as a full table of processes: no version's fault.
            await self._refuse(spec, " ".join(str(error).split()))
        except (RefusedSpecError, LoadFailedError) as error:
            await self._fail(spec, " ".join(str(error).split()))
        except Exception as error:  # noqa: BLE001 - whatever it is: nobody may wait for ever for what cannot come
            traceback.print_exception(error)
            await self._fail(spec, f"mlmagic failed over it: {type(error).__name__}: {' '.join(str(error).split())}")
        else:
            self.error = None
            if self.refused_generation == spec.generation:
                self.refused_generation = 0
            self._fleet.restarts.forget()

    async def _fail(self, spec: EndpointSpec, error: str) -> None:
        """Refuse it, or roll back: where nothing is served yet, nobody would serve what was before the roll-out."""
        if self._fleet.served is None and await self._give_up(spec, error):
            self.refused_generation = spec.generation
        else:
            await self._refuse(spec, error)

    async def _refuse(self, spec: EndpointSpec, error: str) -> None:
        print(f"generation {spec.generation} is refused: {error}", flush=True)  # noqa: T201 - into the log
        self.error, self.refused_generation = error, spec.generation
        served = self._fleet.served
        if served is None:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            return
        # So that the next start does not stumble over it again.
        given_back = await self._wishes.give_back(spec, served.spec)
        if given_back is not None and given_back.deployed == served.spec.deployed:
            await self._fleet.redirect(Table(spec=given_back, versions=served.versions, aliases=served.aliases))

    def _improve(self, served: Table) -> None:
        """Convert what is served, and replace the workers when that is done."""
        self.conversions.go_on(served)
        improved = self.conversions.improved(served)
        if improved != served:
            self._goal = served.spec.generation
            self._change = self._begin(lambda: self._replace(improved))

    async def _replace(self, improved: Table) -> None:
        try:
            await self._fleet.deploy(improved, self._gate.listener)
        except (LoadFailedError, OSError) as error:
            print(f"what was converted is not served: {error}", flush=True)  # noqa: T201 - into the log
            self.conversions.give_up(improved)


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
        _tell_of_errors(task)


def _tell_of_errors(task: asyncio.Task[None] | None) -> None:
    """Tell of what went wrong in a way that nobody thought of."""
    if task is not None and not task.cancelled() and (error := task.exception()) is not None:
        traceback.print_exception(error)
