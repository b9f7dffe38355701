"""Batch predictions whose model is asked elsewhere: what they write is what a run here writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mlmagic.emulator.batch.server import ModelServer, RefusedError
from mlmagic.errors import MlmagicError
from mlmagic.serving.batch.answers import gather_answers
from mlmagic.serving.batch.arguments import Arguments, parse_arguments
from mlmagic.serving.batch.elsewhere import Prepared, finish, prepare
from mlmagic.spec.batch import BatchResult
from mlmagic.spec.codec import loads
from mlmagic.workspace.layout import ANSWERS, Workspace
from mlmagic.workspace.version_folder import read_version

HOUSES = "id,age,rooms,city\nh1,2.5,3,paris\nh2,1,2,rome\nh2,1,2,rome\n007,10,,oslo\nbad,x,1,rome\n3,4\n"
INPUTS = {
    "houses": ("a.csv", HOUSES),
    "vector": ("a.jsonl", '{"id": 1, "pixels": [1, 0.1, 3]}\n{"id": 2, "pixels": [1, 2]}\n{"id": 3}\n'),
    "answer": ("a.jsonl", '{"x": 1, "s": "é", "b": true}\n{"x": 0.1, "s": "", "b": false}\n'),
    "ragged": ("a.jsonl", '{"s": "a b"}\n{"s": "c"}\n'),
}
Predict = Callable[..., BatchResult]
Elsewhere = Callable[..., Prepared]


def answer(workspace: Workspace, model: str, prepared: Prepared, folder: Path) -> None:
    """Answer the instances as Vertex AI does, in another order."""
    version = read_version(workspace.version(model, 1))
    server = ModelServer(workspace.version(model, 1).root, str(version), version.signature)
    lines = [line for name in prepared.files for line in (folder / name).read_text().splitlines()]
    (folder / ANSWERS).mkdir()
    with (folder / ANSWERS / "prediction.results-00000-of-00001").open("w") as results:
        for line in reversed(lines):
            instance = json.loads(line)
            told = {"key": instance.pop("mlmagic_key")}
            try:
                told["prediction"] = server.predict([instance], None)[0]
            except RefusedError as refused:
                told["error"] = {"code": 3, "message": str(refused)}
            results.write(json.dumps(told) + "\n")


@pytest.fixture
def elsewhere(workspace: Workspace, tmp_path: Path) -> Elsewhere:
    """Predicts as `predict` does, but for who answers."""

    def elsewhere(model: str, files: str, output: str, *words: str) -> Prepared:
        arguments = arguments_of(workspace, model, files, output, *words)
        prepare(arguments, tmp_path / "batch")
        prepared = loads(Prepared, (tmp_path / "batch" / "prepared.json").read_bytes())
        answer(workspace, model, prepared, tmp_path / "batch")
        finish(arguments, tmp_path / "batch")
        return prepared

    return elsewhere


def arguments_of(workspace: Workspace, model: str, files: str, output: str, *words: str) -> Arguments:
    given = ["--model", f"{model}@1", "--workspace", str(workspace.root), "--output", output, *words]
    return parse_arguments([*given, "--workers", "2", "--input", *files.split()])


def tree(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, but for the work of the run."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".parts" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("houses", ("--max-rejected", "3")),
        ("houses", ("--max-rejected", "3", "--columns", "price=prediction,id")),
        ("vector", ("--max-rejected", "2")),
        ("answer", ()),
        ("ragged", ()),
    ],
)
def test_the_files_are_the_same(
    folder: Path, predict: Predict, elsewhere: Elsewhere, model: str, words: tuple[str, ...]
) -> None:
    name, content = INPUTS[model]
    (folder / name).write_text(content)
    predict(model, name, "here", *words)
    elsewhere(model, name, "there", *words)
    assert tree(folder / "there") == tree(folder / "here")
    assert list(tree(folder / "here"))


def test_the_same_row_is_sent_once(folder: Path, elsewhere: Elsewhere) -> None:
    (folder / "a.csv").write_text(HOUSES)
    assert elsewhere("houses", "a.csv", "out.csv", "--max-rejected", "3").instances == 2
    assert len((folder / "out.csv").read_text().splitlines()) == 1 + 3


def test_a_row_without_an_answer_is_rejected(folder: Path, workspace: Workspace, tmp_path: Path) -> None:
    (folder / "a.csv").write_text("id,age,rooms,city\n1,1,1,x\n2,2,2,x\n")
    arguments = arguments_of(workspace, "houses", "a.csv", "out.csv", "--max-rejected", "2", "--columns", "id")
    prepare(arguments, tmp_path / "batch")
    answer(workspace, "houses", Prepared(instances=0), tmp_path / "batch")
    finish(arguments, tmp_path / "batch")
    assert (folder / "out.csv").read_text() == "id\n"
    (errors,) = (folder / "out-errors").glob("*.jsonl")
    assert "the model failed: PredictionError: Vertex AI gave no answer" in errors.read_text()


def test_too_many_rows_that_do_not_fit_are_told_before_anything_is_sent(
    folder: Path, workspace: Workspace, tmp_path: Path
) -> None:
    (folder / "a.csv").write_text(HOUSES)
    with pytest.raises(
        MlmagicError, match=r"3 of 6 rows were rejected: more than --max-rejected 1% allows\."
    ) as raised:
        prepare(arguments_of(workspace, "houses", "a.csv", "out.csv"), tmp_path / "batch")
    assert 'such as age: "x" is not a number' in raised.value.problems
    assert not (tmp_path / "batch" / "prepared.json").exists()
    assert not (folder / "out.csv").exists()


def test_an_output_of_another_run_is_told_before_anything_is_sent(
    folder: Path, workspace: Workspace, predict: Predict, tmp_path: Path
) -> None:
    (folder / "a.csv").write_text("id,age,rooms,city\n1,1,1,x\n")
    predict("houses", "a.csv", "out", "--columns", "id")
    before = tree(folder)
    with pytest.raises(MlmagicError, match="--output out has predictions of another run: of other columns"):
        prepare(arguments_of(workspace, "houses", "a.csv", "out", "--columns", "city"), tmp_path / "batch")
    with pytest.raises(MlmagicError, match=r"--output \. is not an empty folder: it has a\.csv"):
        prepare(arguments_of(workspace, "houses", "a.csv", "."), tmp_path / "batch")
    assert tree(folder) == before
    assert not (tmp_path / "batch").exists()


def test_nothing_to_be_sent(folder: Path, workspace: Workspace, tmp_path: Path) -> None:
    (folder / "a.csv").write_text("id,age,rooms,city\n1,x,1,x\n")
    words = arguments_of(workspace, "houses", "a.csv", "out.csv", "--max-rejected", "1")
    with pytest.raises(MlmagicError, match="no row that fits the model"):
        prepare(words, tmp_path / "batch")


def test_files_that_are_no_answers(tmp_path: Path) -> None:
    path = tmp_path / "prediction.results-00000-of-00001"
    path.write_text('{"key": "a", "prediction": 1}\n{"instance": 1, "prediction": 1}\n')
    with pytest.raises(MlmagicError, match=r"prediction\.results-00000-of-00001, line 2, is no answer of Vertex AI"):
        gather_answers([path], tmp_path / "answers.db")


def test_an_answer_wins_over_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "prediction.results-00000-of-00001"
    path.write_text('{"key": "a", "error": "no"}\n{"key": "a", "prediction": 1}\n{"key": "a", "error": "no"}\n')
    assert gather_answers([path], tmp_path / "answers.db") == 1


def test_each_step_may_be_done_again(folder: Path, workspace: Workspace, elsewhere: Elsewhere, tmp_path: Path) -> None:
    (folder / "a.csv").write_text(HOUSES)
    elsewhere("houses", "a.csv", "out", "--max-rejected", "3")
    before = tree(folder / "out")
    arguments = arguments_of(workspace, "houses", "a.csv", "out", "--max-rejected", "3")
    prepare(arguments, tmp_path / "batch")
    finish(arguments, tmp_path / "batch")
    assert tree(folder / "out") == before


def test_an_input_that_changed_after_it_was_sent(folder: Path, workspace: Workspace, tmp_path: Path) -> None:
    (folder / "a.csv").write_text("id,age,rooms,city\n1,1,1,x\n")
    arguments = arguments_of(workspace, "houses", "a.csv", "out.csv")
    prepare(arguments, tmp_path / "batch")
    (folder / "a.csv").write_text("id,age,rooms,city\n1,2,1,x\n2,2,1,x\n")
    with pytest.raises(MlmagicError, match=r"The input was changed after it was sent to Vertex AI\."):
        finish(arguments, tmp_path / "batch")
