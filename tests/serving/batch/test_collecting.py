"""The pipeline as workers elsewhere run it, with folders in place of the bucket; and what is brought here of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mlmagic.errors import MlmagicError, UsageError
from mlmagic.serving.batch.arguments import Sending, parse_arguments
from mlmagic.serving.batch.collecting import collect
from mlmagic.serving.batch.elsewhere import main as elsewhere
from mlmagic.serving.batch.main import Failed, main
from mlmagic.spec.batch import BatchResult
from mlmagic.workspace.layout import Workspace

pytestmark = pytest.mark.timeout(300)
Away = Callable[..., BatchResult]
HOUSES = "id,age,rooms,city\nh1,2.5,3,paris\nbad,x,1,rome\nh2,1,2,rome\n"


def words_of(workspace: Workspace, files: str, output: str) -> list[str]:
    given = ["--model", "houses@1", "--workspace", str(workspace.root), "--output", output, "--runner", "dataflow"]
    return [*given, "--max-rejected", "1", "--input", *files.split()]


@pytest.fixture
def predict_away(folder: Path, workspace: Workspace) -> Callable[..., Path]:
    """Run the pipeline of `houses`, with a folder as the bucket, and return the one above it."""

    def predict_away(files: str, output: str) -> Path:
        import apache_beam as beam
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        from mlmagic.serving.batch.dataflow import put

        (folder / "fetched").mkdir(exist_ok=True)
        sending = Sending(
            artifact=str(workspace.version("houses", 1).root),
            parts=str(folder / "fetched/answers"),
            submitted="",
            beam=(),
        )
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            put(pipeline, parse_arguments(words_of(workspace, files, output)), sending)
        (folder / "fetched/names.json").write_text(json.dumps({"a.csv": "/mine/a.csv"}))
        return folder / "fetched"

    return predict_away


@pytest.mark.parametrize("output", ["csv", "jsonl", "parquet", ""])
def test_it_leaves_what_a_run_here_leaves(folder: Path, predict, predict_away, workspace, output: str) -> None:
    (folder / "a.csv").write_text(HOUSES)
    here, there = (f"{name}.{output}" if output else name for name in ("here", "there"))
    expected = predict("houses", "a.csv", here, "--max-rejected", "1")
    result = collect(parse_arguments(words_of(workspace, "a.csv", there)), predict_away("a.csv", there))
    assert (result.read, result.written, result.rejected) == (3, 2, expected.rejected)
    assert result.samples[0].file == "/mine/a.csv"
    names = sorted(path.name for path in Path(there).iterdir()) if not output else []
    assert names in ([], [".parts", "errors", "predictions-00000-of-00001.csv"])
    shards = (Path(each) / (names[-1] if names else "") for each in (here, there))
    assert next(shards).read_bytes() == next(shards).read_bytes()


def test_what_was_brought_in_part_is_brought_again(folder: Path, predict_away, workspace) -> None:
    (folder / "a.csv").write_text(HOUSES)
    fetched = predict_away("a.csv", "out.csv")
    (shard,) = (fetched / "answers").glob("predictions-*")
    shard.rename(folder / "kept")
    words = words_of(workspace, "a.csv", "out.csv")
    with pytest.raises(FileNotFoundError):
        collect(parse_arguments(words), fetched)
    assert not (folder / "out.csv").exists()
    (folder / "kept").rename(shard)
    elsewhere(["finish", str(fetched), *words])
    assert (folder / "out.csv").read_text().splitlines()[1:] == ["h1,2.5,3,paris,6.5", "h2,1,2,rome,4"]
    assert '"file":"/mine/a.csv"' in (folder / "out-errors/errors-00000-of-00001.jsonl").read_text()


def test_a_limit_counts_as_here_and_nothing_is_predicted_twice(folder: Path, predict_away, workspace) -> None:
    (folder / "a.csv").write_text(HOUSES)
    fetched, words = predict_away("a.csv", "out.csv"), words_of(workspace, "a.csv", "out.csv")
    with pytest.raises(MlmagicError, match="1 of 3 rows were rejected: more than --max-rejected 0 allows"):
        collect(parse_arguments([*words, "--max-rejected", "0"]), fetched)
    for path in (fetched / "answers").iterdir():
        path.unlink()
    predict_away("a.csv", "out.csv")
    assert [path.name for path in (fetched / "answers").iterdir()] == ["manifest.json"]
    assert collect(parse_arguments(words), fetched).written == 2


def test_an_output_that_is_taken_is_told_before_anything_is_sent(folder: Path, predict_away) -> None:
    (folder / "a.csv").write_text(HOUSES)
    (folder / "out").mkdir()
    (folder / "out/mine.txt").write_text("text")
    with pytest.raises(UsageError, match=r"--output out is not an empty folder: it has mine\.txt"):
        predict_away("a.csv", "out")


def test_by_hand_it_says_who_sends_it(workspace: Workspace) -> None:
    with pytest.raises(Failed, match="--runner dataflow: the backend brings such a job to Dataflow"):
        main(words_of(workspace, "a.csv", "out"))
