"""From files and a cell to a plan of a preprocessing job."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest

from mlmagic.api.preprocessing import PreprocessingPlan, plan_preprocessing, preprocess
from mlmagic.errors import CellError, MissingDependencyError, UsageError
from mlmagic.session import NotebookContext, Session
from mlmagic.source.history import Cell
from mlmagic.spec.job import JobKind
from mlmagic.spec.package import CellShape

CLEAN = "import pandas as pd\n\ndef clean(batch: pd.DataFrame):\n    return batch[batch.fare > LEAST]\n"


@pytest.fixture
def plan(session: Session, folder: Path):
    """Plan with a file that is there."""
    (folder / "rides.csv").write_text("id,fare\n1,2.5\n")

    def make(**arguments: object) -> PreprocessingPlan:
        return plan_preprocessing("rides", **{"input": "rides.csv", "session": session} | arguments)

    return make


def clean_row(row):
    """A function of a module."""
    return row if row["fare"] > FARE else None


FARE = 2.5


def test_what_is_asked_for_stands_in_the_spec(plan, folder: Path) -> None:
    spec = plan(target="fare", labels={"team": "a"}, timeout="15m", args=["--no_pipeline_type_check"]).spec
    assert (spec.kind, spec.dataset, spec.model) == (JobKind.PREPROCESSING, "rides", None)
    assert spec.args == ("--input", "rides.csv", "--target", "fare", "--", "--no_pipeline_type_check")
    assert (spec.flags["input"], spec.flags["target"]) == ("rides.csv", "fare")
    assert (spec.timeout_seconds, spec.working_directory) == (900, str(folder))
    assert spec.package.module == "preprocessor.task"
    assert spec.package.cold_reason == "it imports neither tensorflow nor keras"


def test_mappings_and_lists_become_words(plan) -> None:
    args = plan(
        split={"eval": date(2013, 11, 1)}, split_time="start", types={"zip": "string"}, null_values=["-", "?"],
        column_names=("id", "fare"), header=False, max_rejected=0.02, delimiter="|", workers=2,
    ).spec.args  # fmt: skip
    assert args[2:] == (
        *("--split", "eval=2013-11-01", "--split-time", "start", "--max-rejected", "2%", "--column-names", "id,fare"),
        *("--types", "zip=string", "--delimiter", "|", "--null-values=-,?", "--workers", "2", "--no-header"),
    )


@pytest.mark.parametrize(("limit", "word"), [(0.015, "1.5%"), (7, "7"), ("3%", "3%"), (0.0, "0%"), (100.0, "100")])
def test_limits(plan, limit: object, word: str) -> None:
    assert plan(max_rejected=limit).spec.args[2:] == ("--max-rejected", word)


def test_there_are_as_many_threads_as_cores(plan) -> None:
    spec = plan(cores=2.5).spec
    assert (spec.args[2:], spec.resources.cores) == (("--workers", "2"), 2.5)
    assert plan(cores=2, workers=64).spec.args[2:] == ("--workers", "64")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"split": "train=0.8,eval=0.1"}, "--split train=0.8,eval=0.1: the fractions add up to 0.9, not to 1"),
        ({"split": "eval=1"}, "--split eval=1: there is no split `train`"),
        ({"split": 0.8}, "split must be a mapping or a text such as 'a=b,c=d', not float 0.8."),
        ({"target": "fare", "key": "fare"}, "--key fare: it is the target already"),
        ({"target": 7}, "target must be a text, not int 7."),
        ({"max_rejected": "many"}, "--max-rejected many: it takes a percentage"),
        ({"max_rejected": True}, "max_rejected must be such as '1%', 0.01 or 1000, not bool True."),
        ({"workers": 0}, "workers must be a whole number from 1, not int 0."),
        ({"types": ["string"]}, "types must be a mapping or a text"),
        ({"column_names": ["a,b"]}, "column_names: 'a,b' has a comma, which keeps the parts of the flag apart."),
        ({"column_names": [1]}, "column_names must be a list of texts, not list [1]."),
        ({"features": "features.yaml"}, "features: there is no file 'features.yaml'."),
        ({"features": 3}, "features must be a mapping or a file's path, not int 3."),
        (
            {"runner": "dataflw"},
            "runner 'dataflw' is none of local and dataflow, nor one of Beam's, such as FlinkRunner.",
        ),
        ({"output": "here"}, "output 'here' is for --runner dataflow and its like"),
        ({"source": "x", "cell": Cell(source="y")}, "give the code once, as source or in the cell."),
        ({"source": 3}, "source must be a cell's text or a function, not int 3."),
        ({"source": test_limits}, "the function must be called clean or clean_row; it is called test_limits."),
        ({"backend": "google", "runner": "FlinkRunner"}, "runner 'FlinkRunner' is none of Google Cloud's: there it is"),
        ({"timeout": "soon"}, "timeout 'soon' is no duration"),
    ],
)
def test_arguments_that_do_not_fit(plan, arguments: dict[str, object], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(**arguments)
    assert problem in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(plan) -> None:
    with pytest.raises(UsageError) as caught:
        plan(input="ride.csv", split="train=2", max_rejected="x", timeout="soon", labels={"A": "b"})
    assert caught.value.message == "preprocess cannot take these arguments:"
    assert [problem.split(" ")[0] for problem in caught.value.problems] == [
        *("there", "--split", "--max-rejected", "labels", "timeout"),
    ]


def test_a_cell_takes_along_what_it_needs(plan, session: Session) -> None:
    earlier = Cell(source="LEAST = 2.5\nOTHER = 1\n", number=3)
    session.notebook = lambda: NotebookContext(cells=(earlier,))
    package = plan(cell=Cell(source=CLEAN, number=4, first_line=2)).package
    text = package.files["preprocessor/cell.py"].decode()
    assert "# Cell [3]\nLEAST = 2.5\n" in text
    assert "OTHER" not in text
    assert package.shape is CellShape.PREPROCESS
    assert {block.cell_number for block in package.source_map.blocks} == {3, 4}


def test_a_function_takes_along_what_its_module_has(plan) -> None:
    text = plan(source=clean_row).package.files["preprocessor/cell.py"].decode()
    assert "def clean_row(row):" in text
    assert "FARE = 2.5" in text


def test_a_declaration_comes_beside_the_cell(plan, folder: Path) -> None:
    (folder / "f.yaml").write_text("fare: numeric\n")
    wanted = b'{\n  "fare": "numeric"\n}\n'
    for arguments in ({"features": {"fare": "numeric"}}, {"features": "f.yaml"}, {"source": "fare: numeric"}):
        assert plan(**arguments).package.files["preprocessor/features.json"] == wanted
    assert "preprocessor/features.json" not in plan().package.files


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("def clean(a, b):\n    return a", CellError, "`clean` (Cell [ ], line 1) needs 2 arguments (a, b)"),
        ("features = {'fare': 'numeric'}", CellError, "Cell [ ], line 1: fare: fare is the target"),
        (
            "fare: numeric",
            UsageError,
            "the features cannot be used as they are declared:\n  - fare: fare is the target",
        ),
        ("def clean(b):\n    return b[lost]", CellError, "lost"),
    ],
)
def test_cells_that_do_not_fit(plan, source: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        plan(source=source, target="fare")
    assert message in str(caught.value)


@pytest.mark.parametrize("source", ["features = {'id': 'hashed'}", "id: hashed"])
def test_features_are_declared_once(plan, source: str) -> None:
    with pytest.raises(UsageError, match="features are declared twice, in the cell and beside it"):
        plan(source=source, features={"id": "hashed"})


def test_a_plan_starts_and_writes_nothing(plan, folder: Path) -> None:
    made = plan(input=["rides.csv", pd.DataFrame({"fare": [1.0]})], target="fare")
    told = str(made)
    assert [path.name for path in folder.iterdir()] == ["rides.csv"]
    assert "preprocessing/, spec/, statistics/  (" in told
    assert "preprocessor/cell.py\n1 │" in told
    assert made.command[:5] == ("python", "-m", "preprocessor.task", "--input", str(folder / "rides.csv"))
    assert made.command[-2:] == ("--output", "rides")


def test_dataflow_is_told_with_what_is_left_open(plan) -> None:
    command = plan(workers=2).dataflow_command
    assert command[3:] == (
        *("--input", "gs://BUCKET/rides.csv", "--runner", "dataflow", "--output", "gs://BUCKET/datasets/rides"),
        *("--", "--project=PROJECT", "--region=us-central1", "--temp_location=gs://BUCKET/temp"),
    )


@pytest.mark.parametrize("words", [{"runner": "dataflow"}, {"backend": "google"}])
def test_dataflow_needs_its_client(plan, monkeypatch: pytest.MonkeyPatch, words: dict[str, str]) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(MissingDependencyError, match="Beam's client for Google Cloud"):
        plan(**words)


def test_dataflow_needs_a_bucket_and_a_project(plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "1")
    with pytest.raises(UsageError) as caught:
        plan(runner="dataflow", args=["--project=p"])
    for part in ("--region", "--temp_location", "--output gs://", "not files of this machine: rides.csv"):
        assert part in str(caught.value)


def test_the_kernel_imports_neither_beam_nor_arrow(plan, folder: Path) -> None:
    code = (
        "import sys, mlmagic.api.preprocessing as p\n"
        "print(p.plan_preprocessing('rides', input='rides.csv', source='fare: numeric').spec.dataset)\n"
        "print([name for name in ('apache_beam', 'pyarrow', 'numpy', 'pandas') if name in sys.modules])\n"
    )
    plan()
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert told == "rides\n[]\n"


def test_submitting_writes_the_frames_first(session: Session, folder: Path) -> None:
    job = preprocess("rides", input=pd.DataFrame({"fare": [1.0]}), session=session)
    assert job.spec.kind is JobKind.PREPROCESSING
    assert Path(job.spec.args[1]).exists()
