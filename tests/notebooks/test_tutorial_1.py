"""Tutorial 1, run from top to bottom as a reader runs it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from mlmagic.session import Session

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks/01-from-a-cell-to-a-prediction.ipynb"
# What the reader sees rounded, and the tests want exactly.
ASKED = "import json; print(json.dumps({'errors': errors, 'predictions': predictions['delay'].tolist()}))"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Run:
    """The executed notebook and the workspace that it left."""

    cells: dict[str, Any]
    workspace: Path

    def text(self, cell_id: str) -> str:
        """All that the cell shows in a terminal."""
        shown = []
        for output in self.cells[cell_id].outputs:
            data = output.get("data", {})
            shown.append(output.get("text") or output.get("evalue") or data.get("text/plain", ""))
        return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(shown))

    def error(self, cell_id: str) -> str | None:
        return next((output.ename for output in self.cells[cell_id].outputs if output.output_type == "error"), None)

    @property
    def session(self) -> Session:
        return Session(environ={"MLMAGIC_HOME": str(self.workspace)}, start=self.workspace.parent)

    @property
    def asked(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.text("asked"))
        return answer


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tutorial")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(ASKED, id="asked"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLMAGIC_HOME", str(folder / ".mlmagic"))
        client = NotebookClient(
            notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        client.execute()
    return Run({cell.id: cell for cell in notebook.cells}, folder / ".mlmagic")


def answers(table: str) -> list[float]:
    """The last column of a DataFrame's text."""
    return [float(line.split()[-1]) for line in table.splitlines()[1:]]


def test_only_the_cells_that_should_fail_do(run: Run) -> None:
    failed = {cell_id for cell_id, cell in run.cells.items() if cell.cell_type == "code" and run.error(cell_id)}
    assert failed == {"live", "fail"}


def test_the_plot_is_a_picture(run: Run) -> None:
    assert any("image/png" in output.get("data", {}) for output in run.cells["plot"].outputs)


def test_the_dry_run_shows_what_the_cell_needs_and_nothing_else(run: Run) -> None:
    shown = run.text("dry-run")
    assert all(part in shown for part in ("trainer/model.py", "def split(", "def read_flights(", "--quantile"))
    assert "matplotlib" not in shown
    assert "typical-delay" not in run.text("jobs"), "nothing was started"


def test_a_live_object_is_refused_with_its_name_and_type(run: Run) -> None:
    assert run.error("live") == "LiveObjectError"
    assert "flights" in run.text("live")
    assert "DataFrame" in run.text("live")


def test_the_job_is_followed_to_its_end(run: Run) -> None:
    assert "SUCCEEDED" in run.text("wait")
    assert "Epoch 2/2" in run.text("logs")
    assert "sched_minutes" in run.text("describe")


def test_predictions_are_finite_and_beat_every_guess(run: Run) -> None:
    *guesses, first, second = run.asked["errors"].values()
    assert all(map(math.isfinite, run.asked["predictions"]))
    assert max(first, second) < min(guesses)


def test_flights_that_never_took_place_and_gaps_get_answers_too(run: Run) -> None:
    on_time, late = answers(run.text("json"))
    assert on_time + 30 < late
    assert len(answers(run.text("gaps"))) == 3
    assert all(map(math.isfinite, answers(run.text("gaps"))))


def test_two_versions_are_kept_and_the_second_was_made_the_default(run: Run) -> None:
    models = run.session.models
    assert [version.number for version in models.versions("flights")] == [1, 2]
    assert models.get("flights").aliases["default"] == 2


def test_every_job_left_its_record(run: Run) -> None:
    jobs = run.session.backend().list()
    assert [(job.display_name, job.state.value) for job in jobs] == [
        ("typical-delay", "FAILED"),
        ("flights", "SUCCEEDED"),
        ("flights", "SUCCEEDED"),
    ]


def test_the_failure_points_at_the_cell_and_line(run: Run) -> None:
    number = run.cells["fail"].execution_count
    assert run.error("fail") == "JobFailed"
    assert f"Cell [{number}], line 4" in run.text("fail")
    assert "KeyError: 'arrival_delay'" in run.text("fail")
