from __future__ import annotations

import pytest

from mlmagic.errors import CellError, JobFailed, UsageError
from mlmagic.spec.job import JobKind

CLEAN = "import pandas as pd\n\ndef clean(batch: pd.DataFrame):\n    return batch[batch.fare > 2.5]\n"
ROWS = "".join(f"{number},{number / 10},{'ab'[number % 2]}\n" for number in range(500))


@pytest.fixture(autouse=True)
def rides(folder):
    for name in ("rides 1.csv", "rides-2.csv", "rides-3.csv"):
        (folder / name).write_text(f"id,fare,pay\n{ROWS}")
    return folder


def error(run, cell, kind=UsageError):
    with pytest.raises(kind) as caught:
        run(cell)
    return str(caught.value)


@pytest.mark.parametrize("sign", ["%preprocess", "%%preprocess"])
def test_nothing_has_to_stand_below_the_line(run, sign):
    plan = run(f"{sign} rides --input rides-*.csv --target fare --dry-run")
    assert plan.spec.args == ("--input", "rides-*.csv", "--target", "fare")
    assert (plan.spec.kind, plan.spec.dataset) == (JobKind.PREPROCESSING, "rides")
    assert plan.spec.invocation == f"{sign} rides --input rides-*.csv --target fare --dry-run"
    assert len(run("%jobs")) == 0


@pytest.mark.parametrize(
    "line",
    [
        "rides --input 'rides 1.csv' rides-2.csv --dry-run",
        "rides --input 'rides 1.csv' --dry-run --input rides-2.csv",
        "--input 'rides 1.csv' --dry-run rides --input=rides-2.csv",
        "--dry-run --input 'rides 1.csv' rides rides-2.csv",
        "rides --input $files --dry-run",
        "rides --dry-run --input {files}",
    ],
)
def test_inputs_are_several_words_and_several_flags(run, line):
    run("files = ['rides 1.csv', 'rides-2.csv']")
    assert run(f"%preprocess {line}").spec.args == ("--input", "rides 1.csv", "rides-2.csv")


def test_a_variable_needs_its_dollar(run):
    run("import pandas as pd; trips = pd.DataFrame()")
    told = "trips is a variable of the notebook, and no file: write --input $trips"
    assert error(run, "%preprocess rides --input trips") == told


def test_all_flags_come_to_the_program(run):
    plan = run(
        "%preprocess rides --input rides-2.csv --target pay --key id --split train=0.5,eval=0.5 --max-rejected 5% "
        "--format csv --no-header --column-names a,b,c --types a=string --delimiter ; --null-values -,NA --workers 2 "
        "--runner local --label team=a --timeout 5m --dry-run -- --no_pipeline_type_check"
    )
    assert plan.spec.args == (
        *("--input", "rides-2.csv", "--target", "pay", "--key", "id", "--split", "train=0.5,eval=0.5"),
        *("--max-rejected", "5%", "--format", "csv", "--column-names", "a,b,c", "--types", "a=string"),
        *("--delimiter", ";", "--null-values=-,NA", "--runner", "local", "--workers", "2", "--no-header"),
        *("--", "--no_pipeline_type_check"),
    )
    assert (plan.spec.labels, plan.spec.timeout_seconds) == ({"team": "a"}, 300)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--target fare", "%preprocess: NAME is missing: the dataset's name, and the job's"),
        ("rides", "input is missing: give a file or a pattern, such as --input 'rides-*.csv'."),
        ("rides --input", "%preprocess: --input needs a value: --input PATTERN…"),
        ("rides --input ride-2.csv", "there is no file 'ride-2.csv'. Did you mean rides-2.csv or"),
        ("rides --input 'rids-*.csv'", "input 'rids-*.csv' matches no file. Did you mean rides"),
        (
            "rides --input rides-2.csv --traget fare",
            "%preprocess: --traget is no flag of %preprocess. Did you mean --target?",
        ),
        ("rides --input rides-2.csv --format cvs", "%preprocess: --format cannot be 'cvs'. Did you mean csv?"),
        ("rides --input rides-2.csv --split train=0.8", "--split train=0.8: the fractions add up to 0.8, not to 1"),
        ("3rides --input rides-2.csv", "dataset name '3rides' cannot be used"),
        ("rides extra --input rides-2.csv", "%preprocess: extra is too much"),
        ("rides --input $files", "%preprocess: --input: the notebook has no name 'files'"),
    ],
)
def test_lines_that_do_not_fit(run, line, message):
    assert error(run, f"%preprocess {line}").startswith(message)


def test_all_that_is_wrong_is_told_at_once(run):
    told = error(run, "%preprocess 3rides --input no.csv --split eval=1 --max-rejected x --timeout soon --memory tiny")
    assert told.startswith("preprocess cannot take these arguments:\n  - dataset name '3rides' cannot be used")
    assert told.count("\n  - ") == 6


def test_a_body_of_yaml(run):
    plan = run("%%preprocess rides --input rides-2.csv --dry-run\nfare: numeric\npay: {type: categorical}\n")
    assert b'"pay": {\n    "type": "categorical"' in plan.package.files["preprocessor/features.json"]
    assert error(run, "%%preprocess rides --input rides-2.csv --target fare\nfare: numeric").startswith(
        "the features cannot be used as they are declared:\n  - fare: fare is the target"
    )
    told = error(run, "%%preprocess rides --input rides-2.csv\nfare: numeric\npay: {type")
    assert told.startswith("Cell [3], line 3: not YAML")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def clean(batch):\n    batch['x'] = 1", "`clean` (Cell [1], line 2) returns nothing, so that no row"),
        ("def clean(a, b):\n    return a", "`clean` (Cell [1], line 2) needs 2 arguments (a, b)"),
        (
            "def clean(batch):\n    return batch\n\ndef clean_row(row):\n    return row",
            "it defines both `clean` (Cell [1], line 2) and `clean_row` (Cell [1], line 5): keep one",
        ),
        ("def clean(batch)\n    return batch", "Cell [1], line 2: expected ':'"),
        ("def clean(batch):\n    return batch[mask]", "Cell [1] needs a name that nothing defines"),
    ],
)
def test_cells_that_do_not_fit(run, body, message):
    assert error(run, f"%%preprocess rides --input rides-2.csv\n{body}", CellError).startswith(message)


def test_features_come_from_a_variable_or_a_file(run, rides):
    run("declared = {'fare': 'numeric'}")
    (rides / "f.json").write_text('{"fare": "numeric"}')
    for given in ("$declared", "f.json", "{{'fare': 'numeric'}}"):
        plan = run(f"%preprocess rides --input rides-2.csv --features {given} --dry-run")
        assert plan.package.files["preprocessor/features.json"] == b'{\n  "fare": "numeric"\n}\n'


def test_export_writes_and_starts_nothing(run, rides, capsys):
    run(f"%%preprocess rides --input rides-2.csv --export 'out put'\n{CLEAN}")
    assert (rides / "out put" / "preprocessor" / "cell.py").exists()
    told = capsys.readouterr().out
    assert f"To run it: cd 'out put' && python -m preprocessor.task --input {rides}/rides-2.csv --output rides" in told
    assert len(run("%jobs")) == 0


def test_help_tells_of_the_flags(run, capsys):
    run("%preprocess --help")
    told = capsys.readouterr().out
    assert told.startswith(
        "%%preprocess NAME --input PATTERN… [flags] [-- Beam options]    with code or YAML below it\n"
    )
    assert "--max-rejected LIMIT" in told
    assert all(len(line) <= 110 for line in told.splitlines())


def test_the_job_makes_a_dataset(run, capsys):
    run("import pandas as pd\nLEAST = 2.5")
    job = run(
        "%%preprocess rides --input 'rides 1.csv' --target fare --wait --into made\n"
        "def clean(batch: pd.DataFrame):\n    return batch[batch.fare > LEAST]"
    )
    assert (job.state, job.record.dataset_version, job.record.model_version) == ("SUCCEEDED", "rides@1", None)
    assert run("made").id == job.id
    assert "474 rows of 500" in job.logs()
    assert "Note:" not in capsys.readouterr().out
    assert error(run, "%jobs rerun rides -- --splt train=1").startswith(
        "preprocess cannot take these arguments:\n  - unrecognized arguments: --splt train=1. Did you mean --split"
    )


def test_a_failing_cell_is_shown_where_it_stands(run, capsys):
    run("def clean(batch):\n    return batch\nimport pandas as pd")
    told = error(
        run,
        "%%preprocess rides --input rides-2.csv --wait\n\ndef clean_row(row: dict):\n    return row\n\n"
        "LIMIT = int('x')",
        JobFailed,
    )
    assert "ValueError: invalid literal for int() with base 10: 'x' (Cell [2], line 6)" in told
    assert "Note: `clean_row` runs once for every row, which is slow" in capsys.readouterr().out


def test_a_failing_clean_is_shown_where_it_stands(run):
    told = error(
        run,
        "%%preprocess rides --input rides-2.csv --wait\ndef clean(batch):\n    return batch[batch.fares > 1]",
        JobFailed,
    )
    assert "AttributeError: 'DataFrame' object has no attribute 'fares' (Cell [1], line 3)" in told
    traceback = run("%jobs describe rides").record.error.traceback
    assert traceback.startswith("Traceback (most recent call last):\n  Cell [1], line 3, in clean\n")
