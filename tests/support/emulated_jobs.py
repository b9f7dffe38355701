"""Custom jobs for tests of the emulator: their descriptions, and waiting for what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlmagic.emulator.engine import Engine, Work
from mlmagic.emulator.jobs.submission import containers, worker_pools
from mlmagic.spec.job import JobRecord

PATIENCE_SECONDS = 240.0
IMAGE = "tensorflow/tensorflow:2.21.0"
TRAINING_IMAGE = "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest"


def pool(
    *command: str, args: tuple[str, ...] = (), count: int = 1, image: str = IMAGE, env: dict[str, str] | None = None
) -> dict[str, Any]:
    """A worker pool that runs a command."""
    variables = [{"name": name, "value": value} for name, value in (env or {}).items()]
    container = {"image_uri": image, "command": list(command), "args": list(args), "env": variables}
    return {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": str(count),
        "container_spec": container,
    }


def program(text: str, *flags: str, **options: Any) -> dict[str, Any]:
    """A worker pool that runs a Python program."""
    return pool("python3", "-c", text, args=flags, **options)


def run(root: Path, *pools: dict[str, Any], engine: Engine | None = None, **spec: Any) -> JobRecord:
    """Run a job in the engine below a folder, and return its record when it has ended."""
    engine = engine or Engine(root / "engine")
    (root / "buckets").mkdir(exist_ok=True)
    document = {"worker_pool_specs": list(pools), **spec}
    made = containers(document, job_id="4600", project="p", location="r", root=root)
    engine.start(Work(name="customJobs-4600", containers=made, pools=worker_pools(document)))
    return wait_for(lambda: engine.find("customJobs-4600"), lambda record: record is not None and record.state.is_final)


def log(root: Path, record: JobRecord, replica: str = "chief-0") -> str:
    """What a replica has printed."""
    return (root / "engine" / "jobs" / record.id / "logs" / f"{replica}.log").read_text("utf-8")


def wait_for(look: Callable[[], Any], is_right: Callable[[Any], bool]) -> Any:
    """Look again and again until it is right."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_right(seen := look()):
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.1)
    return seen
