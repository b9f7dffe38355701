"""A container: what its program finds, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

from support.emulated_jobs import log, pool, program, run

from mlmagic.emulator.container.task import LogEntry
from mlmagic.spec import codec
from mlmagic.spec.job import JobState


def test_output_folders_are_those_of_the_bucket(tmp_path: Path) -> None:
    text = "import os; open(os.environ['AIP_MODEL_DIR'] + 'model.txt', 'w').write('made')"
    record = run(tmp_path, program(text), base_output_directory={"output_uri_prefix": "gs://b/out"})
    assert record.state is JobState.SUCCEEDED
    assert (tmp_path / "buckets/b/out/model/model.txt").read_text("utf-8") == "made"


def test_without_a_base_output_directory_there_are_no_folders(tmp_path: Path) -> None:
    record = run(tmp_path, program("import os; print([n for n in os.environ if n.startswith('AIP_')])"))
    assert log(tmp_path, record).startswith("[]")


def test_program_has_nothing_of_the_outside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PRIVATE_KEY", "secret")
    record = run(tmp_path, program("import os; print(sorted(os.environ), os.environ['CLOUD_ML_JOB_ID'], os.listdir())"))
    assert "PRIVATE_KEY" not in log(tmp_path, record)
    assert "4600 []" in log(tmp_path, record)


def test_buckets_are_mounted_in_commands_arguments_and_variables(tmp_path: Path) -> None:
    (tmp_path / "buckets/b").mkdir(parents=True)
    (tmp_path / "buckets/b/x.txt").write_text("content", "utf-8")
    command = pool("bash", "-c", 'cat /gcs/b/x.txt "$1" "$FILE"; echo /home/gcs/b', args=("-", "/gcs/b/x.txt"))
    command["container_spec"]["env"] = [{"name": "FILE", "value": "/gcs/b/x.txt"}]
    record = run(tmp_path, command)
    assert log(tmp_path, record).startswith("contentcontentcontent/home/gcs/b\n")


def test_a_folder_with_spaces_is_no_trouble_to_a_shell(tmp_path: Path) -> None:
    root = tmp_path / "a folder; 'quoted'"
    (root / "buckets/b").mkdir(parents=True)
    record = run(root, pool("bash", "-c", "echo made > /gcs/b/x.txt"))
    assert record.state is JobState.SUCCEEDED
    assert (root / "buckets/b/x.txt").read_text("utf-8") == "made\n"


def test_replicas_of_all_pools_run_with_their_own_task(tmp_path: Path) -> None:
    told = "import json, os, sys; t = json.loads(os.environ['CLUSTER_SPEC'])['task']; print(t['type'], t['index'])"
    (tmp_path / "buckets/b").mkdir(parents=True)
    # The job ends with its chief, which therefore waits for the other.
    waits = "\nimport time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)"
    chief = program(told + waits, "/gcs/b/told")
    record = run(tmp_path, chief, {}, program(told + "; print('ps'); open(sys.argv[1], 'w')", "/gcs/b/told"))
    assert record.state is JobState.SUCCEEDED
    assert "workerpool0 0\n" in log(tmp_path, record)
    assert log(tmp_path, record, "ps-0").startswith("workerpool2 0\nps\n")


def test_a_failing_program_leaves_its_status_and_traceback(tmp_path: Path) -> None:
    record = run(tmp_path, program("raise ValueError('wrong')"))
    assert (record.state, record.exit_code) == (JobState.FAILED, 1)
    assert record.error is not None
    assert record.error.message == "ValueError: wrong"


def test_a_program_that_is_killed_ends_its_container_by_the_same_signal(tmp_path: Path) -> None:
    record = run(tmp_path, program("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert (record.state, record.exit_code) == (JobState.FAILED, -9)


def test_lines_have_time_and_severity(tmp_path: Path) -> None:
    record = run(tmp_path, program("import sys; print('out\\nmore'); print('no end', end='', file=sys.stderr)"))
    path = tmp_path / "engine/jobs" / record.id / "logs/workerpool0-0.entries"
    entries = [codec.loads(LogEntry, line) for line in path.read_bytes().splitlines()]
    assert {(entry.severity, entry.text) for entry in entries} == {
        ("INFO", "out"),
        ("INFO", "more"),
        ("ERROR", "no end"),
    }
    assert all(entry.time.endswith("Z") for entry in entries)


def test_a_command_that_the_image_lacks(tmp_path: Path) -> None:
    record = run(tmp_path, pool("no-such-program"))
    assert record.exit_code == 128
    assert 'exec: "no-such-program": executable file not found in $PATH: unknown' in log(tmp_path, record)


def test_an_own_image_needs_a_command(tmp_path: Path) -> None:
    record = run(tmp_path, pool(image="europe-docker.example/p/r/own:1"))
    assert record.exit_code == 128
    assert "it does not know the entrypoint of europe-docker.example/p/r/own:1: give the container a command" in log(
        tmp_path, record
    )


def test_the_container_file_is_readable_for_its_owner_alone(tmp_path: Path) -> None:
    record = run(tmp_path, program("pass", env={"KEY": "value"}))
    path = tmp_path / "engine/jobs" / record.id / "package/container.json"
    assert json.loads(path.read_text("utf-8"))["tasks"]["workerpool0"]["environment"] == {"KEY": "value"}
    assert path.stat().st_mode & 0o077 == 0
