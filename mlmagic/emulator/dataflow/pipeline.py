"""A staged pipeline, run by Beam's `FnApiRunner` in this process, as Dataflow's workers would run it."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from mlmagic.emulator.dataflow.artifacts import MAIN_SESSION, artifacts_of, fetch, install
from mlmagic.emulator.dataflow.messages import Importance, say
from mlmagic.emulator.dataflow.metrics import metric_updates
from mlmagic.emulator.dataflow.request import PipelineFolder, PipelineRequest
from mlmagic.workspace.files import make_folder, write_atomic

_PIPELINE_LOGGERS = ("apache_beam.runners", "apache_beam.internal")
"""Of the runner, which Dataflow does not have: they tell nothing of the pipeline."""


def run_pipeline(request: PipelineRequest, folder: PipelineFolder) -> None:
    """Fetch, install and run what was staged. What goes wrong comes through, the pipeline's own errors among it."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.options.value_provider import RuntimeValueProvider
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    from mlmagic.emulator.dataflow.counting import Ledger, count_with

    for name in _PIPELINE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    options = PipelineOptions.from_dictionary(_readable(request.options))
    RuntimeValueProvider.set_runtime_options(dict(request.options))
    proto = _read_pipeline(request.pipeline_url, options)
    _prepare(proto, folder, options)
    say(folder.messages, Importance.BASIC, "Worker configuration: 1 worker on this machine.")
    say(folder.messages, Importance.BASIC, "Workers have started successfully.")
    transforms = dict(proto.components.transforms)
    count_with(Ledger(folder.metrics, transforms))
    result = FnApiRunner().run_via_runner_api(proto, options)
    result.wait_until_finish()
    updates = metric_updates(result.metrics(), result.metrics(), transforms)
    write_atomic(folder.metrics, json.dumps(updates))


def _read_pipeline(url: str, options: Any) -> Any:
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.portability.api import beam_runner_api_pb2

    FileSystems.set_options(options)
    return beam_runner_api_pb2.Pipeline.FromString(_read(url))


def _prepare(proto: Any, folder: PipelineFolder, options: Any) -> None:
    """Install what the environments of a pipeline need, and let this process be all of them."""
    from apache_beam.internal import pickler
    from apache_beam.options.pipeline_options import SetupOptions
    from apache_beam.portability import python_urns

    environments = proto.components.environments.values()
    make_folder(folder.staged)
    make_folder(folder.packages)
    fetch(artifacts_of(environments), folder.staged, _read)
    install(folder.staged, folder.packages, lambda text: say(folder.messages, Importance.DETAILED, text))
    sys.path.insert(0, str(folder.packages))
    for environment in environments:
        environment.urn = python_urns.EMBEDDED_PYTHON
        environment.payload = b""
        del environment.dependencies[:]
    pickler.set_library(options.view_as(SetupOptions).pickle_library)
    session = folder.staged / MAIN_SESSION
    if session.exists():
        pickler.load_session(str(session))


def _read(url: str) -> bytes:
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    # As it is: what ends with .gz would be unpacked.
    with FileSystems.open(url, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return bytes(file.read())


def _readable(options: Any) -> dict[str, Any]:
    """Return options as Beam reads them; numbers come back from the API as floats."""
    return {name: _whole(value) for name, value in options.items() if value is not None}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
