from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlmagic.backends.local.forkserver import memory
from mlmagic.backends.local.forkserver.conditions import Fingerprint, why_cold, why_never_warm
from mlmagic.backends.local.forkserver.messages import Inbox, encode
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A machine with a GPU."""
    for name in ("nvidia0", "nvidiactl", "null"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_gpu_that_is_visible_forbids_forks(devices: Path) -> None:
    assert why_never_warm({}, devices=devices) == "a GPU is visible"
    assert why_never_warm({"CUDA_VISIBLE_DEVICES": "0"}, devices=devices) == "a GPU is visible"


@pytest.mark.parametrize("hidden", ["", "-1", " -1 "])
def test_a_gpu_that_is_hidden_does_not(devices: Path, hidden: str) -> None:
    assert why_never_warm({"CUDA_VISIBLE_DEVICES": hidden}, devices=devices) is None


def test_other_systems_do_not_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert why_never_warm({}, devices=tmp_path) == "forks are not safe on darwin"


@pytest.mark.parametrize("path", ["lib", "/a:lib", "/a:", ":/a"])
def test_a_relative_pythonpath_means_another_folder_for_each_job(tmp_path: Path, path: str) -> None:
    told = why_never_warm({"PYTHONPATH": path}, devices=tmp_path)
    assert told == "PYTHONPATH has entries that are relative to the working directory"
    assert why_never_warm({"PYTHONPATH": "/a:/b"}, devices=tmp_path) is None


def test_a_package_says_that_it_is_cold(tmp_path: Path) -> None:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="0", cold_reason="it sets KERAS_BACKEND"))
    record = JobRecord(id="taxi", spec=spec, state=JobState.QUEUED, create_time=NOW, update_time=NOW)
    assert why_cold(record, {}, devices=tmp_path) == "it sets KERAS_BACKEND"


def test_a_study_is_started_cold_whatever_its_trials_are(tmp_path: Path) -> None:
    spec = JobSpec(display_name="taxi", kind=JobKind.TUNING, package=PackageReference(digest="0"))
    record = JobRecord(id="taxi", spec=spec, state=JobState.QUEUED, create_time=NOW, update_time=NOW)
    assert why_cold(record, {}, devices=tmp_path) == "a study needs no TensorFlow"


def test_what_decides_imports_decides_the_server() -> None:
    one = Fingerprint.of("/python", {"KERAS_BACKEND": "jax", "AIP_MODEL_DIR": "/a", "TF_CONFIG": "{}"})
    assert one == Fingerprint.of("/python", {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "1", "PWD": "/"})
    assert one != Fingerprint.of("/python", {"KERAS_BACKEND": "tensorflow"})
    assert one != Fingerprint.of("/other", {"KERAS_BACKEND": "jax"})
    around = {"PATH": "/bin", "KERAS_BACKEND": "torch", "LD_PRELOAD": "x.so"}
    assert one.environment(around) == {
        "PATH": "/bin",
        "KERAS_BACKEND": "jax",
        "TF_CPP_MIN_LOG_LEVEL": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
    }


def test_who_sets_up_the_allocator_of_arrow_is_listened_to() -> None:
    one = Fingerprint.of("/python", {"JE_ARROW_MALLOC_CONF": "narenas:1"})
    assert one.environment({})["JE_ARROW_MALLOC_CONF"] == "narenas:1"
    assert one != Fingerprint.of("/python", {})


def test_a_container_may_have_less_memory_than_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = memory.available_memory()
    assert machine > 0
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    for name, text in {"max": "1000", "current": "900", "stat": "anon 500\ninactive_file 300\n"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    assert memory.available_memory() == 400
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_memory() > 400


def test_messages_come_whole_in_whatever_pieces() -> None:
    inbox, messages = Inbox(), [{"job": "taxi-é"}, {"pid": 3}]
    for byte in b"".join(map(encode, messages)):
        inbox.add(bytes([byte]))
        if (message := inbox.take()) is not None:
            assert message == messages.pop(0)
    assert messages == []
