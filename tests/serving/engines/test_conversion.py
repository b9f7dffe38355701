"""Conversions in processes of their own: made once, remembered, told."""

from __future__ import annotations

import datetime as dt
import errno
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from mlmagic.serving.engines import converter
from mlmagic.serving.engines.conversion import Conversion, conversion_name, convert, known_conversion
from mlmagic.serving.engines.load import load_engine
from mlmagic.spec.codec import dumps
from mlmagic.spec.model import ModelOrigin, ModelVersion
from mlmagic.workspace.layout import Workspace


def version_of(name: str, **fields: object) -> ModelVersion:
    origin = ModelOrigin(artifact="onnx" if name.endswith(".onnx") else "savedmodel", artifact_path=name)
    made = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    return ModelVersion(**{"model": "m", "number": 1, "create_time": made, "origin": origin, **fields})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".mlmagic")


def program(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let this run in place of the converter: a real process that does not do as it should."""
    monkeypatch.setattr("mlmagic.serving.engines.conversion._CONVERTER", (sys.executable, "-c", code))


def test_several_at_once_make_one_and_the_next_finds_it(models: Path, workspace: Workspace) -> None:
    version = version_of("vector")
    assert known_conversion(workspace, version, models) is None
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: convert(workspace, version, models), range(2))
    assert first == second == known_conversion(workspace, version, models)
    assert first.path == workspace.converted / conversion_name(version) / "model.onnx"
    engine = load_engine(models / "vector", converted=first.path)
    assert engine.run({"pixels": np.ones((1, 3))})["output_0"].tolist() == [[2.0, 2.0, 2.0]]
    assert sorted(path.name for path in workspace.converted.iterdir()) == [
        "m@1-" + first.path.parent.name[4:],
        "m@1.lock",
    ]


def test_a_no_is_remembered_too(models: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "its input 'x' does not take any number of instances"
    assert convert(workspace, version_of("fours"), models) == Conversion(reason=reason)
    program(monkeypatch, "raise SystemExit('asked again')")
    assert convert(workspace, version_of("fours"), models) == Conversion(reason=reason)


def test_another_model_of_that_number_is_converted_anew(
    models: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(monkeypatch, "import os; os.abort()")
    later = version_of("fours", create_time=dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
    for version in (version_of("fours"), later):
        assert convert(workspace, version, models).reason == "the process that converted it was ended by SIGABRT"
    assert known_conversion(workspace, later, models) is not None
    assert known_conversion(workspace, version_of("fours"), models) is None


def test_an_end_from_outside_is_told_and_not_remembered(
    models: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(monkeypatch, "import os, signal; print('half way', flush=True); os.kill(os.getpid(), signal.SIGKILL)")
    found = convert(workspace, version_of("fours"), models)
    assert found.reason == "the process that converted it was ended by SIGKILL (out of memory?): half way"
    assert known_conversion(workspace, version_of("fours"), models) is None
    assert [path.name for path in workspace.converted.iterdir()] == ["m@1.lock"]


def test_one_that_takes_too_long_is_ended(models: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "import threading; threading.Event().wait()")
    found = convert(workspace, version_of("fours"), models, timeout=0.2)
    assert found.reason == "its conversion took longer than 0.2 s"
    assert not [child for child in psutil.Process().children() if "Event" in " ".join(child.cmdline())]


def test_an_onnx_file_is_one_already(workspace: Workspace) -> None:
    found = Conversion(path=Path("/m/dense.onnx"))
    assert convert(workspace, version_of("dense.onnx"), Path("/m")) == found
    assert known_conversion(workspace, version_of("dense.onnx"), Path("/m")) == found


def test_a_workspace_that_cannot_be_written_is_told(models: Path, tmp_path: Path) -> None:
    (tmp_path / "converted").write_bytes(b"")
    found = convert(Workspace(tmp_path), version_of("fours"), models)
    assert (found.reason or "").startswith("what it would be converted to cannot be written: ")


def test_it_ends_with_who_asked_for_it(models: Path, workspace: Workspace) -> None:
    asking = (
        "import sys; from pathlib import Path; from mlmagic.serving.engines import conversion\n"
        "from mlmagic.spec.codec import loads; from mlmagic.spec.model import ModelVersion\n"
        "from mlmagic.workspace.layout import Workspace\n"
        "start = conversion.subprocess.Popen\n"
        "def told(*args, **options):\n    p = start(*args, **options); print(p.pid, flush=True); return p\n"
        "conversion.subprocess.Popen = told\n"
        "conversion.convert(Workspace(Path(sys.argv[1])), loads(ModelVersion, sys.argv[2]), Path(sys.argv[3]))"
    )
    command = [sys.executable, "-c", asking, str(workspace.root), dumps(version_of("vector")), str(models)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        converter = psutil.Process(int(process.stdout.readline()))
        process.kill()
    psutil.wait_procs([converter], timeout=60)
    assert not converter.is_running()
    assert not list(workspace.root.rglob("conversion.json"))


def test_a_full_disk_is_no_reason_that_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(converter, "_convert", fail)
    with pytest.raises(OSError, match="No space left"):
        converter.convert(tmp_path, tmp_path, None, None)
