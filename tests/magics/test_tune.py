"""`%%tune`, `%%train --tune`, and what `%tune` does with studies."""

from __future__ import annotations

import re

import pytest
from support.written_studies import WrittenStudy

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import current_session
from mlmagic.spec.study import Goal, ParameterKind

CELL = "def train(lr: float = 0.1, units: int = 8, epochs: int = 2):\n    print('trained')\n"
ANNOTATED = "from typing import Annotated\ndef train(lr: Annotated[float, '0.1..0.9'] = 0.1):\n    print('trained')\n"
QUICK = "print('trained')\n"


def error(run, cell):
    with pytest.raises(UsageError) as caught:
        run(cell)
    return str(caught.value)


@pytest.fixture
def written(run, monkeypatch):
    """A study of 4 trials, 2 of which have succeeded."""
    monkeypatch.setenv("MLMAGIC_BACKEND", "memory")
    session = current_session()
    made = WrittenStudy(session.location, backend=session.backend())
    for number, value in ((1, 0.5), (2, 0.25)):
        made.start(number, QUICK)
        made.end(number, value)
    yield made
    made.finish()


def test_a_cell_is_planned_as_a_study(run):
    plan = run(
        "%%tune flights --metric val_loss --space lr=log:1e-4..1e-1,units=16..256 --trials 24 --parallel 2 \\\n"
        f"  --early-stopping median --seed 3 --promote --promote-args='--epochs=20' --dry-run -- --epochs 3\n{CELL}"
    )
    study = plan.study
    assert (study.metric, study.goal, study.trials, study.parallel, study.seed) == ("val_loss", Goal.MINIMIZE, 24, 2, 3)
    assert [one.kind for one in study.parameters] == [ParameterKind.DOUBLE, ParameterKind.INTEGER]
    assert (plan.spec.args, study.promotion.args) == (("--epochs", "3"), ("--epochs=20",))
    assert plan.spec.origin.cell_number == 1
    assert len(run("%jobs")) == 0


def test_a_training_cell_becomes_the_same_study(run):
    flags = "--metric val_loss --trials 5 --dry-run"
    tuned = run(f"%%tune flights {flags} --space lr=0.1..0.9\n{CELL}")
    trained = run(f"%%train flights --tune lr=0.1..0.9 {flags}\n{CELL}")
    annotated = run(f"%%train --tune flights {flags}\n{ANNOTATED}")
    assert tuned.study == trained.study == annotated.study


def test_a_package_is_tuned_by_a_line(run, folder):
    for name, text in {"__init__.py": "", "task.py": "print('given')\n"}.items():
        (folder / "mine" / "trainer").mkdir(parents=True, exist_ok=True)
        (folder / "mine" / "trainer" / name).write_text(text)
    plan = run("%tune flights --package mine --metric auc --space lr=0.1..0.9 --trials 3 --dry-run")
    assert (plan.study.goal, plan.spec.package.module) == (Goal.MAXIMIZE, "trainer.task")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "%%tune flights",
            "%%tune has an empty body.\nBelow the line goes the code that trains, for example\n\n    %%tune",
        ),
        ("%tune flights", "%tune has no subcommand 'flights'. To look at one: %tune describe flights"),
        (
            "%tune flights --metric val_loss --space lr=0.1..0.9",
            "%tune has no subcommand 'flights'. To tune a cell: %%tune flights\n",
        ),
        ("%tune promot flights --model x", "%tune has no subcommand 'promot'. Did you mean promote?"),
        ("%tune lst", "%tune has no subcommand 'lst'. Did you mean list?"),
        ("%%tune flights --package d --metric x\nx = 1", "%%tune has a body and --package: which of the two"),
        (
            "%%train flights --metric val_loss --seed 3\nx = 1",
            "--metric and --seed are for a study.\nTo make it one: --tune",
        ),
        ("%%train flights --seed 0\nx = 1", "--seed is for a study.\nTo make it one: --tune, or %%tune flights"),
        (
            f"%%tune flights --metric val_loss --space {{{{}}}}\n{CELL}",
            "space is empty: there is nothing to tune.",
        ),
        ("%%tune flights --metric\nx = 1", "%%tune: --metric needs a value: --metric METRIC"),
        ("%%tune flights --trials 0\nx = 1", "%%tune: --trials: '0' is no whole number from 1"),
        ('%%tune flights --promote --promote-args="\'"\nx = 1', '--promote-args "\'" cannot be told apart into words'),
        ("%%tune 9x --metric a --timeout soon\nx = 1", "tune cannot take these arguments:\n  - is a better"),
        (f"%%tune flights --metric val_loss\n{CELL}", "there is nothing to search: no parameters are given."),
    ],
)
def test_lines_that_do_not_fit(run, cell, message):
    assert error(run, cell).startswith(message)


def test_help_tells_of_the_cell_and_of_the_line(run, capsys):
    run("%%tune --help")
    cell = capsys.readouterr().out
    assert "--space SPACE" in cell
    assert "--machine-type TYPE" in cell
    run("%tune --help")
    line = capsys.readouterr().out
    assert "%tune promote STUDY [flags] [-- program arguments]" in line
    assert "%%tune --help" in line
    run("%%train --help")
    assert "--tune [SPACE]" in capsys.readouterr().out


def test_a_study_is_started_and_what_it_makes_of_the_line_is_said(run, written, capsys):
    job = run(f"%%tune boats --metric val_loss --space units=1..3 --algorithm grid --trials 9 --into study\n{CELL}")
    assert run("study").id == job.id
    assert (job.study.spec.trials, job.spec.invocation.split()[0]) == (3, "%%tune")
    assert "Note: the grid has 3 points, so there are 3 trials." in capsys.readouterr().out


def test_studies_are_listed(run, written, capsys):
    assert [row.id for row in run("%tune")] == [row.id for row in run("%tune list --limit 1")] == [written.id]
    assert "2/4 · best 0.2500" in capsys.readouterr().out
    assert len(run("%jobs --trials")) == 3


def test_a_study_is_shown_with_its_best_trial_and_plots(run, written, capsys):
    assert run("%tune describe flights").id == run("%jobs describe flights").id == written.id
    assert "2 of 4 trials" in capsys.readouterr().out
    assert run("%tune best flights --into best").parameters == {"lr": "0.02"}
    assert run("best.value") == 0.25
    run("%tune plot flights --kind history")
    assert "Charts:" in capsys.readouterr().out
    with pytest.raises(UsageError, match="there is no plot 'histry'"):
        run("%tune plot flights --kind histry")


def test_a_study_is_shown_with_its_trials_in_another_order(run, written, capsys):
    run("%tune describe flights --sort-by ~number --limit 1")
    out = capsys.readouterr().out
    assert "✓ 2 ★" in out
    assert "1 of 2 trials. All: %tune describe flights --all" in out
    assert run("%tune describe flights --sort-by number --all").order.limit is None
    assert error(run, "%tune describe flights --sort-by ~lrr") == (
        "trials cannot be sorted by '~lrr':\n  - there is no key 'lrr'. Did you mean lr?"
    )


def test_trials_are_jobs(run, written):
    assert run("%jobs describe flights/2").id == f"{written.id}-2"
    assert run("%jobs logs flights/2") == "trained\n"
    difference = run("%jobs diff flights/1 flights/2")
    assert (difference.first, difference.second) == (f"{written.id}-1", f"{written.id}-2")
    assert len(run("%jobs compare flights").jobs) == 2
    with pytest.raises(NotFoundError):
        run("%tune describe flights/2")


def test_the_best_is_promoted_and_a_study_goes_on(run, written):
    promoted = run("%tune promote flights --model delay --label team=a -- --epochs=9")
    assert (promoted.spec.model, promoted.spec.args, promoted.spec.labels) == (
        "delay",
        ("--lr=0.02", "--epochs=9"),
        {"team": "a"},
    )
    assert run("%tune promote flights --trial 1 --into first").spec.args == ("--lr=0.01",)
    promoted.cancel()
    run("first").cancel()
    written.finish()
    more = run("%tune resume flights --trials 5 --parallel 2")
    assert (more.study.spec.resumes, more.study.spec.trials, more.study.spec.parallel) == (written.id, 5, 2)
    more.cancel()


def test_help_tells_all_forms_of_a_space_and_what_is_said_of_trials(run, capsys):
    run("%%tune --help")
    told = " ".join(capsys.readouterr().out.split())
    assert "--timeout TIME end a trial after 90, 90s, 15m, 2h or 1d" in told
    assert "How it is to run is said of each trial: --timeout, --max-retries" in told
    assert "if not given, its first 3 if all fail, or 5 once most have failed" in told
    assert all(form in told for form in ("double:0..1", "reverse_log:", "[optimizer=sgd]=", "fare.buckets=4..64"))
    run("%%train --help")
    assert "--timeout TIME end the job after" in " ".join(capsys.readouterr().out.split())


def test_the_space_of_the_help_can_be_copied(run, capsys):
    run("%%tune --help")
    line = re.search(r"lr=log\S*", capsys.readouterr().out)[0]
    cell = "def train(lr=0.1, units=8, kind='a', batch=32):\n    pass\n"
    assert len(run(f"%%tune flights --metric val_loss --space {line} --dry-run\n{cell}").study.parameters) == 4


def test_a_space_of_the_notebook_is_a_mapping_or_text(run, shell):
    class Table:
        def __bool__(self):
            raise ValueError("the truth value of a table is ambiguous")

        def __repr__(self):
            return "   a\n0  1"

    shell.user_ns["df"], shell.user_ns["blank"] = Table(), " "
    told = error(run, f"%%tune flights --metric val_loss --space $df\n{CELL}")
    assert told.startswith("space must be a text or a mapping, not Table a 0 1.")
    assert run(f"%%tune flights --metric val_loss --space $blank --dry-run\n{ANNOTATED}").study.parameters


def test_notes_are_said_of_every_job_that_starts(run, monkeypatch, capsys):
    monkeypatch.setenv("MLMAGIC_BACKEND", "memory")
    account_note = "Note: `serviceAccount` of the configuration means nothing on this machine.\n"
    run("account = {'serviceAccount': 'me'}")
    cell = "def train(lr: float = 0.1, more=print):\n    print('trained')\n"
    for line in ("%%train boats", "%%tune boats --metric val_loss --space lr=0.1..0.9 --trials 2"):
        job = run(f"{line} --config $account\n{cell}")
        said = capsys.readouterr().out
        assert (said.count(account_note), said.count("Note: `more` has no flag")) == (1, 1)
        job.cancel()
        run(f"{line} --config $account --dry-run\n{cell}")
        assert "Note: " not in capsys.readouterr().out


def test_what_is_promoted_may_start_from_nothing_and_be_refused_by_its_name(run, written):
    promoted = run("%tune promote flights --fresh")
    assert promoted.spec.fresh
    promoted.cancel()
    told = error(run, "%tune promote flights --timeout soon --cores many")
    assert told.startswith("promote cannot take these arguments:\n  - timeout 'soon' is no duration")
