from __future__ import annotations

import sys

import pytest

from mlmagic import __version__
from mlmagic.errors import UsageError
from mlmagic.magics.doctor import check_child, check_disk, check_python, check_tensorflow
from mlmagic.runtime.agent_call import read_agent
from mlmagic.session import current_session
from mlmagic.spec.report import AgentReport
from mlmagic.testing.backends import wait_for_text


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


def test_single_checks(tmp_path):
    assert not check_python((3, 10, 1)).is_ok
    assert check_disk(tmp_path / "not" / "there").found.endswith(f"free at {tmp_path}")
    assert check_tensorflow().name == "TensorFlow"
    missing = check_child(str(tmp_path / "python"))
    assert (missing.is_ok, missing.found[:27]) == (False, "does not find mlmagic: [Err")
