"""How a study and its trials are told, in a page and in a terminal alike."""

from __future__ import annotations

from collections.abc import Mapping

from mlmagic.panels.numbers import number
from mlmagic.panels.text import display_width, fit, one_line
from mlmagic.panels.times import coarse_duration
from mlmagic.spec.job import JobState
from mlmagic.spec.study import (
    Algorithm,
    Goal,
    MeasurementSelection,
    Parameter,
    ParameterKind,
    StoppingRule,
    StudySpec,
    Trial,
    TrialState,
)
from mlmagic.spec.study_report import StudyReport, TrialRun

NONE = "—"
BEST = "★"
_VALUE_WIDTH = 40
_CURVES = 3
"""The curves of so many trials are compared."""
_ALGORITHMS: Mapping[Algorithm, str] = {
    Algorithm.BAYESIAN: "Bayesian",
    Algorithm.GRID: "grid",
    Algorithm.RANDOM: "random",
}
_RULES: Mapping[StoppingRule, str] = {StoppingRule.MEDIAN: "by the median", StoppingRule.DECAY_CURVE: "by their curve"}


def goal_text(spec: StudySpec) -> str:
    """Return `minimize val_loss`."""
    return f"{'maximize' if spec.goal is Goal.MAXIMIZE else 'minimize'} {one_line(spec.metric)}"


def search_text(spec: StudySpec) -> str:
    """Return how it is searched: `Bayesian · 2 in parallel · stops trials early by the median`."""
    told = [_ALGORITHMS[spec.algorithm]]
    told += [f"{spec.parallel} in parallel"] if spec.parallel > 1 else []
    if spec.early_stopping:
        by_time = ", compared by time" if spec.early_stopping.use_elapsed_duration else ""
        told.append(f"stops trials early {_RULES[spec.early_stopping.rule]}{by_time}")
    told += ["a trial's best value counts"] if spec.selection is MeasurementSelection.BEST else []
    told += [f"{spec.max_failed} failed trials end it"] if spec.max_failed else []
    told += [f"goes on with {spec.resumes}"] if spec.resumes else []
    told += [f"knows the trials of {', '.join(spec.warm_start)}"] if spec.warm_start else []
    return " · ".join([*told, f"seed {spec.seed}"])


def follows_text(spec: StudySpec) -> str | None:
    """Return what follows the study: `then trains delays`; None where nothing does."""
    return f"then trains {one_line(spec.promotion.model)}" if spec.promotion else None


def promoted_text(report: StudyReport) -> str | None:
    """Return which job trains with what was found, or why there is none that was to; None where there is neither."""
    promoted = report.promoted
    if promoted is None:
        return None
    if promoted.job is None:
        return f"The best trial could not be promoted: {one_line(promoted.reason or '')}"
    return f"{promoted.job} trains {one_line(promoted.model)} with parameters of this study."


def counts_text(report: StudyReport) -> str:
    """Return how far it is: `17 of 24 trials · 2 running · 1 failed · 3 stopped early`."""
    trials, counts = report.study.trials, report.study.counts
    done = sum(trial.state.is_final for trial in trials)
    whole = f"{done} of {report.study.total}" if done != report.study.total else f"{done}"
    told = [f"{whole} trial{'s' * (report.study.total != 1)}"]
    active = len(trials) - done
    told += [f"{active} active"] if active else []
    failed, early = counts.get(TrialState.INFEASIBLE, 0), sum(trial.is_stopped_early for trial in trials)
    told += [f"{failed} failed"] if failed else []
    told += [f"{early} stopped early"] if early else []
    if report.eta_seconds is not None and report.record.state is JobState.RUNNING:
        told.append(f"about {coarse_duration(report.eta_seconds)} left")
    return " · ".join(told)


def short(text: str, width: int) -> str:
    """Return the text on one line, its middle left out where it is too long: names of parameters begin alike."""
    text = one_line(text)
    if display_width(text) <= width:
        return text
    tail = width // 3
    return f"{fit(text, width - tail)}{text[-tail:]}"


def value_text(parameter: Parameter | None, text: str) -> str:
    """Return a value as people read it: a double to four digits, all else as it is."""
    if parameter is None or parameter.kind is not ParameterKind.DOUBLE:
        return fit(text, _VALUE_WIDTH)
    try:
        return f"{float(text):.4g}"
    except ValueError:
        return fit(text, _VALUE_WIDTH)


def first_by_importance(report: StudyReport, most: int) -> list[Parameter]:
    """Return the parameters that mattered most, in the order of the search space."""
    known = sorted(report.spec.parameters, key=lambda each: -report.importance.get(each.name, 0.0))[:most]
    return [each for each in report.spec.parameters if each in known]


def parameters_text(spec: StudySpec, trial: Trial) -> list[str]:
    """Return a trial's parameters, each as `lr=0.01`, in the order of the search space."""
    known = {parameter.name: parameter for parameter in spec.parameters}
    names = [name for name in known if name in trial.parameters]
    names += [name for name in trial.parameters if name not in known]
    return [f"{one_line(name)}={value_text(known.get(name), trial.parameters[name])}" for name in names]


def condition_text(parameter: Parameter) -> str:
    """Return where it applies: `optimizer is sgd or rmsprop`; empty where it always does."""
    condition = parameter.condition
    return f"{one_line(condition.parameter)} is {' or '.join(condition.values)}" if condition else ""


def trial_value(trial: Trial, run: TrialRun) -> float | None:
    """Return what counts of a trial, or of one that goes on what it reported last."""
    if trial.final is not None:
        return trial.final.value
    return run.last.value if run.last is not None and not trial.state.is_final else None


def trial_state_text(trial: Trial, run: TrialRun) -> str:
    """Return what a trial is doing, or how it ended."""
    if trial.state is TrialState.INFEASIBLE:
        return "failed"
    if trial.state is TrialState.SUCCEEDED:
        return "stopped early" if trial.is_stopped_early else "succeeded"
    if trial.state is TrialState.STOPPING:
        return "stopping"
    return "running" if run.state is JobState.RUNNING else "waiting"


def best_text(report: StudyReport) -> str | None:
    """Return `val_loss 0.1234 in trial 17`; None while there is none."""
    best = report.study.best
    if best is None or best.final is None:
        return None
    return f"{one_line(report.spec.metric)} {number(best.final.value)} in trial {best.number}"


def next_commands(report: StudyReport) -> list[str]:
    """Return the magics that make sense now."""
    name, record, best = report.reference, report.record, report.study.best
    if record.state is JobState.CANCELLING:
        return [f"%jobs wait {record.id}"]
    if not record.state.is_final:
        active = next((trial for trial in report.study.trials if not trial.state.is_final), None)
        logs = [f"%jobs logs {report.trial_reference(active)} -f"] if active else []
        plot = [f"%tune plot {name}"] if best else []
        return [f"%jobs wait {record.id}", *logs, *plot, f"%jobs cancel {record.id}"]
    failed = next((trial for trial in report.study.trials if trial.state is TrialState.INFEASIBLE), None)
    logs = [f"%jobs logs {report.trial_reference(failed)}"] if failed else []
    if best is None:
        return logs or [f"%jobs logs {record.id}"]
    job = report.promoted.job if report.promoted else None
    first = f"%jobs describe {job}" if job else f"%tune promote {name}"
    curves = f"%tensorboard {name} --best {_CURVES}"
    return [first, f"%tune plot {name}", curves, f"%jobs logs {report.trial_reference(best)}", *logs]


def trial_commands(report: StudyReport, trial: Trial) -> list[str]:
    """Return the magics that show a trial: what became of it, what it printed, its curves."""
    reference = report.trial_reference(trial)
    return [f"%jobs describe {reference}", f"%jobs logs {reference}", f"%tensorboard {reference}"]
