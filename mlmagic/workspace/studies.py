"""Studies: the trials of a tuning job, as lines of a file in the job's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlmagic.errors import NotFoundError
from mlmagic.spec import codec
from mlmagic.spec.job import JobSpec
from mlmagic.spec.ranges import ranges_text
from mlmagic.spec.study import Promoted, Study, StudySpec, Trial
from mlmagic.workspace.files import explained, open_to_append, write_atomic
from mlmagic.workspace.layout import JobFolder, Workspace


def read_study(workspace: Workspace, study_id: str) -> Study:
    """Return a study as far as it has come.

    Raises:
        NotFoundError: the job is no tuning job.
        WorkspaceError: its files cannot be read.
    """
    return Study(id=study_id, spec=study_spec(workspace, study_id), trials=read_trials(workspace.job(study_id)))


def study_spec(workspace: Workspace, study_id: str) -> StudySpec:
    """Return what a tuning job searches; errors are those of `read_study`."""
    folder = workspace.job(study_id)
    with explained(f"read the study {study_id}"):
        try:
            spec = codec.loads(JobSpec, folder.spec.read_bytes()).study
        except FileNotFoundError:
            spec = None
    if spec is None:
        raise NotFoundError(f"{study_id} is no study.", hint="`%tune list` shows all studies.")
    return spec


def read_trials(folder: JobFolder) -> tuple[Trial, ...]:
    """Return the trials that a study's own file tells, each as its last line says, by number.

    A line that a power cut or a kill left unfinished says nothing.
    """
    with explained(f"read the trials of {folder.id}"):
        try:
            lines = folder.trials.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return ()
    found: dict[int, Trial] = {}
    for line in reversed(lines):
        # What is wrong says nothing, and what a later line of the same trial says counts.
        with suppress(ValueError, RecursionError, TypeError, AttributeError):
            document = json.loads(line)
            if document.get("number") not in found:
                trial = _decoded(document)
                found[trial.number] = trial
    return tuple(found[number] for number in sorted(found))


def _decoded(document: dict[str, Any]) -> Trial:
    document.pop("schemaVersion", None)
    # Older files have the numbers themselves, a list in each line.
    if isinstance(document.get("seen"), list):
        document["seen"] = ranges_text(document["seen"])
    return codec.decode(Trial, document)


def read_promoted(folder: JobFolder) -> Promoted | None:
    """Return what became of a study's promotion; None where none was asked for, or it has not come to that.

    Raises:
        WorkspaceError: the file cannot be read.
    """
    with explained(f"read {folder.promoted}"):
        try:
            return codec.loads(Promoted, folder.promoted.read_bytes())
        except (FileNotFoundError, codec.DecodeError):
            return None


def write_promoted(folder: JobFolder, promoted: Promoted) -> None:
    """Write down what became of a study's promotion.

    Raises:
        WorkspaceError: the disk is full.
    """
    with explained(f"write {folder.promoted}"):
        write_atomic(folder.promoted, codec.dumps(promoted))


class TrialLog:
    """The file of a study's trials, open for its one writer."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def write(self, trial: Trial) -> None:
        """Append how a trial is from here on; when this returns, it is on the disk.

        Raises:
            WorkspaceError: the disk is full; nothing of the line is left.
        """
        line = json.dumps(codec.encode(trial), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        with explained(f"write {self._path}"):
            data = memoryview(f"{line}\n".encode())
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
                os.fsync(self._descriptor)
            except OSError:
                # The next one is to begin on a line of its own.
                _cut_torn_line(self._path)
                raise


@contextmanager
def open_trials(folder: JobFolder) -> Iterator[TrialLog]:
    """Lend a study's file to append to, after the last whole line.

    Only the study's own program does so, of which there is one at a time (`Claim`).
    """
    with explained(f"open the trials of {folder.id}"):
        descriptor = open_to_append(folder.trials)
        try:
            _cut_torn_line(folder.trials)
        except BaseException:
            os.close(descriptor)
            raise
    try:
        yield TrialLog(folder.trials, descriptor)
    finally:
        os.close(descriptor)


def _cut_torn_line(path: Path) -> None:
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
