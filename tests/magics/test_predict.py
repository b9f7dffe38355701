from __future__ import annotations

import pytest

from mlmagic.api import prediction
from mlmagic.errors import NotFoundError, NoVersionError, UsageError


@pytest.fixture
def asked(monkeypatch):
    """What the api was asked; it answers after a wait."""
    calls = []

    def answer(model, instances=None, *, file=None, join, direct, on_wait):
        calls.append((model, instances if file is None else f"the file {file}", *["alone"] * (not join)))
        on_wait(f"{model} has no version yet: waiting for taxi-1 (RUNNING).")
        return "answers"

    monkeypatch.setattr(prediction, "predict", answer)
    return calls


def test_data_from_a_variable_or_an_expression(run, shell, asked):
    shell.user_ns["rows"] = [{"a": 1}, {"a": 2}]
    assert run("%predict taxi@2 $rows") == "answers"
    run("%predict taxi {rows[1:]} --into out")
    assert asked == [("taxi@2", [{"a": 1}, {"a": 2}]), ("taxi", [{"a": 2}])]
    assert shell.user_ns["out"] == "answers"


def test_data_from_the_body(run, asked):
    run('%%predict taxi\n[{"a": 1}]\n')
    assert asked == [("taxi", '[{"a": 1}]\n')]


def test_data_from_a_file_and_predictions_alone(run, asked):
    run("%predict taxi new-trips.csv")
    run("%predict taxi {[1]} --no-join")
    assert asked == [("taxi", "the file new-trips.csv"), ("taxi", [1], "alone")]


def test_waiting_is_said_once(run, asked, capsys):
    run("x = %predict taxi {[1]}")
    assert capsys.readouterr().out == "taxi has no version yet: waiting for taxi-1 (RUNNING).\n"


@pytest.mark.parametrize(
    ("cell", "what"),
    [("%predict taxi", "has no instances"), ("%%predict taxi", "has no instances"),
     ("%predict taxi a.csv --input b.csv", "has instances more than once"),
     ("%%predict taxi {[1]}\n[1]", "has instances more than once")],
)  # fmt: skip
def test_instances_once(run, cell, what):
    with pytest.raises(UsageError) as caught:
        run(cell)
    assert str(caught.value) == (
        f"%predict {what}.\nFrom a variable: %predict taxi $data. From a file: %predict taxi data.csv. Typed: "
        "%%predict taxi, and JSON, YAML or CSV below it."
    )


def test_a_forgotten_dollar(run):
    with pytest.raises(UsageError, match=r"rows is a variable of the notebook: write %predict taxi \$rows"):
        run("rows = [1]\n%predict taxi rows")


def test_unknown_models(run):
    with pytest.raises(NotFoundError, match="there is no model 'taxi'"):
        run("%predict taxi {[1]}")


def test_a_model_without_version_says_why(run):
    run("%%train taxi --wait\nprint(1)\n")
    with pytest.raises(NoVersionError, match="taxi has no version"):
        run("%predict taxi {[1]}")


def test_several_files_are_the_work_of_a_job(run):
    with pytest.raises(UsageError) as caught:
        run("%predict taxi --input a.csv b.csv")
    assert "%predict takes one file at a time." in str(caught.value)
    assert "as a job: add --output FOLDER." in str(caught.value)


def test_flags_of_a_job_need_an_output(run):
    with pytest.raises(UsageError) as caught:
        run("%predict taxi {[1]} --columns id,fare --wait")
    assert str(caught.value) == (
        "--columns, --wait: for a job that predicts whole files, and this is none without --output.\n"
        "%predict taxi --input FILES --output FOLDER"
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [("taxi $rows --output out", "rows cannot be given with it"),
     ("taxi --output out --no-join --direct", "--no-join, --direct cannot be given with it"),
     ("taxi --output out", "%predict --output needs the files to read.")],
)  # fmt: skip
def test_a_job_reads_files(run, shell, line, told):
    shell.user_ns["rows"] = [{"a": 1}]
    with pytest.raises(UsageError, match=told):
        run(f"%predict {line}")
