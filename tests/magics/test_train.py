from __future__ import annotations

import sys

import pytest

from mlmagic.errors import JobFailed, UsageError

CELL = "def train(epochs: int = 2):\n    print('epochs', epochs)\n"
GIVEN = {"trainer/__init__.py": "", "trainer/task.py": "import sys\nprint('given', sys.argv[1:])\n"}


def error(run, cell):
    with pytest.raises(UsageError) as caught:
        run(cell)
    return str(caught.value)


@pytest.fixture
def given(folder):
    for name, text in GIVEN.items():
        path = folder / "taxi" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "taxi"


def test_an_empty_body_says_what_goes_there(run):
    assert (
        error(run, "%%train taxi")
        == error(run, "%%train taxi\n\n")
        == (
            "%%train has an empty body.\nBelow the line goes the code that trains, for example\n\n"
            "    %%train taxi\n    def train(epochs=5):\n        model = ...\n"
            "        model.fit(features, target, epochs=epochs)\n        return model"
        )
    )


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%train\nx = 1", "%%train: NAME is missing: the job's display name, and the model's unless --model is given"),
        ("%train taxi", "%train needs --package DIR; to train a cell, it is %%train.\nBelow the line"),
        ("%%train taxi --module a.b\nx = 1", "--module names a module of a given package, and needs --package DIR."),
        ("%%train taxi --package d\nx = 1", "%%train has a body and --package: which of the two is the program?"),
        ("%%train taxi --with df\nx = 1", "the notebook has no name 'df'."),
        ("%%train 3taxi --timeout soon --label A=1\nx = 1", "train cannot take these arguments:\n  - name '3taxi'"),
    ],
)
def test_lines_that_do_not_fit(run, cell, message):
    assert error(run, cell).startswith(message)


def test_dry_run_starts_nothing(run):
    plan = run(f"%%train taxi --dry-run --label team=a -- --epochs 3\n{CELL}")
    assert (plan.spec.display_name, plan.spec.args, plan.spec.labels) == ("taxi", ("--epochs", "3"), {"team": "a"})
    assert plan.spec.invocation == "%%train taxi --dry-run --label team=a -- --epochs 3"
    assert plan.spec.origin.cell_number == 1
    assert len(run("%jobs")) == 0


def test_blocks_have_the_lines_of_the_cell(run):
    plan = run(f"%%train taxi \\\n  --dry-run\n\n{CELL}")
    block = next(block for block in plan.package.source_map.blocks if block.file == "trainer/model.py")
    assert (block.cell_number, block.cell_first_line) == (1, 4)


def test_export_writes_and_starts_nothing(run, folder, capsys):
    run(f"%%train taxi --export 'out put'\n{CELL}")
    assert (folder / "out put" / "trainer" / "task.py").exists()
    assert "To run it: cd 'out put' && python -m trainer.task" in capsys.readouterr().out
    assert len(run("%jobs")) == 0


def test_wait_returns_the_job_ended(run, capsys):
    job = run(f"%%train taxi --wait -- --epochs 7\n{CELL}")
    assert job.state == "SUCCEEDED"
    assert "epochs 7" in job.logs()
    assert "✓ SUCCEEDED  taxi-" in capsys.readouterr().out


def test_into_is_set_though_the_job_fails(run, shell):
    with pytest.raises(JobFailed, match=r"ZeroDivisionError: division by zero \(Cell \[1\], line 3\)") as caught:
        run("%%train taxi --wait --into $job\ndef train():\n    1/0\n")
    assert shell.user_ns["job"] == caught.value.job
    assert shell.user_ns["job"].state == "FAILED"


def test_a_given_package_runs_unmodified(run, given):
    job = run("%train taxi --package taxi --module trainer.task --wait -- --epochs '1 2'")
    assert "given ['--epochs', '1 2']" in job.logs()
    assert job.spec.python == sys.executable


def test_what_is_defined_in_earlier_cells_comes_along(run):
    run("SCALE = 3\ndef double(x):\n    return 2 * x * SCALE")
    job = run("%%train taxi --wait\ndef train(n=2):\n    print('result', double(n))\n")
    assert "result 12" in job.logs()


def test_the_dataset_goes_to_the_program(run, folder):
    pytest.importorskip("pyarrow")
    from support.ride_shards import write_rides

    write_rides(folder / "rides", rows={"train": 60, "eval": 20})
    run("chosen = {'miles': 'numeric'}")
    plan = run(
        "%%train taxi --data ./rides --target seconds --features $chosen --dry-run\ndef build_model(features): pass"
    )
    assert plan.spec.args == ("--data", str(folder / "rides"))
    assert b'target="seconds"' in plan.package.files["trainer/features.py"]


def test_data_is_shipped(run):
    pytest.importorskip("numpy")
    run("import numpy as np\nrows = np.arange(4) + len('x')")
    job = run("%%train taxi --with rows --wait\ndef train():\n    print('sum', rows.sum())\n")
    assert "sum 10" in job.logs()
