"""From a program to a plan, and from a plan to a job."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from mlmagic.api.training import plan_training, train
from mlmagic.errors import CellError, JobFailed, PackageError, UsageError
from mlmagic.session import NotebookContext, Session
from mlmagic.source.history import Cell
from mlmagic.spec.job import JobState

SOURCE = "EPOCHS = 2\nprint('epochs', EPOCHS)\n"


@pytest.fixture
def local(tmp_path: Path) -> Session:
    """A session whose jobs are processes."""
    return Session(environ={}, start=tmp_path)


def test_a_plan_starts_and_writes_nothing(local: Session, tmp_path: Path) -> None:
    plan = plan_training("taxi", source=SOURCE, args=["--epochs", "3"], session=local)
    assert plan.spec.display_name == plan.spec.model == "taxi"
    assert plan.spec.python == sys.executable
    assert plan.command == ("python", "-m", "trainer.task", "--epochs", "3")
    assert plan.worker_pool_specs[0]["pythonPackageSpec"]["args"] == ["--epochs", "3"]
    assert plan.gcloud_command[0] == "gcloud"
    assert plan.document is None
    assert "trainer.task" in str(plan)
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_for_stands_in_the_spec(session: Session) -> None:
    spec = plan_training(
        "taxi", source=SOURCE, model="cab", set_default=True, labels={"team": "a"}, timeout="15m", session=session
    ).spec
    assert (spec.model, spec.set_default, spec.labels) == ("cab", True, {"team": "a"})
    assert (spec.timeout_seconds, spec.backend) == (900, "memory")


def test_how_it_is_to_run_stands_in_the_spec(session: Session) -> None:
    spec = plan_training(
        "taxi",
        source=SOURCE,
        args=["--epochs", "3"],
        scale_tier="standard-1",
        priority=-2,
        max_retries=3,
        session=session,
    ).spec
    assert (spec.resources.scale_tier, spec.priority, spec.max_retries) == ("STANDARD_1", -2, 3)
    assert spec.flags == {"epochs": "3"}
    assert {"python", "mlmagic"} <= spec.versions.keys()


def test_a_file_describes_the_job_and_arguments_win(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("scaleTier: STANDARD_1\nargs: [--epochs, 7]\nregion: us-east1\nlabels: {team: a}\n")
    plan = plan_training("taxi", source=SOURCE, config=file, labels={"cost": "low"}, session=session)
    assert (plan.spec.args, plan.spec.labels) == (("--epochs", "7"), {"team": "a", "cost": "low"})
    assert "`region` of the configuration means nothing on this machine" in str(plan)
    assert plan_training("taxi", source=SOURCE, config=file, args=["--epochs=1"], session=session).spec.flags == {
        "epochs": "1"
    }


def test_a_program_that_does_not_know_of_its_replicas_is_told_of(local: Session) -> None:
    alone = plan_training("taxi", source=SOURCE, replicas="chief=1,worker=1", session=local)
    assert "each of the 2 replicas runs the whole program by itself" in alone.notes[-1]
    together = plan_training(
        "taxi", source=f"from trainer.loop import fit\n{SOURCE}", replicas="worker=1", session=local
    )
    assert not any("by itself" in note for note in together.notes)


def test_all_that_cannot_be_is_told_at_once(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        plan_training("taxi", source=SOURCE, replicas="boss=2", max_retries=-1, scale_tier="huge", session=session)
    assert len(caught.value.problems) == 3
    assert "max_retries -1 must be 0 or more." in str(caught.value)


def test_train_has_the_signature_of_its_plan() -> None:
    assert inspect.signature(train) == inspect.signature(plan_training)
    assert "priority: a waiting job" in (train.__doc__ or "")


def test_a_program_runs_with_its_arguments(local: Session) -> None:
    job = train("taxi", source=SOURCE, args=["--epochs", "3"], session=local).wait()
    assert job.state is JobState.SUCCEEDED
    assert "epochs 3" in job.logs()


def test_a_failure_points_at_the_cell(local: Session) -> None:
    cell = Cell(source="x = 0\n1 / x\n", number=5, cell_id="c5", first_line=2)
    with pytest.raises(JobFailed) as caught:
        train("taxi", cell=cell, session=local).wait()
    assert (
        str(caught.value)
        .splitlines()[0]
        .endswith("failed with exit code 1: ZeroDivisionError: division by zero (Cell [5], line 3)")
    )
    assert caught.value.job.spec.origin.cell_id == "c5"


def test_the_notebook_gives_what_the_program_needs(session: Session) -> None:
    cells = (Cell(source="import math\ndef area(r):\n    return math.pi * r\n", number=1),)
    session.notebook = lambda: NotebookContext(cells=cells, notebook="n.ipynb")
    plan = plan_training("taxi", source="print(area(2))", session=session)
    model = plan.package.files["trainer/model.py"].decode()
    assert "def area(r):" in model
    assert plan.spec.origin.notebook == "n.ipynb"


def test_a_frame_is_shipped(session: Session) -> None:
    ship = {"trips": pd.DataFrame({"a": [1, 2]})}
    plan = plan_training("taxi", source="print(len(trips))", ship=ship, session=session)
    assert [name for name in plan.package.files if name.startswith("trainer/data/trips")]


def test_a_package_is_exported(session: Session, tmp_path: Path) -> None:
    plan = plan_training("taxi", source=SOURCE, session=session)
    written = plan.export(tmp_path / "out")
    assert tmp_path / "out" / "trainer" / "task.py" in written
    result = subprocess.run(
        [sys.executable, *plan.command[1:]], cwd=tmp_path / "out", check=True, capture_output=True, text=True
    )
    assert result.stdout == "epochs 2\n"


def test_a_given_package_is_run_as_it_is(session: Session, tmp_path: Path) -> None:
    (tmp_path / "trainer").mkdir()
    for name in ("__init__", "task"):
        (tmp_path / "trainer" / f"{name}.py").write_text("")
    plan = plan_training("taxi", package=tmp_path / "trainer", session=session)
    assert plan.package.shape == "given"
    with pytest.raises(PackageError):
        plan_training("taxi", package=tmp_path / "trainer", module="trainer.nothing", session=session)


def test_a_function_of_a_script_brings_what_its_file_has(folder: Path) -> None:
    script = """
        import mlmagic
        SCALE = 3
        def scaled(x):
            return x * SCALE
        def train(steps: int = 2):
            print("result", scaled(steps))
        if __name__ == "__main__":
            print(mlmagic.train("taxi", source=train, args=["--steps", "5"]).wait().logs())
    """
    (folder / "script.py").write_text(textwrap.dedent(script))
    result = subprocess.run([sys.executable, "script.py"], check=False, capture_output=True, text=True)
    assert "result 15" in result.stdout, result.stderr


def test_functions_that_cannot_be_packaged_are_told(session: Session) -> None:
    def fit() -> None: ...

    limit = 5

    def inner() -> int:
        return limit

    inner.__name__ = "train"
    with pytest.raises(
        UsageError, match=r"the function must be called train or build_model, as in a %%train cell; it is called fit."
    ):
        plan_training("taxi", source=fit, session=session)
    with pytest.raises(UsageError, match=r"train uses variables of an enclosing function \(limit\)"):
        plan_training("taxi", source=inner, session=session)
    with pytest.raises(UsageError, match=r"source must be a program's text or a function, not int 5"):
        plan_training("taxi", source=5, session=session)


def test_a_program_is_given_once(session: Session) -> None:
    with pytest.raises(UsageError, match=r"give the program once, as source .*; given: none."):
        plan_training("taxi", session=session)
    with pytest.raises(UsageError, match=r"given: source and package."):
        plan_training("taxi", source="", package=".", session=session)


def test_all_wrong_arguments_are_told_at_once(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        plan_training("my taxi", source="", timeout="soon", labels={"A": "b"}, model="x y", args="--a", session=session)
    assert caught.value.message == "train cannot take these arguments:"
    assert [problem.split(" cannot")[0].split(" ")[0] for problem in caught.value.problems] == [
        "name",
        "model",
        "args",
        "labels",
        "timeout",
    ]


def test_a_syntax_error_is_the_cells(session: Session) -> None:
    with pytest.raises(CellError):
        plan_training("taxi", source="def broken(:", session=session)
