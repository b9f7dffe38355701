"""The package of a cell as a program of its own: mlmagic is not on its path."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mlmagic.runtime.diagnosis import find_traceback
from mlmagic.source.vendor import vendored

from .conftest import Dataset

CLEAN = """
import pyarrow as pa
import pyarrow.compute as pc

LEAST = 10

def clean(batch: pa.RecordBatch):
    return batch.filter(pc.greater(batch["fare"], LEAST))
"""
TASK = """
from preprocessor.preprocessing.main import main

if __name__ == "__main__":
    main(cell="preprocessor.cell")
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the package, the cell not yet in it, and with two files of rides."""
    folder = tmp_path / "package"
    for path, content in vendored("preprocessing.main", "preprocessor").items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        (file.parent / "__init__.py").touch()
    (folder / "preprocessor" / "task.py").write_text(TASK, "utf-8")
    for number in range(2):
        lines = [f"r{n},{n % 50}.5\n" for n in range(number * 500, number * 500 + 500)]
        (folder / f"rides-{number}.csv").write_text("id,fare\n" + "".join(lines), "utf-8")
    return folder


def start(
    package: Path, cell: str, *words: str, program: tuple[str, ...] = ("-m", "preprocessor.task")
) -> subprocess.Popen[str]:
    (package / "preprocessor" / "cell.py").write_text(cell, "utf-8")
    # Isolated: neither the working directory of the tests nor PYTHONPATH leads to mlmagic.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", *program, "--input", "rides-*.csv", "--output", "out", *words],
        cwd=package,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_package_runs_without_mlmagic(package: Path) -> None:
    cell = CLEAN + "import sys\nassert not any(name.split('.')[0] == 'mlmagic' for name in sys.modules)\n"
    with start(package, cell, "--target", "fare") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "800 rows of 1,000" in out
    assert Dataset(package / "out").statistics.splits["train"].rows > 500


def test_an_exception_in_clean_is_the_last_that_is_said(package: Path) -> None:
    cell = CLEAN.replace("    return", "    if batch['id'][0].as_py() == 'r500':\n        1 / 0\n    return")
    with start(package, cell) as process:
        _, err = process.communicate()
    assert process.returncode == 1
    traceback = find_traceback(err)
    assert traceback is not None
    assert traceback.splitlines()[-1] == "ZeroDivisionError: division by zero"
    frames = re.findall(r'File "(.*)", line (\d+), in (\w+)', traceback)
    assert frames == [(str(package / "preprocessor" / "cell.py"), "9", "clean")]
    assert list((package / "out").iterdir()) == []


def test_a_slip_is_told_without_our_frames(package: Path) -> None:
    with start(package, CLEAN, "--target", "fair") as process:
        _, err = process.communicate()
    assert process.returncode == 1
    traceback = find_traceback(err)
    assert traceback is not None
    assert "preprocessor.errors.UsageError: Some columns do not fit." in traceback
    assert traceback.count("File ") <= 3


def test_a_request_to_end_ends_it_and_leaves_nothing(package: Path) -> None:
    cell = CLEAN + "\ndef clean(batch):\n    import time\n    print('cleaning', flush=True)\n    time.sleep(600)\n"
    probe = "    if len(batch) == 1000:\n        return batch\n"
    with start(package, cell.replace("    print", probe + "    print"), "--workers", "2") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "cleaning\n"
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == -signal.SIGTERM
    assert not psutil.wait_procs(children, timeout=10)[1]
    assert not (package / "out").exists() or list((package / "out").iterdir()) == []


BUILD = """
import sys
from pathlib import Path
from preprocessor.preprocessing.arguments import parse_arguments
from preprocessor.preprocessing.clean import import_cell
from preprocessor.preprocessing.options import pipeline_options
from preprocessor.preprocessing.plan import make_plan
from preprocessor.preprocessing.run import load_pipeline

arguments = parse_arguments(sys.argv[1:])
plan = make_plan(arguments, import_cell("preprocessor.cell"), "out/.parts-0123456789ab")
pipeline = load_pipeline(plan, pipeline_options(arguments, Path.cwd()), is_local=True)
Path("pipeline.pb").write_bytes(pipeline.to_runner_api().SerializeToString())
"""
RUN = """
from pathlib import Path
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

proto = beam_runner_api_pb2.Pipeline.FromString(Path("pipeline.pb").read_bytes())
for environment in proto.components.environments.values():
    environment.urn = python_urns.EMBEDDED_PYTHON  # in place of a container
    environment.ClearField("dependencies")
FnApiRunner().run_via_runner_api(proto, PipelineOptions(["--no_save_main_session"])).wait_until_finish()
"""


def test_the_pipeline_runs_from_its_proto_in_another_process(package: Path) -> None:
    with start(package, CLEAN, "--target", "fare") as process:
        process.communicate()
    (package / "out").rename(package / "expected")
    with start(package, CLEAN, "--target", "fare", program=("-c", BUILD)) as process:
        process.communicate()
    with start(package, CLEAN, program=("-c", RUN)) as process:
        _, err = process.communicate()
    assert process.returncode == 0, err
    expected, found = Dataset(package / "expected"), Dataset(package / "out")
    assert {path.name for path in found.folder.iterdir()} == {path.name for path in expected.folder.iterdir()}
    for name in ("schema.json", "statistics.json", "origin.json"):
        assert (found.folder / name).read_text("utf-8") == (expected.folder / name).read_text("utf-8")
    assert all(found.rows(split) == expected.rows(split) for split in found.schema.rows)
