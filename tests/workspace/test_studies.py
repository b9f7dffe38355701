"""The file of a study's trials."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from support.studies import study_spec, trial

from mlmagic.errors import NotFoundError, WorkspaceError
from mlmagic.spec.job import JobKind, JobRecord, JobSpec
from mlmagic.spec.ranges import ranges_text
from mlmagic.spec.study import TrialState
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.studies import open_trials, read_study, read_trials


@pytest.fixture
def folder(workspace: Workspace, submit: Callable[..., JobRecord], spec: JobSpec) -> JobFolder:
    return workspace.job(submit(dataclasses.replace(spec, kind=JobKind.TUNING, study=study_spec())).id)


def test_the_last_line_of_a_number_counts(folder: JobFolder, workspace: Workspace) -> None:
    ended = trial(1, state=TrialState.INFEASIBLE, reason="\N{SNOWMAN}", end_time=datetime.now(UTC))
    with open_trials(folder) as log:
        for one in (trial(2), trial(1), ended):
            log.write(one)
    study = read_study(workspace, folder.id)
    assert study.trials == (ended, trial(2))
    assert study.spec == study_spec()


def test_the_file_of_an_earlier_version_has_lists_of_what_was_known(folder: JobFolder) -> None:
    with open_trials(folder) as log:
        log.write(trial(40, seen="1-37,39"))
    line = folder.trials.read_text()
    assert '"seen":"1-37,39"' in line
    numbers = ",".join(str(number) for number in (*range(1, 38), 39))
    folder.trials.write_text(line.replace('"1-37,39"', f"[{numbers}]").replace("{", '{"schemaVersion":1,', 1))
    assert read_trials(folder) == (trial(40, seen="1-37,39"),)


def test_the_file_grows_with_the_number_of_trials_alone(folder: JobFolder) -> None:
    with open_trials(folder) as log:
        for number in (10, 1000):
            log.write(trial(number, seen=ranges_text(range(1, number))))
    first, second = folder.trials.read_bytes().splitlines()
    assert len(second) < len(first) + 12


@pytest.mark.parametrize(
    "line", [b"[]", b"7", b'{"number":1}', b'{"number":[1],"seen":[1,"a"]}', b"[" * 100_000, b"\xff"]
)
def test_a_line_that_is_no_trial_says_nothing(folder: JobFolder, line: bytes) -> None:
    with open_trials(folder) as log:
        log.write(trial(1))
    folder.trials.write_bytes(folder.trials.read_bytes() + line + b"\n")
    assert read_trials(folder) == (trial(1),)


def test_a_line_that_was_cut_off_says_nothing_and_is_gone_with_the_next(folder: JobFolder) -> None:
    with open_trials(folder) as log:
        log.write(trial(1))
    whole = folder.trials.read_bytes()
    folder.trials.write_bytes(whole + whole[:40])
    assert read_trials(folder) == (trial(1),)
    with open_trials(folder) as log:
        log.write(trial(2))
    assert read_trials(folder) == (trial(1), trial(2))
    assert folder.trials.read_bytes().startswith(whole + whole[:10])
    assert folder.trials.read_bytes().count(b"\n") == 2


def test_what_could_not_be_written_leaves_nothing_of_itself(folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(data)[: len(data) // 2])

    with open_trials(folder) as log:
        log.write(trial(1))
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            with pytest.raises(WorkspaceError, match="No space left on device"):
                log.write(trial(2))
        log.write(trial(3))
    assert [one.number for one in read_trials(folder)] == [1, 3]
    assert folder.trials.read_bytes().count(b"\n") == 2


def test_a_job_that_is_no_study(workspace: Workspace, submit: Callable[..., JobRecord]) -> None:
    job_id = submit().id
    with pytest.raises(NotFoundError, match=f"{job_id} is no study"):
        read_study(workspace, job_id)
    with pytest.raises(NotFoundError, match="is no study"):
        read_study(workspace, "gone-20260131-123015-0a1b")
