"""The process that brings a pipeline to Dataflow: it imports Beam, looks at the input, stages, and asks for the job.

It is nobody's child and holds the launch's lock until it ends, so that whoever looks at the job knows whether to wait.
What came of it stands in `launched.json`; if that is missing, it was killed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlmagic.runtime.detached import start_detached
from mlmagic.spec.codec import DecodeError, dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import explained, write_atomic

_LONGEST_LOG = 1 << 20


@dataclass(frozen=True, slots=True)
class LaunchFolder:
    """`launch/` of a job's folder: every file name in it."""

    root: Path

    @property
    def request(self) -> Path:
        """The `LaunchRequest`."""
        return self.root / "request.json"

    @property
    def launched(self) -> Path:
        """The `Launched`."""
        return self.root / "launched.json"

    @property
    def lock(self) -> Path:
        """Held as long as the process runs, or its program."""
        return self.root / "launch.lock"

    @property
    def log(self) -> Path:
        """What the program says."""
        return self.root / "launch.log"

    @property
    def job(self) -> Path:
        """The id that Dataflow gave the job, as soon as it did."""
        return self.root / "job.id"

    @property
    def package(self) -> Path:
        """The source distribution of the job's package, which Dataflow's workers install."""
        return self.root / "preprocessor.tar.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRequest(Noun):
    """`request.json`: what is to be run."""

    attempt: int
    command: tuple[str, ...]
    folder: str
    """Where it runs: that of the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched(Noun):
    """`launched.json`: how the program ended that was to ask for a job."""

    attempt: int
    exit_code: int
    job: str | None = None
    """The id of Dataflow's job."""


def start_launch(
    place: LaunchFolder, request: LaunchRequest, environment: Mapping[str, str], descriptors: Sequence[int]
) -> None:
    """Start the process; `descriptors` hold its lock.

    Raises:
        BackendError: the system refuses.
        WorkspaceError: what it is to run cannot be written down.
    """
    with explained(f"write {place.request}"):
        for path in (place.launched, place.job, place.log):
            path.unlink(missing_ok=True)
        write_atomic(place.request, dumps(request))
    start_detached(
        [sys.executable, "-m", "mlmagic.backends.google.dataflow_launch", str(place.root)],
        place.log,
        longest_log=_LONGEST_LOG,
        descriptors=descriptors,
        environment=environment,
        what="the program that brings a pipeline to Dataflow",
    )


def read_launched(place: LaunchFolder, attempt: int) -> Launched | None:
    """Return what came of an attempt's launch; None if it was killed, or never was."""
    with explained(f"read {place.launched}"):
        try:
            found = loads(Launched, place.launched.read_bytes())
        except (FileNotFoundError, DecodeError):
            return None
    return found if found.attempt == attempt else None


def main(argv: Sequence[str]) -> int:
    """Leave the process that started this one, and run what a launch's folder asks for."""
    if os.fork():
        return 0
    place = LaunchFolder(Path(argv[0]))
    request = loads(LaunchRequest, place.request.read_bytes())
    # The lock is inherited further: the program may go on when this process was killed.
    program = subprocess.run(
        request.command, cwd=request.folder, stdin=subprocess.DEVNULL, close_fds=False, check=False
    )
    job = place.job.read_text("utf-8").strip() if place.job.exists() else None
    write_atomic(place.launched, dumps(Launched(attempt=request.attempt, exit_code=program.returncode, job=job)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
