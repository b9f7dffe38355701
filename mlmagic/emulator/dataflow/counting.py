"""What a pipeline counts while it runs: its worker is asked for it, as Dataflow asks its workers.

Beam's `FnApiRunner` tells metrics at the end alone, and runs a step over all of its input as one bundle. So the worker
of this process reports how far a bundle is whenever it is asked, by the request that Beam's Fn API has for it.
"""

from __future__ import annotations

import functools
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from apache_beam.metrics.monitoring_infos import consolidate
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiMetrics
from apache_beam.runners.portability.fn_api_runner.worker_handlers import EmbeddedWorkerHandler, WorkerHandler

from mlmagic.emulator.dataflow.metrics import metric_updates
from mlmagic.workspace.files import write_atomic

LOOK_SECONDS = 0.5
"""How often a worker is asked. Dataflow asks every few seconds."""

Infos = list[Any]
"""Beam's `MonitoringInfo`s."""


class Ledger:
    """Keeps a file with a pipeline's metrics: of bundles that are done, and of those under way. Safe for threads."""

    def __init__(self, path: Path, transforms: Mapping[str, Any]) -> None:
        """Begin one.

        Args:
            path: of the file, in the form of `metric_updates`.
            transforms: those of the pipeline, by their ids in it.
        """
        self._path = path
        self._transforms = transforms
        self._lock = threading.Lock()
        self._committed: Infos = []
        self._under_way: dict[str, Infos] = {}
        self._written = time.monotonic()

    @contextmanager
    def bundle(self, bundle: str, ask: Callable[[], Infos]) -> Iterator[None]:
        """Ask for a bundle's metrics again and again, for as long as it is worked on."""
        is_over = threading.Event()

        def look() -> None:
            while not is_over.wait(LOOK_SECONDS):
                found = ask()
                with self._lock:
                    if not is_over.is_set():
                        self._under_way[bundle] = found
                        self._write()

        threading.Thread(target=look, daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                is_over.set()
                self._under_way.pop(bundle, None)

    def commit(self, found: Infos) -> None:
        """Add the metrics of a bundle that is done."""
        with self._lock:
            self._committed = list(consolidate(itertools.chain(self._committed, found)))
            if time.monotonic() - self._written >= LOOK_SECONDS:
                self._write()

    def _write(self) -> None:
        so_far = consolidate(itertools.chain(self._committed, *self._under_way.values()))
        committed, attempted = (FnApiMetrics({"": list(infos)}) for infos in (self._committed, so_far))
        self._written = time.monotonic()
        with suppress(OSError):  # the pipeline itself may have room
            write_atomic(self._path, json.dumps(metric_updates(committed, attempted, self._transforms)), sync=False)


class CountedWorker(EmbeddedWorkerHandler):  # type: ignore[misc]
    """Beam's worker of this process, whose bundles stand in a ledger while it works on them."""

    def __init__(self, ledger: Ledger, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._ledger = ledger

    def push(self, request: Any) -> Any:
        """Do what the runner asks for; see `ControlConnection` of Beam."""
        if request.WhichOneof("request") != "process_bundle":
            return super().push(request)
        bundle = request.instruction_id
        with self._ledger.bundle(bundle, functools.partial(self._progress, bundle)):
            answer = super().push(request)
        if not answer.get().error:
            self._ledger.commit(list(answer.get().process_bundle.monitoring_infos))
        return answer

    def _progress(self, bundle: str) -> Infos:
        asked = beam_fn_api_pb2.ProcessBundleProgressRequest(instruction_id=bundle)
        request = beam_fn_api_pb2.InstructionRequest(instruction_id=f"{bundle} progress", process_bundle_progress=asked)
        # Of one that has not begun, or is just over, it knows nothing.
        return list(super().push(request).get().process_bundle_progress.monitoring_infos)


def count_with(ledger: Ledger) -> None:
    """Let pipelines that run in this process from now on be counted."""
    WorkerHandler.register_environment(python_urns.EMBEDDED_PYTHON, None)(functools.partial(CountedWorker, ledger))
