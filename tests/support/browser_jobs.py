"""Jobs that do what they are told, run by the real local backend."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.boards import no_board_left
from support.deployed import end_endpoints
from support.event_files import event, record
from support.kept_endpoints import until

import mlmagic
from mlmagic.api.job import Job
from mlmagic.session import Session
from mlmagic.spec.job import JobState

# It reads what it is to do from a pipe, whose writer waits until it is read: so no test has to guess how far it is.
_PROGRAM = """
import base64, json, os, sys
from pathlib import Path

print("begun", flush=True)
events = Path(os.environ["AIP_TENSORBOARD_LOG_DIR"]) / "train" / "events.out.tfevents.1.host"
while True:
    with open({pipe!r}) as told:
        for line in told:
            order = json.loads(line)
            if "print" in order:
                print(order["print"], flush=True)
            if "events" in order:
                events.parent.mkdir(parents=True, exist_ok=True)
                with events.open("ab") as file:
                    file.write(base64.b64decode(order["events"]))
            if "raise" in order:
                raise ValueError(order["raise"])
            if "exit" in order:
                sys.exit(order["exit"])
"""


@dataclass(frozen=True)
class ToldProgram:
    """The source of a program, and the pipe from which it reads what it is to do."""

    source: str
    pipe: Path


class ToldJob:
    """A job that runs until it is told to end."""

    def __init__(self, job: Job, pipe: Path) -> None:
        self.job = job
        self.pipe = pipe

    @property
    def id(self) -> str:
        return self.job.id

    def say(self, text: str) -> None:
        """Let it print."""
        self._tell(print=text)

    def measure(self, step: int, **values: float) -> None:
        """Let it write scalars, as Keras's and TensorBoard's own writers name them."""
        self._tell(events=base64.b64encode(record(event(step, **values))).decode())

    def succeed(self) -> None:
        self._tell(exit=0)
        self.until(JobState.SUCCEEDED)

    def fail(self, text: str) -> None:
        self._tell(**{"raise": text})
        self.until(JobState.FAILED)

    def until(self, *states: JobState) -> None:
        until(lambda: self.job.state in states)

    def _tell(self, **order: Any) -> None:
        writer = until(self._open)
        with os.fdopen(writer, "w") as pipe:
            pipe.write(json.dumps(order) + "\n")

    def _open(self) -> int | None:
        try:
            writer = os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            # Nobody reads yet.
            return None
        os.set_blocking(writer, True)
        return writer


class TellingWorkspace:
    """A workspace whose jobs are told what to do."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.session = Session(environ={"MLMAGIC_HOME": str(root)}, start=root.parent)
        self._scratch = scratch
        self._count = 0

    def start(self, name: str, **options: Any) -> ToldJob:
        """Submit a job, and return when it runs."""
        program = self.program()
        mlmagic.train(name, source=program.source, session=self.session, **options)
        return self.follow(name, program)

    def program(self) -> ToldProgram:
        """Return a program for a job that somebody else is to submit."""
        self._count += 1
        pipe = self._scratch / f"pipe-{self._count}"
        os.mkfifo(pipe)
        return ToldProgram(_PROGRAM.format(pipe=str(pipe)), pipe)

    def follow(self, name: str, program: ToldProgram) -> ToldJob:
        """Return the newest job of a name, when it runs; it has this program."""
        until(lambda: mlmagic.jobs(name=name, session=self.session))
        job = self.job(name)
        until(lambda: job.state is not JobState.QUEUED and "begun" in str(job.logs()))
        return ToldJob(job, program.pipe)

    def follow_again(self, job: ToldJob) -> ToldJob:
        """Return the job that came of running this one once more, when it runs."""
        until(lambda: self.job(job.job.spec.display_name).id != job.id)
        return self.follow(job.job.spec.display_name, ToldProgram("", job.pipe))

    def run(self, name: str, source: str, **options: Any) -> Job:
        """Run a program to its end."""
        job = mlmagic.train(name, source=source, session=self.session, **options)
        until(lambda: job.state.is_final)
        return job

    def job(self, reference: str) -> Job:
        """Return the newest job of a name, or the one of an id."""
        return mlmagic.job(reference, session=self.session)

    def newest(self, name: str) -> str:
        """Return the id of the newest job of a name."""
        return self.job(name).id

    def end(self) -> None:
        """End whatever runs."""
        with no_board_left(self.session):
            end_endpoints(self.session)
            for summary in mlmagic.jobs(session=self.session):
                if not summary.state.is_final:
                    job = self.job(summary.id).cancel()
                    until(lambda job=job: job.state.is_final)
