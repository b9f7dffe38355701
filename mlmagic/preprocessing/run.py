"""One run from its arguments to the dataset, or to nothing at all."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType, ModuleType

import apache_beam as beam
from apache_beam.runners.runner import PipelineResult

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing import storage
from mlmagic.preprocessing.arguments import LOCAL, Arguments
from mlmagic.preprocessing.clean import import_cell
from mlmagic.preprocessing.failures import read_failure, traceback_of
from mlmagic.preprocessing.local_runner import LocalRunner
from mlmagic.preprocessing.options import pipeline_options
from mlmagic.preprocessing.output import clear_output, prepare_output
from mlmagic.preprocessing.pipeline import build
from mlmagic.preprocessing.plan import Plan, make_plan
from mlmagic.preprocessing.progress import ProgressTeller
from mlmagic.preprocessing.summary import summary


class CellFailed(Exception):  # noqa: N818 - the cell did
    """The user's code raised; `text` is its traceback."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)


def run(arguments: Arguments, cell: str) -> None:
    """Make the dataset, and print what it holds.

    Raises:
        MlmagicError: it cannot be made, and why.
        CellFailed: the functions of the cell raised.
    """
    module = import_cell(cell)
    options = pipeline_options(arguments, _package_folder(module))
    prepare_output(arguments.output)
    parts = arguments.parts or storage.join(arguments.output, f".parts-{uuid.uuid4().hex[:12]}")
    try:
        plan = make_plan(arguments, module, parts)
    except MlmagicError:
        raise
    except Exception as error:
        raise CellFailed(traceback_of(error, cell)) from error
    if arguments.submitted is not None:
        _submit(plan, options, Path(arguments.submitted))
        return
    execution = _Execution()
    with _nothing_left_behind(arguments.output, parts, execution), _progress(arguments, plan) as told:
        execution.run(told, arguments, options)
    print(summary(arguments.output))  # noqa: T201 - it is a program


def load_pipeline(
    plan: Plan, options: beam.options.pipeline_options.PipelineOptions, *, is_local: bool
) -> beam.Pipeline:
    """Return the pipeline of a run."""
    # Named outright: the default one would try to fetch a program from the network first.
    pipeline = beam.Pipeline(runner=LocalRunner() if is_local else None, options=options)
    build(pipeline, plan)
    return pipeline


def _submit(plan: Plan, options: beam.options.pipeline_options.PipelineOptions, told: Path) -> None:
    """Have Dataflow make a job, and write down which; who watches it tells how it ends."""
    result = load_pipeline(plan, options, is_local=False).run()
    # Whole or not at all: an empty file would be taken for a job without an id.
    storage.write_text(str(told), result.job_id())


class _Execution:
    """The pipeline while it runs."""

    def __init__(self) -> None:
        self._result: PipelineResult | None = None

    def run(self, plan: Plan, arguments: Arguments, options: beam.options.pipeline_options.PipelineOptions) -> None:
        """Run it to its end; the first error of a worker becomes this one's."""
        try:
            self._result = load_pipeline(plan, options, is_local=arguments.runner == LOCAL).run()
            self._result.wait_until_finish()
        except Exception as error:
            failure = read_failure(plan.parts)
            if failure is None:
                raise
            if failure.message is not None:
                raise MlmagicError(failure.message) from error
            raise CellFailed(failure.text) from error

    def cancel(self) -> None:
        """End it where it goes on without this process."""
        if self._result is not None:
            with contextlib.suppress(Exception):
                self._result.cancel()


@contextlib.contextmanager
def _nothing_left_behind(output: str, parts: str, execution: _Execution) -> Iterator[None]:
    """Remove what is not finished, however the run ends."""

    def give_up() -> None:
        execution.cancel()
        clear_output(output, parts)

    with _on_signals(give_up):
        try:
            yield
        except BaseException:
            clear_output(output, parts)
            raise
        storage.delete(parts)


@contextlib.contextmanager
def _on_signals(give_up: Callable[[], None]) -> Iterator[None]:
    # Threads of a runner do not hear of signals, and would go on for as long as they have work.
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        give_up()
        os.kill(os.getpid(), number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _progress(arguments: Arguments, plan: Plan) -> Iterator[Plan]:
    """Tell how far the run is, where its workers are on this machine."""
    if arguments.runner != LOCAL or not storage.is_local(plan.parts):
        yield plan
        return
    passes = 2 if plan.division.needs_times else 1
    with tempfile.NamedTemporaryFile(prefix="progress-") as file:
        path = Path(file.name)
        with ProgressTeller(path, passes * plan.source.size_bytes, lambda line: print(line, flush=True)):  # noqa: T201 - it is a program
            yield replace(plan, progress=file.name)


def _package_folder(module: ModuleType) -> Path:
    """Return the folder that holds the package of the cell, and its setup.py."""
    depth = module.__name__.count(".") + 1
    return Path(module.__file__ or ".").absolute().parents[depth - 1]
