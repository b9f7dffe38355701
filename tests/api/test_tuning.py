"""From a program to the plan of a study, and from the plan to a job."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlmagic.api.study import StudyJob, find_study
from mlmagic.api.training import plan_training
from mlmagic.api.tuning import TuningPlan, plan_tuning, tune
from mlmagic.errors import CellError, NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.job import JobKind
from mlmagic.spec.study import (
    Algorithm,
    EarlyStopping,
    Goal,
    MeasurementSelection,
    ParameterKind,
    StoppingRule,
    StudySpec,
)
from mlmagic.testing.driving import submit, wait_for

SOURCE = """
def train(lr, units: int = 64, activation: str = "relu", shuffle: bool = True, epochs: int = 3):
    print("trained", lr)
"""
ANNOTATED = """
from typing import Annotated, Literal
def train(lr: Annotated[float, "log:1e-4..1e-1"] = 0.01, activation: Literal["relu", "tanh"] = "relu", epochs: int = 3):
    print("trained", lr)
"""
SPACE = "lr=log:1e-4..1e-1, activation=relu|tanh"

Plan = Callable[..., TuningPlan]


@pytest.fixture
def plan(session: Session) -> Plan:
    """Plan a study of the source above."""

    def make(**given: Any) -> TuningPlan:
        return plan_tuning(
            "flights", **{"source": SOURCE, "metric": "val_loss", "space": SPACE, "session": session, **given}
        )

    return make


def ended(session: Session, study: StudySpec) -> StudyJob:
    """Return a study that has made no trials."""
    record = submit(session.backend(), "print('searched')", name="flights", kind=JobKind.TUNING, study=study)
    wait_for(session.backend(), record.id)
    return find_study(session, record.id)


def test_a_plan_has_the_study_and_what_its_trials_share(plan: Plan) -> None:
    spec = plan(trials=24, parallel=2, args=["--epochs", "5"], timeout="10m", labels={"team": "a"}).spec
    assert (spec.kind, spec.display_name, spec.args) == (JobKind.TUNING, "flights", ("--epochs", "5"))
    assert (spec.study.metric, spec.study.goal, spec.study.trials, spec.study.parallel) == (
        "val_loss",
        Goal.MINIMIZE,
        24,
        2,
    )
    assert (spec.timeout_seconds, spec.labels) == (600, {"team": "a"})
    assert spec.flags == {"units": "64", "shuffle": "true", "epochs": "5"}


def test_all_that_is_said_of_the_search_stands_in_the_study(plan: Plan) -> None:
    study = plan(
        metric="score",
        goal="maximize",
        trials=3,
        algorithm="random",
        early_stopping="median",
        selection="best",
        max_failed=2,
        seed=7,
    ).study
    assert (study.goal, study.algorithm, study.seed) == (Goal.MAXIMIZE, Algorithm.RANDOM, 7)
    assert (study.early_stopping, study.max_failed) == (EarlyStopping(rule=StoppingRule.MEDIAN), 2)
    assert study.selection is MeasurementSelection.BEST


def test_annotations_tell_the_space(plan: Plan) -> None:
    study = plan(source=ANNOTATED, space=None).study
    assert [(one.name, one.kind) for one in study.parameters] == [
        ("lr", ParameterKind.DOUBLE),
        ("activation", ParameterKind.CATEGORICAL),
    ]
    assert [one.name for one in plan(source=ANNOTATED, space=None, args=["--activation=tanh"]).study.parameters] == [
        "lr"
    ]


def names(found: TuningPlan) -> list[str]:
    return [one.name for one in found.study.parameters]


def test_annotations_tell_what_the_line_does_not(plan: Plan) -> None:
    found = plan(source=ANNOTATED, space="epochs=1..9, lr=0.1..0.2", trials=3)
    assert names(found) == ["epochs", "lr", "activation"]
    assert found.study.parameter("lr").minimum == 0.1
    assert found.notes == (
        "activation is searched too, as its annotation says; --activation=VALUE after -- keeps one as it is",
    )
    fixed = plan(source=ANNOTATED, space="epochs=1..9, lr=0.1..0.2", trials=3, args=["--activation", "tanh"])
    assert (names(fixed), fixed.notes) == (["epochs", "lr"], ())
    both = plan(source=ANNOTATED, space="epochs=1..9", trials=3)
    assert both.notes[0].startswith("lr and activation are searched too, as annotations say; --lr=VALUE after --")


def test_a_line_may_name_a_parameter_by_another_spelling(plan: Plan) -> None:
    source = 'from typing import Annotated\ndef train(batch_size: Annotated[int, "16..64"] = 32):\n    pass\n'
    assert names(plan(source=source, space="batch-size=8..9")) == ["batch-size"]


def test_a_file_is_joined_with_annotations_too(plan: Plan) -> None:
    params = [{"parameterName": "lr", "type": "DOUBLE", "minValue": 0.1, "maxValue": 1}]
    found = plan(source=ANNOTATED, space=None, config={"hyperparameters": {"params": params}})
    assert (names(found), found.study.parameter("lr").maximum) == (["lr", "activation"], 1)


def test_lists_of_words_are_told_of_and_not_searched(plan: Plan) -> None:
    source = (
        "from typing import Annotated, Literal\n"
        'def train(lr: Annotated[float, "0.1..1.0"] = 0.1, ms: list[Literal["a", "b"]] = ["a"]):\n    pass\n'
    )
    found = plan(source=source, space=None, trials=3)
    assert names(found) == ["lr"]
    assert found.notes == ("`ms` takes a list, so the words of its annotation are not searched",)
    assert plan(source=source, space="ms=a|b", trials=3).study.parameters[0].name == "ms"


def test_a_file_describes_study_and_job_and_arguments_win(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "hptuning.yaml"
    file.write_text(
        "trainingInput:\n  scaleTier: STANDARD_1\n  hyperparameters:\n    goal: MINIMIZE\n    maxTrials: 6\n"
        "    hyperparameterMetricTag: rmse\n    enableTrialEarlyStopping: true\n    params:\n"
        "      - {parameterName: lr, type: DOUBLE, minValue: 0.001, maxValue: 0.1, scaleType: UNIT_LOG_SCALE}\n"
    )
    found = plan(metric=None, space=None, config=file, early_stopping="none", parallel=3)
    assert (found.study.metric, found.study.trials, found.study.parallel) == ("rmse", 6, 3)
    assert (found.study.early_stopping, found.spec.resources.scale_tier) == (None, "STANDARD_1")
    assert "enableTrialEarlyStopping stops by the median rule of Vertex AI" in found.notes
    assert plan(config=file, trials=9).study.trials == 9


def test_a_file_that_names_no_number_means_one_trial_as_it_does_there(plan: Plan) -> None:
    params = [{"parameterName": "lr", "type": "DOUBLE", "minValue": 0.1, "maxValue": 1}]
    found = plan(space=None, config={"hyperparameters": {"params": params}})
    assert found.study.trials == 1
    assert "val_loss is to be maximized, which its name does not suggest" not in plan().notes
    assert plan(space=SPACE, config={"labels": {"a": "b"}}).study.trials == 10


def test_a_goal_that_the_name_does_not_suggest_is_told_of(plan: Plan) -> None:
    assert "val_loss is to be maximized, which its name does not suggest" in plan(goal="maximize").notes


def test_a_grid_has_as_many_trials_as_points(plan: Plan) -> None:
    grid = {"algorithm": "grid", "space": "lr=0.1;0.2;0.3,activation=relu|tanh,units[activation=tanh]=1..4"}
    found = plan(**grid)
    assert (found.grid_points, found.study.trials, found.notes) == (15, 15, ())
    assert plan(**grid, trials=4).study.trials == 4
    many = plan(**grid, trials=24)
    assert (many.study.trials, many.notes) == (15, ("the grid has 15 points, so there are 15 trials",))


def test_a_grid_is_no_larger_than_a_study(plan: Plan) -> None:
    grid = {"algorithm": "grid", "space": "units=1..1000,epochs=1..1000"}
    with pytest.raises(UsageError) as caught:
        plan(**grid)
    assert str(caught.value) == (
        "the grid has 1,000,000 points, and a study 10,000 trials at most.\n"
        "Search fewer values, or say how many of the points are tried: --trials N."
    )
    assert plan(**grid, trials=20).study.trials == 20


def test_the_default_number_of_trials_is_told_of(plan: Plan) -> None:
    assert plan().notes == ("trials is not given, so there are 10",)
    assert plan(trials=10).notes == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"space": None}, "there is nothing to search: no parameters are given."),
        (
            {"space": "lrr=0.1..1"},
            "the program cannot be tuned so:\n  - lrr: the program has no flag --lrr. Did you mean --lr?",
        ),
        ({"args": ["--lr=1"]}, "  - lr: the arguments set it too; take it out of them, or out of the space"),
        ({"algorithm": "grid"}, "  - lr: a grid has no points in log:0.0001..0.1; list them"),
        (
            {"set_default": True},
            "set_default is for the training job that follows a study, and there is none without promote: give that",
        ),
        (
            {"promote_args": ["--epochs=9"], "set_default": True},
            "promote_args and set_default are for the training job that follows a study, and there is none",
        ),
        ({"promote_args": "--epochs=9", "promote": True}, "promote_args must be a list of words, not one string: ['-"),
        ({"warm_start": 3}, "warm_start is a study or a list of studies, not int 3."),
        ({"space": {}}, "space is empty: there is nothing to tune."),
        ({"trials": 10_001}, "trials 10,001 are too many: a study has 10,000 at most."),
        ({"metric": "score"}, "is score better when it is high, or when it is low?"),
    ],
)
def test_what_cannot_be_is_refused(plan: Plan, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(**given)
    assert message in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        plan_tuning(
            "9x", source=SOURCE, metric="a b", goal="up", space="lr=1..", trials=0, timeout="soon", session=session
        )
    assert caught.value.message == "tune cannot take these arguments:"
    assert [problem.split()[0] for problem in caught.value.problems] == [
        *("space", "metric", "goal", "trials", "name", "timeout")
    ]


def test_annotations_that_cannot_be_read_are_errors_of_the_cell(plan: Plan) -> None:
    source = 'from typing import Annotated\ndef train(lr: Annotated[float, "log:0..1"] = 0.1):\n    pass\n'
    with pytest.raises(CellError, match="a logarithmic scale needs numbers above 0"):
        plan(source=source, space=None)


def test_the_program_must_take_what_a_trial_says(plan: Plan) -> None:
    assert isinstance(plan(space="lr=0.1..1, shuffle=true|false").submit(), StudyJob)
    with pytest.raises(UsageError, match="the program needs a value for --lr: it has no default"):
        plan(space="units=1..9").submit()
    with pytest.raises(UsageError, match="the program does not take --epoch=9"):
        plan(promote=True, promote_args=["--epoch=9"]).submit()


def test_a_promotion_stands_in_the_study(plan: Plan) -> None:
    promotion = plan(promote=True, promote_args=["--epochs", 20], model="delay", set_default=True).study.promotion
    assert (promotion.args, promotion.model, promotion.set_default) == (("--epochs", "20"), "delay", True)
    assert plan(promote=True).study.promotion.model == "flights"


def test_a_plan_shows_space_package_and_vertex_ais_words(plan: Plan) -> None:
    found = plan(trials=24, parallel=2, promote=True)
    text = str(found)
    assert "Would minimize val_loss in 24 trials: Bayesian · 2 in parallel · seed 0." in text
    assert "Then the best parameters would make a version of flights." in text
    assert "--max-trial-count=24" in text
    assert "metricId: val_loss" in text
    assert found.command == ("python", "-m", "trainer.task", "--lr=0.0031623", "--activation=tanh")
    assert found.gcloud_command[:4] == ("gcloud", "ai", "hp-tuning-jobs", "create")
    assert "Search space" in found._repr_mimebundle_()["text/html"]


def test_tune_starts_what_is_planned(session: Session) -> None:
    study = tune("flights", source=SOURCE, metric="val_loss", space=SPACE, trials=2, session=session)
    assert (study.spec.kind, study.study.spec.trials, len(study.trials)) == (JobKind.TUNING, 2, 0)
    assert inspect.signature(tune) == inspect.signature(plan_tuning)


def test_a_study_takes_all_that_a_training_job_takes() -> None:
    training, tuning = (inspect.signature(call).parameters for call in (plan_training, plan_tuning))
    defaults = {name: one.default for name, one in training.items() if name != "tuned"}
    assert {name: tuning[name].default for name in defaults} == defaults


def test_an_earlier_study_has_the_same_aim(plan: Plan) -> None:
    earlier = plan(metric="val_accuracy").submit()
    with pytest.raises(UsageError) as caught:
        plan(warm_start=[earlier])
    assert str(caught.value) == (
        f"{earlier.id} has another aim, to maximize val_accuracy: its results would mislead a search that is to "
        "minimize val_loss."
    )
    with pytest.raises(NotFoundError, match=r"there is no study 'boats'"):
        plan(warm_start="boats")
    with pytest.raises(NotFoundError, match="'boats'"):
        plan(warm_start=["boats"])


def test_only_a_search_that_learns_starts_warm(plan: Plan) -> None:
    earlier = plan().submit()
    with pytest.raises(UsageError) as caught:
        plan(warm_start=earlier, algorithm="random")
    assert str(caught.value) == (
        "warm_start is for the Bayesian search, which learns from results, as RANDOM_SEARCH does not: leave out "
        "warm_start or the algorithm."
    )


def test_a_study_that_is_resumed_tells_what_is_not_said(plan: Plan, session: Session) -> None:
    earlier = ended(session, plan(trials=6, parallel=3, seed=5, algorithm="random").study)
    resumed = plan(metric=None, space=None, resume=earlier, trials=2).study
    assert (resumed.metric, resumed.parameters) == ("val_loss", earlier.study_spec.parameters)
    assert (resumed.resumes, resumed.trials, resumed.parallel, resumed.seed) == (earlier.id, 2, 3, 5)
    assert plan(space=None, resume="flights").study.trials == 6
    with pytest.raises(UsageError, match=r"resume goes on with the space of .*, and another one is given"):
        plan(space="lr=0.1..0.2", resume=earlier)


def test_an_earlier_study_may_be_given_alone(plan: Plan) -> None:
    earlier = plan().submit()
    for one in (earlier, earlier.id, "flights", [earlier]):
        assert plan(warm_start=one).study.warm_start == (earlier.id,)


def test_a_study_is_resumed_by_the_same_line_with_annotations(plan: Plan, session: Session) -> None:
    line = {"source": ANNOTATED, "space": "epochs=1..9", "trials": 2}
    earlier = ended(session, plan(**line).study)
    resumed = plan(**line, resume=earlier)
    assert (resumed.study.parameters, resumed.notes) == (earlier.study_spec.parameters, ())
    fewer = {"source": ANNOTATED, "resume": earlier, "args": ["--lr=0.1"]}
    with pytest.raises(UsageError, match=r"resume goes on with the space of .*, and another one is given"):
        plan(space="epochs=1..9", **fewer)


def test_it_is_told_how_many_trials_run_at_a_time(plan: Plan, tmp_path: Path) -> None:
    local = Session(environ={}, start=tmp_path)
    assert plan(session=local, trials=400).notes == ()
    (note,) = plan(session=local, trials=400, parallel=400).notes
    assert re.fullmatch(r"here \d+ of 400 parallel trials run at a time", note)
    tier, turns = plan(session=local, trials=400, parallel=400, scale_tier="BASIC_GPU").notes[0].split(" · ")
    assert tier.startswith("here it runs as")
    assert turns.endswith("parallel trials run at a time")
