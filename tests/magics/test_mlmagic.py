from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlmagic import __version__
from mlmagic.emulator.launch import find_emulator, read_address
from mlmagic.errors import UsageError
from mlmagic.magics.doctor import check_child, check_disk, check_python, check_tensorflow
from mlmagic.runtime.agent_call import read_agent
from mlmagic.session import current_session
from mlmagic.spec.report import AgentReport
from mlmagic.testing.backends import PATIENCE_SECONDS, wait_for_text
from mlmagic.workspace.processes import is_alive


class EndEmulator:
    """Ends the emulator of a workspace, which is nobody's child, as its pages say: by a signal."""

    def __init__(self, workspace: Path) -> None:
        self._root = workspace / "emulator"

    @property
    def pid(self) -> int:
        return read_address(self._root).process.pid

    def __call__(self) -> None:
        if (found := find_emulator(self._root)) is None:
            return
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while is_alive(found.address.process):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def end_emulator(workspace: Path) -> Iterator[EndEmulator]:
    """Ends it, at the latest after the test."""
    end = EndEmulator(workspace)
    yield end
    end()


def test_status_of_a_new_workspace(run, workspace):
    status = run("%mlmagic")
    assert (status.version, status.workspace, status.backend) == (__version__, str(workspace), "local")
    assert (status.jobs, status.models) == ({}, ())


def test_status_counts_jobs(run):
    run("%%train taxi --wait\nprint(1)\n")
    assert run("%mlmagic status").jobs == {"SUCCEEDED": 1}


def test_status_tells_whether_the_agent_runs(run):
    assert run("%mlmagic").agent == AgentReport()
    job = run("%%train taxi\nimport time\nprint('begun', flush=True)\nwhile True: time.sleep(1)\n")
    wait_for_text(job.backend, job.id, "begun")
    assert run("%mlmagic").agent.pid == read_agent(current_session().workspace).pid
    run("%jobs cancel taxi")


def test_use_saves_the_backend(run, workspace):
    assert run("%mlmagic use local --save").backend == "local"
    assert 'backend = "local"' in (workspace / "config.toml").read_text()


def test_jobs_run_on_an_emulator_and_then_here_again(run, end_emulator, capsys):
    where = run("%mlmagic use emulator").place
    assert where.startswith("http://localhost:")
    assert where == f"{where.partition(',')[0]}, process {end_emulator.pid}"
    there = run("%%train taxi --wait\nprint(6 * 7)\n")
    assert run("%mlmagic use local").place is None
    here = run("%%train boats --wait\nprint(1)\n")
    assert {job.id: job.backend for job in run("%jobs")} == {there.id: "emulator", here.id: "local"}
    assert "42" in run("%jobs logs taxi")
    assert run("%jobs rerun taxi --wait").spec.backend == "emulator"


def test_an_emulator_that_has_ended_is_started_again(run, end_emulator):
    run("%mlmagic use emulator")
    assert run("%mlmagic stop emulator").place == "not running; %mlmagic use emulator starts it"
    assert run("%mlmagic use emulator").place.startswith("http://localhost:")


def test_where_no_emulator_runs_that_is_said(run, capsys):
    run("%mlmagic stop emulator")
    assert capsys.readouterr().out.startswith("No emulator was running.\n")


def test_nothing_else_is_stopped(run):
    with pytest.raises(UsageError) as caught:
        run("%mlmagic stop taxi")
    assert str(caught.value) == (
        "%mlmagic stop ends the emulator alone, not 'taxi'.\n"
        "%mlmagic stop emulator. Jobs: %jobs cancel JOB; endpoints: %endpoints stop ENDPOINT."
    )


def test_use_google_tells_all_that_is_missing_or_wrong(run):
    with pytest.raises(UsageError) as caught:
        run("%mlmagic use google --region us-central --bucket my-bucket")
    assert str(caught.value) == (
        "the backend 'google' cannot be used as it is set up:\n"
        "  - --project is missing\n"
        "  - region 'us-central' is none of Vertex AI's. Did you mean us-central1 or me-central2 or me-central1?\n"
        "  - bucket 'my-bucket' is not of the form gs://NAME; write gs://my-bucket\n"
        "%mlmagic use google --project PROJECT --region us-central1 --bucket gs://BUCKET"
    )


def test_use_google_saves_its_settings(run, workspace):
    told = "--project my-project --region us-central1 --bucket gs://my-bucket"
    assert run(f"%mlmagic use google {told} --save").backend == "google"
    saved = (workspace / "config.toml").read_text()
    assert 'google_project = "my-project"\ngoogle_region = "us-central1"\ngoogle_bucket = "gs://my-bucket"' in saved


def test_settings_of_google_are_googles_alone(run):
    with pytest.raises(UsageError, match="--project: for the backend 'google' alone, not for 'local'"):
        run("%mlmagic use local --project my-project")
    with pytest.raises(UsageError, match="google-spot is on or off, not 'maybe'"):
        run("%mlmagic config google-spot maybe")


def test_config_says_how_to_change_it(run, workspace, capsys):
    settings = {setting.name: setting.value for setting in run("%mlmagic config").settings}
    assert settings["workspace"] == str(workspace)
    assert settings["settings file"] == f"{workspace}/config.toml (not there yet)"
    assert "%mlmagic use BACKEND" in capsys.readouterr().out


def test_config_changes_a_setting(run, workspace):
    run("%mlmagic config warm-starts off")
    assert 'warm_starts = "off"' in (workspace / "config.toml").read_text()
    with pytest.raises(UsageError, match="%mlmagic config backend needs a value"):
        run("%mlmagic config backend")


def test_the_doctor_finds_all_in_order(run, capsys):
    checkup = run("%mlmagic doctor")
    names = [check.name for check in checkup.checks]
    assert names == ["Python", "TensorFlow", "Workspace", "Disk", "Database", "Child process"]
    assert [check.name for check in checkup.checks if not check.is_ok] in ([], ["TensorFlow"])
    assert "tensorflow" not in sys.modules or "TensorFlow" in capsys.readouterr().out


def test_the_doctor_says_how_to_mend(run, workspace, capsys):
    workspace.write_text("not a folder")
    checkup = run("%mlmagic doctor")
    bad = {check.name: check for check in checkup.checks if not check.is_ok}
    assert {"Workspace", "Database"} <= set(bad)
    assert all(check.mend for check in bad.values())
    assert "attention." in capsys.readouterr().out


def test_the_doctor_tells_of_a_configuration_that_cannot_be_read(run, workspace):
    workspace.mkdir()
    (workspace / "config.toml").write_text("backend = [")
    (bad,) = (check for check in run("%mlmagic doctor").checks if not check.is_ok)
    assert bad.name == "Configuration"
    assert "config.toml cannot be read" in bad.found
    assert bad.mend == "Mend it, or delete it to get the defaults."


def test_single_checks(tmp_path):
    assert not check_python((3, 10, 1)).is_ok
    assert check_disk(tmp_path / "not" / "there").found.endswith(f"free at {tmp_path}")
    assert check_tensorflow().name == "TensorFlow"
    missing = check_child(str(tmp_path / "python"))
    assert (missing.is_ok, missing.found[:27]) == (False, "does not find mlmagic: [Err")
