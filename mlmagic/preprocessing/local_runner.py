"""Beam's runner for pipelines of this machine, without what breaks them now and then."""

from __future__ import annotations

import json
from typing import Any

from apache_beam.portability.python_urns import EMBEDDED_PYTHON_GRPC
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

_NEVER = 30 * 24 * 3600 * 1000
"""Milliseconds; Beam takes 0 for its own default, a second."""


class LocalRunner(FnApiRunner):  # type: ignore[misc]
    """Hands on what workers write when a part of it is full or all of it is there, and never by the clock.

    Beam's own runner does so every second with several threads, also in the middle of an element: between its window
    and its value while that is pickled. The half that arrives is read as if it were whole, which ends in an error, or
    in a list of windows that takes all memory.
    """

    def run_via_runner_api(self, pipeline_proto: Any, options: Any) -> Any:
        """Run a pipeline whose workers are threads of this process."""
        for environment in pipeline_proto.components.environments.values():
            if environment.urn == EMBEDDED_PYTHON_GRPC:
                given = json.loads(environment.payload or b"{}")
                environment.payload = json.dumps({**given, "data_buffer_time_limit_ms": _NEVER}).encode()
        return super().run_via_runner_api(pipeline_proto, options)
