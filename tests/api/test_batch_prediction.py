"""What a batch prediction would do, and what is wrong with its arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlmagic.api.batch_prediction import plan_predict_files, predict_files
from mlmagic.api.batch_words import name_target, read_columns, text_types
from mlmagic.api.program_arguments import check_program_arguments
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.dataset import Column, ColumnType, DatasetSchema
from mlmagic.spec.job import JobKind
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec

SCHEMA = DatasetSchema(
    target="fare",
    columns=(
        Column(name="pickup", type=ColumnType.TIMESTAMP),
        Column(name="vendor", type=ColumnType.STRING),
        Column(name="fare", type=ColumnType.FLOAT),
    ),
)


def version(*outputs: TensorSpec) -> ModelVersion:
    inputs = tuple(TensorSpec(name=name, dtype="string", shape=(None,)) for name in ("pickup", "vendor"))
    signature = Signature(inputs=inputs, outputs=outputs or (TensorSpec(name="tip", dtype="float32", shape=(None,)),))
    return ModelVersion(model="taxi", number=1, create_time=datetime(2026, 1, 1, tzinfo=UTC), signature=signature)


def test_a_plan_says_what_runs(session: Session, register: Callable[..., ModelVersion], folder: Path) -> None:
    register("taxi")
    (folder / "test.csv").write_text("x\n1\n")
    plan = plan_predict_files(
        "taxi", inputs="test.csv", output="out.csv", columns="id,fare=prediction", max_rejected=0.05, session=session
    )
    assert (plan.spec.kind, plan.spec.display_name) == (JobKind.BATCH_PREDICTION, "taxi-predictions")
    home = str(session.location.root)
    assert plan.spec.args == (
        *("--model", "taxi@1", "--workspace", home, "--input", "test.csv", "--max-rejected", "5%"),
        *("--output", "out.csv", "--columns=id,fare=prediction"),
    )
    assert plan.spec.flags["model"] == "taxi@1"
    assert f"--input {folder}/test.csv" in str(plan).replace(" \\\n   ", "")
    assert (plan.command[-3:-1], plan.spec.model) == (("--output", f"{folder}/out.csv"), None)


def test_the_package_is_exported(
    session: Session, register: Callable[..., ModelVersion], folder: Path, tmp_path: Path
) -> None:
    register("taxi")
    (folder / "test.csv").write_text("x\n1\n")
    plan = plan_predict_files("taxi", inputs="test.csv", output="out/", session=session)
    plan.export(tmp_path / "package")
    task = (tmp_path / "package/predictor/task.py").read_text()
    assert "from mlmagic.serving.batch.main import main" in task
    assert "a batch prediction as predictor.task: 5 files" in str(plan)


def test_all_that_is_wrong_is_told_at_once(session: Session, folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        plan_predict_files(
            "ta xi",
            inputs="none.csv",
            output="out.xlsx",
            columns=["id", "id"],
            max_rejected="many",
            engine="fast",
            workers=0,
            priority=1.5,  # type: ignore[arg-type]
            session=session,
        )
    told = str(caught.value)
    assert told.startswith("predict cannot take these arguments:\n")
    for part in (
        "model name 'ta xi' cannot be used",
        "there is no file 'none.csv'",
        "workers must be a whole number from 1, not int 0",
        "--columns id,id: id stands there twice",
        "--engine fast: it is one of auto, session, onnx",
        "priority must be a whole number, not float 1.5",
    ):
        assert part in told


def test_outputs_and_limits_are_checked(session: Session, folder: Path) -> None:
    (folder / "test.csv").write_text("x\n1\n")
    for output, told in (
        ("out.xlsx", "files of predictions end in .csv, .jsonl or .parquet"),
        ("gs://bucket/out", "a folder or a file of this machine is needed"),
        ("test.csv/", "is a file; name a folder"),
        (None, "output is missing: name a folder"),
        (3, "output must be a path, not int 3"),
    ):
        with pytest.raises(UsageError) as caught:
            plan_predict_files("taxi", inputs="test.csv", output=output, session=session)  # type: ignore[arg-type]
        assert told in str(caught.value)


def test_a_model_that_is_not_there(session: Session, folder: Path) -> None:
    (folder / "test.csv").write_text("x\n1\n")
    with pytest.raises(NotFoundError, match="there is no model 'taxi'"):
        predict_files("taxi", inputs="test.csv", output="out", wait=False, session=session)


def test_columns_in_their_spellings() -> None:
    assert read_columns("id, fare=tip") == ("id", "fare=tip")
    assert read_columns({"id": "key"}) == ("id=key",)
    assert read_columns(["id"]) == ("id",)
    with pytest.raises(UsageError, match="columns must be such as"):
        read_columns(3)


def test_the_target_means_the_prediction() -> None:
    columns = ("id", "fare")
    assert name_target(columns, version(), SCHEMA) == ("id", "fare=tip")
    assert name_target(columns, version(), None) == columns
    vector = TensorSpec(name="prediction", dtype="float32", shape=(None, 2))
    label = TensorSpec(name="label", dtype="string", shape=(None,))
    assert name_target(columns, version(vector, label), SCHEMA) == ("id", "fare=label")
    with pytest.raises(UsageError, match=r"predicts fare as prediction_0, prediction_1: say which is meant, such as"):
        name_target(columns, version(vector), SCHEMA)


def test_a_prediction_called_as_the_target_stays() -> None:
    fare = TensorSpec(name="fare", dtype="float32", shape=(None, 1))
    assert name_target(("fare",), version(fare), SCHEMA) == ("fare",)


def test_texts_keep_the_types_of_the_dataset() -> None:
    assert text_types(version(), SCHEMA) == "pickup=timestamp"
    assert text_types(version(), None) is None
    assert text_types(dataclasses.replace(version(), signature=None), SCHEMA) is None


def test_a_rerun_checks_its_words(session: Session, register: Callable[..., ModelVersion], folder: Path) -> None:
    register("taxi")
    (folder / "test.csv").write_text("x\n1\n")
    plan = plan_predict_files("taxi", inputs=["test.csv"], output="out.csv", session=session)
    check_program_arguments(plan.package, plan.spec.args)
    with pytest.raises(UsageError, match="unrecognized arguments: --colums"):
        check_program_arguments(plan.package, (*plan.spec.args, "--colums", "a"))


def test_a_runner_of_beam_is_told_to_the_program(
    session: Session, register: Callable[..., ModelVersion], folder: Path
) -> None:
    register("taxi")
    (folder / "test.csv").write_text("x\n1\n")
    plan = plan_predict_files("taxi", inputs="test.csv", output="out", runner="direct", session=session)
    assert plan.spec.args[-2:] == ("--runner", "direct")
    assert plan.spec.backend == session.backend_name
    assert plan.package.cold_reason == "it runs a pipeline of Beam, which is not kept warm"
    assert plan.package.requirements[0].startswith("mlmagic[beam,serve,tensorflow]==")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"runner": "flink"}, "runner 'flink' is none of direct and dataflow."),
        (
            {"runner": "dataflow", "backend": "local"},
            "runner 'dataflow' needs Google Cloud, and the backend is 'local'.",
        ),
        (
            {"runner": "direct", "backend": "emulator"},
            "runner 'direct' keeps the job on this machine: leave out --backend emulator.",
        ),
    ],
)
def test_runners_that_do_not_fit_are_told(
    session: Session, register: Callable[..., ModelVersion], folder: Path, words: dict[str, str], told: str
) -> None:
    register("taxi")
    (folder / "test.csv").write_text("x\n1\n")
    with pytest.raises(UsageError) as caught:
        plan_predict_files("taxi", inputs="test.csv", output="out", session=session, **words)
    assert told in str(caught.value)
