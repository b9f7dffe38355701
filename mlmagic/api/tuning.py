"""Tuning: the same program, many trials."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from mlmagic.api.arguments import ArgumentCheck
from mlmagic.api.budgets import read_budget, within_budget
from mlmagic.api.commands import as_configured, gcloud_study_command, local_command
from mlmagic.api.job import Job
from mlmagic.api.job_plan import JobPlan, submitting
from mlmagic.api.program_arguments import check_program_arguments
from mlmagic.api.search_space import whole_space
from mlmagic.api.space_check import check_search, space_notes
from mlmagic.api.study import StudyJob, find_study, study_of
from mlmagic.api.study_config import read_study_config
from mlmagic.api.study_document import document_notes, study_document
from mlmagic.api.training import TrainingPlan, plan_training
from mlmagic.api.trial_arguments import sample_flags, trial_flag_values
from mlmagic.api.tuning_arguments import MOST_TRIALS, StudyArguments, another_space, read_study_spec
from mlmagic.api.tuning_words import guess_goal
from mlmagic.errors import UsageError
from mlmagic.source.history import Cell
from mlmagic.spec.budgets import NO_BUDGET
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.study import Algorithm, EarlyStopping, Goal, MeasurementSelection, Parameter, StudySpec

if TYPE_CHECKING:
    from mlmagic.api.selection import Reference
    from mlmagic.session import Session
    from mlmagic.spec.dataset import DatasetVersion

_NO_SPACE_HINT = (
    "Name them, such as space='lr=log:1e-4..1e-1,units=16..256', or annotate the function's parameters: "
    'lr: Annotated[float, "log:1e-4..1e-1"].'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPlan(JobPlan):
    """What a tuning call would do: the package, the study and its space, before anything is started."""

    notes: tuple[str, ...] = ()
    """What the user may not expect of how it is searched, and of where and how trials will run."""

    @property
    def study(self) -> StudySpec:
        """What is searched."""
        return study_of(self.spec)

    @property
    def grid_points(self) -> int | None:
        """How many points the space has; None where some lie dense."""
        from mlmagic.tuning.space import Space

        return Space(self.study.parameters).count

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run one trial by hand, in the folder of the exported package."""
        return (*local_command(self.spec), *sample_flags(self.study))

    @property
    def document(self) -> dict[str, Any]:
        """The same study as Vertex AI's HyperparameterTuningJob, which is the content of gcloud's `--config`."""
        return study_document(as_configured(self.spec, self.session.google))

    @property
    def gcloud_command(self) -> tuple[str, ...]:
        """The words of the gcloud command that runs the same study on Vertex AI, with `document` in study.yaml."""
        return gcloud_study_command(self.spec)

    def prepare(self) -> TuningPlan:
        """Let the backend get ready for this study, which is likely to be submitted soon."""
        self.session.backend(self.spec.backend).prepare(self.spec)
        return self

    def submit(self) -> StudyJob:
        """Start the study and return it at once; errors are those of `JobPlan.submit`."""
        return StudyJob(id=self._start(), backend=self.session.jobs, workspace=self.session.location)

    def _get_ready(self) -> None:
        words = (*self.spec.args, *sample_flags(self.study))
        check_program_arguments(self.package, words)
        if self.study.promotion is not None:
            check_program_arguments(self.package, (*words, *self.study.promotion.args))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import tuning_plan_bundle

        return tuning_plan_bundle(
            dataclasses.replace(self.package, notes=(*self.package.notes, *self.notes)),
            self.spec,
            grid_points=self.grid_points,
            command=self.command,
            document=self.document,
            document_notes=document_notes(self.study),
            gcloud_command=self.gcloud_command,
        )


def plan_tuning(
    name: str,
    *,
    metric: str | None = None,
    goal: str | Goal | None = None,
    space: str | Mapping[str, Any] | Sequence[Parameter] | None = None,
    trials: int | None = None,
    parallel: int | None = None,
    algorithm: str | Algorithm | None = None,
    early_stopping: str | EarlyStopping | None = None,
    selection: str | MeasurementSelection | None = None,
    max_failed: int | None = None,
    seed: int | None = None,
    resume: Reference | None = None,
    warm_start: Reference | Sequence[Reference] = (),
    promote: bool = False,
    promote_args: Sequence[str | float] = (),
    source: str | Callable[..., Any] | None = None,
    package: str | os.PathLike[str] | None = None,
    module: str = "trainer.task",
    args: Sequence[str] = (),
    model: str | None = None,
    set_default: bool = False,
    labels: Mapping[str, str] | None = None,
    timeout: float | str | None = None,
    scale_tier: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    machine_type: str | None = None,
    accelerator: str | None = None,
    replicas: int | str | Mapping[str, int] | None = None,
    cores: float | str | None = None,
    memory: int | str | None = None,
    priority: int = 0,
    max_retries: int = 0,
    fresh: bool = False,
    data: DatasetVersion | str | os.PathLike[str] | None = None,
    target: str | None = None,
    features: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    ship: Mapping[str, Any] | None = None,
    backend: str | None = None,
    spot: bool = False,
    service_account: str | None = None,
    network: str | None = None,
    image: str | None = None,
    persistent_resource: str | None = None,
    budget: str | None = None,
    yes: bool = False,
    cell: Cell | None = None,
    invocation: str | None = None,
    session: Session | None = None,
) -> TuningPlan:
    """Return what `tune` would do; no job is made.

    Args:
        name: the study's display name.
        metric: what trials report, and the study makes as good as it can: `"val_loss"`.
        goal: `"minimize"` or `"maximize"`; where the metric's name tells it, it need not be given.
        space: what is searched, as text, `"lr=log:1e-4..1e-1,units=16..256,activation=relu|tanh"`, or as Parameters;
            by default what `config` says. Beside it, what annotations of the program's function say of parameters that
            it does not name and that `args` does not set.
        trials: how many there are to be, those that fail too; by default ten, and all the points of a grid.
        parallel: how many run at the same time.
        algorithm: `"bayesian"`, `"grid"` or `"random"`.
        early_stopping: `"median"` or `"decay-curve"` stops trials that are not worth going on with; `"none"`.
        selection: which of a trial's measurements counts, the `"last"` or the `"best"`.
        max_failed: so many failed trials end the study; by default mlmagic decides.
        seed: the same seed, and the same results, give the same suggestions.
        resume: the study that this one goes on with: its trials count, and `trials` more are made.
        warm_start: an earlier study, or several, whose results are known to the search, and counted nowhere.
        promote: when the study has succeeded, train once more with the best parameters, and register the version.
        promote_args: arguments of that job, in the place of the trials' own.
        source: the program: its text, or a function. What it needs comes from the notebook's cells.
        package: instead of `source`, the folder of a trainer package.
        module: with `package`, the module that is run.
        args: the program's arguments, as words; a trial gets its parameters behind them.
        model: with `promote`, the model that gets the version; by default `name`.
        set_default: let that version be the model's default.
        labels: Google Cloud's labels.
        timeout: of a trial, in seconds, or `"90s"`, `"15m"`, `"2h"`.
        scale_tier: of a trial, such as `"BASIC"`.
        config: a file, or a mapping, with ML Engine's `trainingInput.hyperparameters` or Vertex AI's `studySpec`, and
            with what trials run on; arguments given here win.
        machine_type: of Compute Engine, such as `"n1-standard-8"`, for all replicas of a trial.
        accelerator: `"T4"`, `"V100:2"`.
        replicas: of a trial: `{"worker": 2, "ps": 1}`, `"worker=2,ps=1"`, or a number.
        cores: what a replica takes of this machine.
        memory: the same in bytes, or `"8GB"`.
        priority: a waiting job with a higher one starts first.
        max_retries: how many more attempts a trial has that fails or is killed.
        fresh: start programs from nothing, never by a fork.
        data: the dataset: `"taxi"` is its newest version, `"taxi@3"` that one; or the folder of one.
        target: the column that the model of `build_model` learns, if not the dataset's own.
        features: what it is built from, if not the dataset's own: a declaration, or a YAML or JSON file with it.
        ship: DataFrames and arrays, by the name that the program uses, to be shipped as data files.
        backend: where it runs; by default the session's.
        spot: on Vertex AI, take machines that cost less and may be taken away; the next four are of Vertex AI, too.
        service_account: as whom the program runs.
        network: `"projects/NUMBER/global/networks/NAME"`.
        image: the container image that it runs in.
        persistent_resource: the id of machines that are there already.
        budget: of all trials in the cloud: `"10h"` of machines, `"20USD"`, `"none"`; by default the workspace's.
        yes: start it in the cloud although it costs money.
        cell: instead of `source`, the cell that the magic stands in.
        invocation: the line that was typed.
        session: another than this process's.

    Raises:
        UsageError: arguments that do not fit; all are listed.
        NotFoundError: there is no such dataset or study.
        CellError: the cell cannot become a package.
        PackageError: the package cannot be run.
        MissingDependencyError: what the search needs is not installed.
    """
    from mlmagic.session import current_session

    session = session or current_session()
    check = ArgumentCheck()
    file = None if config is None else check.read(read_study_config, config)
    goes_on = file.resumes if resume is None and file is not None else resume
    resumed = None if goes_on is None else find_study(session, goes_on)
    given = StudyArguments(
        metric=metric,
        goal=goal,
        space=space,
        trials=trials,
        parallel=parallel,
        algorithm=algorithm,
        early_stopping=early_stopping,
        selection=selection,
        max_failed=max_failed,
        seed=seed,
        promote=promote,
        promote_args=promote_args,
        model=model or name,
        set_default=set_default,
    )
    warm = check.read(_warm_studies, session, warm_start) or []
    study = check.read(read_study_spec, given, file, resumed, warm)
    parameters = () if study is None else study.parameters
    training = partial(plan_training, source=source, package=package, module=module, args=args, cell=cell, ship=ship)
    training = partial(training, data=data, target=target, features=features, tuned=parameters, model=model)
    training = partial(training, scale_tier=scale_tier, machine_type=machine_type, accelerator=accelerator)
    training = partial(training, replicas=replicas, cores=cores, memory=memory, backend=backend, spot=spot)
    training = partial(training, service_account=service_account, network=network, image=image)
    training = partial(training, persistent_resource=persistent_resource, priority=priority, fresh=fresh)
    training = partial(training, labels=labels, timeout=timeout, max_retries=max_retries, invocation=invocation)
    # The budget is of the whole study, not of a trial.
    training = partial(training, config=None if file is None else file.job, budget=NO_BUDGET, yes=yes, session=session)
    check.read(read_budget, budget)
    single = check.read(training, name)
    check.finish("tune")
    is_open = trials is None and (file is None or file.trials is None)
    plan = _tuning_plan(cast("TrainingPlan", single), cast("StudySpec", study), resumed, budget=budget, is_open=is_open)
    return plan if file is None else dataclasses.replace(plan, notes=(*file.notes, *plan.notes))


tune = submitting(plan_tuning, "tune", "Start a study and return it at once; `tune(...).wait()` waits for it.")


def _tuning_plan(
    single: TrainingPlan, study: StudySpec, resumed: StudyJob | None, *, budget: str | None, is_open: bool
) -> TuningPlan:
    """Return the plan of a study whose trials are like a training job.

    Args:
        single: that job.
        study: what is searched, but for what annotations of the program tell.
        resumed: the study that it goes on with, whose space it has.
        budget: of all trials.
        is_open: nobody said how many trials there are to be.
    """
    from mlmagic.tuning.libraries import check_libraries

    spec, package = single.spec, single.package
    parameters, notes = whole_space(package, study.parameters, spec.args)
    if resumed is not None:
        parameters, notes = _space_of(resumed, parameters), ()
    if not parameters:
        raise UsageError("there is nothing to search: no parameters are given.", hint=_NO_SPACE_HINT)
    study = dataclasses.replace(study, parameters=parameters)
    check_search(package, spec.args, study)
    if study.algorithm is Algorithm.BAYESIAN:
        check_libraries()
    study, count_notes = _fitted_to_grid(study, is_open=is_open)
    notes = (*count_notes, *notes)
    if guess_goal(study.metric) not in {None, study.goal}:
        notes += (f"{study.metric} is to be {study.goal.lower()}d, which its name does not suggest",)
    tuning = dataclasses.replace(
        spec, kind=JobKind.TUNING, study=study, flags=trial_flag_values(package, spec.args, study), placement=None
    )
    tuning = within_budget(tuning, budget, single.session)
    placed = single.session.planner(spec.backend).place(tuning)
    notes += (*space_notes(parameters, package), *_placed_as(single, placed).notes)
    return TuningPlan(package=package, spec=placed, session=single.session, yes=single.yes, notes=notes)


def _warm_studies(session: Session, warm: object) -> list[StudyJob]:
    """Return the studies that one reference, or a list of them, means."""
    given = [warm] if isinstance(warm, str | Job) else warm
    if not isinstance(given, Sequence):
        raise UsageError(f"warm_start is a study or a list of studies, not {type(warm).__name__} {warm!r:.60}.")
    return [find_study(session, one) for one in given]


def _space_of(resumed: StudyJob, parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Return the space of a study that is resumed, which is to be the one that line and annotations tell, if any."""
    known = resumed.study_spec.parameters
    if any(parameter not in parameters for parameter in known):
        raise another_space(resumed)
    return known


def _placed_as(trial: TrainingPlan, study: JobSpec) -> TrainingPlan:
    """Return the plan of a trial with what is told of where its study runs: how many trials do at a time."""
    own, of_study = trial.spec.placement, study.placement
    if own is None or of_study is None:
        return trial
    placement = dataclasses.replace(own, note=of_study.note)
    return dataclasses.replace(trial, spec=dataclasses.replace(trial.spec, placement=placement))


def _fitted_to_grid(study: StudySpec, *, is_open: bool) -> tuple[StudySpec, tuple[str, ...]]:
    """Return the study with no more trials than a grid has points, and what there is to say about their number."""
    from mlmagic.tuning.space import Space

    points = Space(study.parameters).count
    if study.algorithm is Algorithm.GRID and is_open and points is not None and points > MOST_TRIALS:
        raise UsageError(
            f"the grid has {points:,} points, and a study {MOST_TRIALS:,} trials at most.",
            hint="Search fewer values, or say how many of the points are tried: --trials N.",
        )
    if study.algorithm is Algorithm.GRID and points is not None and study.resumes is None:
        notes = (f"the grid has {points:,} points, so there are {points:,} trials",)
        fitted = dataclasses.replace(study, trials=points)
        return (fitted, () if is_open else notes) if is_open or study.trials > points else (study, ())
    return study, (f"trials is not given, so there are {study.trials:,}",) if is_open else ()
