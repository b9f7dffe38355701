"""One run: all units, several at a time, in any order; the output has them in the order of the input."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import closing

import pyarrow as pa

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.reading.options import Format
from mlmagic.preprocessing.reading.source import Unit
from mlmagic.serving.batch.arguments import DIRECT, Arguments
from mlmagic.serving.batch.asking import Asker
from mlmagic.serving.batch.models import WorkspaceModel, find_version
from mlmagic.serving.batch.plan import Plan, make_plan
from mlmagic.serving.batch.progress import Progress
from mlmagic.serving.batch.result import check_early, check_limit, sum_up, summary
from mlmagic.serving.batch.target import Target
from mlmagic.serving.batch.unit import predict_unit
from mlmagic.serving.batch.work import UnitRecord, Work
from mlmagic.serving.batch.writing import join_shards
from mlmagic.serving.engines.base import Engine
from mlmagic.spec.batch import BatchResult
from mlmagic.workspace.layout import Workspace

Tell = Callable[[str], None]


def run(arguments: Arguments, tell: Tell, *, load: Callable[[], Engine] | None = None) -> BatchResult:
    """Predict all rows, and tell how far that is, line by line.

    Args:
        arguments: of the program.
        tell: gets the lines.
        load: returns what answers in place of the version itself.

    Raises:
        MlmagicError: it cannot be done, and why; what is finished stays, for the next try.
    """
    workspace = Workspace(arguments.workspace)
    version, signature = find_version(workspace, arguments)
    plan = make_plan(arguments, version, signature)
    work = Work(plan.target, plan.kind, len(plan.source.units))
    with closing(work):
        fingerprint = plan.fingerprint(version)
        work.open(fingerprint)
        model = WorkspaceModel(workspace=arguments.workspace, version=version, engine=arguments.engine)
        if arguments.runner == DIRECT:
            from mlmagic.serving.batch.direct import predict_units  # Beam takes seconds

            predict_units(arguments, plan, work, model, tell)
        else:
            _Run(arguments, plan, work, tell).predict(load or model.load)
        if plan.fingerprint(version) != fingerprint:
            raise MlmagicError("the input was changed while it was read.", hint="Run it again: it begins anew.")
        result = _sum_up(plan, work.records())
        check_limit(arguments.max_rejected, result)
        complete(work, plan.target, plan.schema, plan.kind)
    tell(summary(result))
    return result


def complete(work: Work, target: Target, schema: pa.Schema, kind: Format) -> None:
    """Note that all units are finished; where one file is wanted, put it together."""
    if target.is_file:
        aside = work.joined
        join_shards(work.shards(), aside, schema, kind)
        aside.replace(target.path)
    work.complete()


def _sum_up(plan: Plan, records: Sequence[UnitRecord]) -> BatchResult:
    return sum_up(plan.label, plan.target.path, plan.target.errors, records)


class _Stopped(Exception):  # noqa: N818 - nothing of its own is wrong
    """Another unit has failed."""


class _Run:
    """The units that are not finished yet."""

    def __init__(self, arguments: Arguments, plan: Plan, work: Work, tell: Tell) -> None:
        self._arguments = arguments
        self._plan = plan
        self._work = work
        self._tell = tell
        self._stop = threading.Event()

    def predict(self, load: Callable[[], Engine]) -> None:
        """Predict them; the first error ends all of them."""
        units = self._plan.source.units
        finished = self._work.records()
        waiting = self._work.waiting(units)
        if finished:
            self._tell(f"{len(finished)} of {len(units)} shards are there already")
        if not waiting:
            return
        with closing(load()) as engine, Progress(self._plan.source.size_bytes, finished, self._tell) as progress:
            asker = Asker(engine, self._plan.signature, self._plan.outputs, self._plan.kind)
            with ThreadPoolExecutor(self._arguments.workers, thread_name_prefix="unit") as pool:
                futures = [pool.submit(self._predict, unit, asker, progress) for unit in waiting]
                try:
                    wait(futures, return_when=FIRST_EXCEPTION)
                finally:
                    self._stop.set()
        _raise_first(futures)

    def _predict(self, unit: Unit, asker: Asker, progress: Progress) -> None:
        def told(size: int, rows: int) -> None:
            if self._stop.is_set():
                raise _Stopped
            progress.add(size, rows)

        if self._stop.is_set():
            return
        predict_unit(self._plan, unit, asker, self._work, told)
        done = _sum_up(self._plan, self._work.records())
        check_early(self._arguments.max_rejected, done, self._plan.source.size_bytes)


def _raise_first(futures: Iterable[Future[None]]) -> None:
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, _Stopped)):
        raise error
