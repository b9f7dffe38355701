"""Studies as jobs of this machine, from submission to their end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from support.agents import until
from support.studies import PROGRAM, REPORTS, misfits, study_spec, submit_study

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.errors import NotFoundError
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.spec.study import (
    Algorithm,
    Condition,
    EarlyStopping,
    Goal,
    MeasurementSelection,
    Parameter,
    ParameterKind,
    StoppingRule,
    Study,
    TrialState,
)
from mlmagic.testing.backends import COLD, FOREVER, make_package, read_log, wait_for
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import read_study

RunStudy = Callable[..., tuple[JobRecord, Study]]


def reasons(study: Study) -> dict[int, str | None]:
    return {trial.number: trial.reason for trial in study.trials if trial.state is TrialState.INFEASIBLE}


def test_a_study_makes_its_trials(backend: LocalBackend, workspace: Workspace, run_study: RunStudy) -> None:
    record, study = run_study(study=study_spec(trials=5, parallel=2), args=("--epochs=3",), labels={"owner": "ada"})
    assert [trial.state for trial in study.trials] == [TrialState.SUCCEEDED] * 5
    assert misfits(workspace, study.id) == {}
    best = study.best
    assert best is not None
    assert best.final is not None
    assert record.metrics == {"loss": best.final.value, "trials": 5, "trials_failed": 0, "best_trial": best.number}
    assert (record.message or "").startswith("5 trials · best loss ")
    trial = backend.get(best.job).spec
    assert trial.args == ("--epochs=3", *(f"--{name}={text}" for name, text in best.parameters.items()))
    assert trial.flags == best.parameters
    assert (trial.parent, trial.trial, trial.study, trial.labels) == (study.id, best.number, None, {"owner": "ada"})


def test_one_after_the_other_each_knows_what_the_one_before_has_found(run_study: RunStudy) -> None:
    _, study = run_study(study=study_spec(trials=3))
    assert [trial.seen for trial in study.trials] == ["", "1", "1-2"]


def test_a_study_waits_for_none_of_its_trials(backend: LocalBackend, run_study: RunStudy) -> None:
    record, study = run_study(study=study_spec(trials=1))
    placement, trial = record.spec.placement, backend.get(study.trials[0].job).spec.placement
    assert placement is not None
    assert trial is not None
    assert (placement.cores, placement.memory_bytes, trial.cores) == (0, 0, 1)


def test_the_log_tells_what_happened(backend: LocalBackend, run_study: RunStudy) -> None:
    record, study = run_study(study=study_spec(trials=2))
    values = [trial.final.value for trial in study.trials if trial.final]
    lines = read_log(backend, record.id).splitlines()
    assert lines[:3] == [
        "Bayesian search over lr, units to minimize loss: 2 trials, one after the other",
        "trial 1: lr=0.01 units=32",
        f"trial 1 succeeded: loss {values[0]:.6g} at step 1, the best so far",
    ]
    assert lines[-1] == f"mlmagic: {record.message}"


EACH_IN_ITS_WAY = (
    PROGRAM
    + """
if trial == 2:
    os.kill(os.getpid(), 9)
if trial == 3:
    time.sleep(600)
if trial == 5:
    import nothing_there
if trial == 6:
    report(value, tag="accuracy")
elif trial == 4:
    report(value, float("nan"))
elif trial != 7:
    report(value)
"""
)


def test_each_way_to_fail_is_counted_and_the_study_goes_on(run_study: RunStudy) -> None:
    spec = study_spec(trials=12, parallel=2, max_failed=7, algorithm=Algorithm.RANDOM)
    record, study = run_study(EACH_IN_ITS_WAY, study=spec, timeout_seconds=10.0)
    assert (record.state, len(study.trials)) == (JobState.SUCCEEDED, 12)
    assert reasons(study) == {
        2: "the program was ended by SIGKILL: the machine may have run out of memory",
        3: "the program ran longer than its timeout of 10 s",
        4: "its loss is NaN at step 2",
        5: "ModuleNotFoundError: No module named 'nothing_there'",
        6: "it did not report loss; what it reported: accuracy",
        7: "it did not report loss",
    }
    assert (record.message or "").endswith("· 6 failed")


def test_a_package_that_crashes_at_import(run_study: RunStudy) -> None:
    record, study = run_study("import nothing_there\n", study=study_spec(trials=20, parallel=2))
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.message in {"its first 3 trials failed", "its first 4 trials failed"}
    assert "ModuleNotFoundError: No module named 'nothing_there'" in (record.error.details or "")
    assert (record.attempt, len(study.trials)) in {(1, 3), (1, 4)}


def test_the_last_allowed_failure_ends_the_study(backend: LocalBackend, run_study: RunStudy) -> None:
    source = PROGRAM + "report(value) if trial != 2 else sys.exit(3)\nif trial == 1:\n    time.sleep(600)\n"
    record, study = run_study(source, study=study_spec(trials=9, parallel=2, max_failed=1))
    assert record.error is not None
    assert record.error.message == "1 of 1 trials failed, and --max-failed is 1"
    assert reasons(study) == {1: "cancelled with its study", 2: "the program ended with exit status 3"}
    assert wait_for(backend, study.trials[0].job).state is JobState.CANCELLED


def test_a_study_that_is_cancelled_takes_its_trials_along(backend: LocalBackend, workspace: Workspace) -> None:
    study_id = submit_study(backend, FOREVER, study=study_spec(trials=9, parallel=2)).id
    until(lambda: len(backend.list(trials=True, states={JobState.RUNNING})) == 3)
    backend.cancel(study_id)
    jobs = [row.id for row in backend.list(trials=True)]
    assert {wait_for(backend, job_id).state for job_id in jobs} == {JobState.CANCELLED}
    assert set(reasons(read_study(workspace, study_id)).values()) == {"cancelled with its study"}
    assert len(jobs) == 3


def test_a_trial_that_was_cancelled_by_hand_is_infeasible(backend: LocalBackend, workspace: Workspace) -> None:
    source = PROGRAM + "report(value)\nif trial == 1:\n    time.sleep(600)\n"
    study_id = submit_study(backend, source, study=study_spec(trials=2)).id
    until(lambda: bool(backend.list(trials=True, states={JobState.RUNNING}, where=None)[1:]))
    backend.cancel(backend.resolve("flights/1"))
    assert wait_for(backend, study_id).state is JobState.SUCCEEDED
    assert reasons(read_study(workspace, study_id)) == {1: "it was cancelled"}


def test_a_grid_ends_when_all_of_it_was_searched(backend: LocalBackend, run_study: RunStudy) -> None:
    units = Parameter(name="units", kind=ParameterKind.DISCRETE, numbers=(8, 16, 20))
    spec = study_spec(parameters=(units,), trials=10, algorithm=Algorithm.GRID, goal=Goal.MAXIMIZE)
    source = REPORTS.replace('"--lr", type=float', '"--lr", type=float, default=0.1')
    record, study = run_study(source, study=spec)
    assert [trial.parameters["units"] for trial in study.trials] == ["8", "16", "20"]
    assert study.best is not None
    assert study.best.number == 1
    assert "the whole grid was searched" in read_log(backend, record.id)


def test_a_trial_gets_the_parameters_that_apply(backend: LocalBackend, run_study: RunStudy) -> None:
    kinds = Parameter(name="kind", kind=ParameterKind.CATEGORICAL, categories=("plain", "with momentum"))
    momentum = Parameter(
        name="momentum",
        kind=ParameterKind.DISCRETE,
        numbers=(0.5,),
        condition=Condition(parameter="kind", values=("with momentum",)),
    )
    source = PROGRAM.replace("args =", "print(sys.argv[1:])\nsys.argv[1:] = ['--lr=1', '--units=1']\nargs =")
    spec = study_spec(parameters=(kinds, momentum), trials=2, algorithm=Algorithm.GRID)
    _, study = run_study(source + "report(value)\n", study=spec)
    logs = [read_log(backend, trial.job).splitlines()[0] for trial in study.trials]
    assert logs == ["['--kind=plain']", "['--kind=with momentum', '--momentum=0.5']"]


def test_a_trial_that_gets_nowhere_is_stopped(backend: LocalBackend, run_study: RunStudy) -> None:
    source = PROGRAM + "report(5, 4, 3, 2, 1) if trial < 7 else (report(9, 9, 9), time.sleep(600))\n"
    rule = EarlyStopping(rule=StoppingRule.MEDIAN)
    record, study = run_study(source, study=study_spec(trials=7, early_stopping=rule, algorithm=Algorithm.RANDOM))
    stopped = study.trials[-1]
    assert (stopped.state, stopped.is_stopped_early) == (TrialState.SUCCEEDED, True)
    assert (stopped.reason or "").startswith("its best after step 3, 9, is worse than")
    assert backend.get(stopped.job).message == f"stopped early: {stopped.reason}"
    assert f"trial 7 stopped early, {stopped.reason}: loss 9 at step 3" in read_log(backend, record.id)


def test_scalars_are_enough_here_with_a_notice(backend: LocalBackend, run_study: RunStudy) -> None:
    source = PROGRAM + (
        "from mlmagic.runtime.crc32c import masked_crc32c\nfrom tensorboard.compat.proto.event_pb2 import Event\n"
        "import struct\nevent = Event(wall_time=time.time(), step=1)\n"
        "event.summary.value.add(tag='loss', simple_value=value)\ndata = event.SerializeToString()\n"
        "size = struct.pack('<Q', len(data))\nparts = [size, struct.pack('<I', masked_crc32c(size)), data]\n"
        "parts.append(struct.pack('<I', masked_crc32c(data)))\n"
        "open(os.environ['AIP_TENSORBOARD_LOG_DIR'] + 'events.out.tfevents.1', 'wb').write(b''.join(parts))\n"
    )
    record, study = run_study(source, study=study_spec(trials=2))
    assert [trial.final is not None for trial in study.trials] == [True, True]
    log = read_log(backend, record.id)
    assert log.count("which is possible on this machine alone") == 1
    assert "hyperparameter_metric_tag='loss', metric_value=value, global_step=epoch)" in log


def test_a_trial_runs_with_what_its_study_was_submitted_with(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLIGHTS_OF", "2013")
    source = REPORTS + "print(os.environ['FLIGHTS_OF'], os.environ.get('PYTHONPATH'))\n"
    study_id = submit_study(backend, source, study=study_spec(trials=1)).id
    monkeypatch.setenv("FLIGHTS_OF", "2014")
    assert wait_for(backend, study_id).state is JobState.SUCCEEDED
    study, trial = backend.get(study_id), backend.get(f"{study_id}-1")
    assert trial.spec.environment == study.spec.environment
    assert read_log(backend, trial.id).startswith("2013 ")


def test_a_program_that_reports_with_the_package_itself(run_study: RunStudy) -> None:
    source = PROGRAM + (
        "import hypertune\nreporter = hypertune.HyperTune()\nfor epoch in range(1, 121):\n"
        "    reporter.report_hyperparameter_tuning_metric('loss', value + 1 / epoch, global_step=epoch)\n"
    )
    _, study = run_study(source, study=study_spec(trials=1))
    final = study.trials[0].final
    assert final is not None
    assert final.step == 120
    assert final.elapsed_seconds > 0


def test_a_program_whose_reporter_is_made_anew_each_epoch(run_study: RunStudy) -> None:
    source = PROGRAM + "for epoch in (0.5, 2, 1):\n    report(epoch)\n    time.sleep(1.2 if epoch < 1 else 0)\n"
    _, study = run_study(source, study=study_spec(trials=1, selection=MeasurementSelection.BEST))
    final = study.trials[0].final
    assert final is not None
    assert final.value == 0.5


BOTH_REPORT = (
    PROGRAM
    + """
role = json.loads(os.environ["TF_CONFIG"])["task"]["type"]
if role == "evaluator":
    report(value)
    sys.exit()
report(7, tag="accuracy")
evaluators = os.environ["CLOUD_ML_HP_METRIC_FILE"].replace("chief-0", "evaluator-0")
while not os.path.exists(evaluators) or not os.path.getsize(evaluators):
    time.sleep(0.05)
"""
)


def test_chief_and_evaluator_report_beside_each_other(run_study: RunStudy) -> None:
    pools = (WorkerPool(), WorkerPool(replica_count=0), WorkerPool(replica_count=0), WorkerPool())
    resources = Resources(scale_tier="CUSTOM", worker_pools=pools, is_exact=True)
    record, study = run_study(BOTH_REPORT, study=study_spec(trials=1), resources=resources)
    assert (record.state, study.trials[0].state) == (JobState.SUCCEEDED, TrialState.SUCCEEDED)
    assert study.trials[0].final is not None


def test_what_a_failed_attempt_of_a_trial_reported_does_not_count(run_study: RunStudy) -> None:
    source = PROGRAM + (
        "mark = os.path.join(os.environ['AIP_CHECKPOINT_DIR'], 'mark')\nfirst = not os.path.exists(mark)\n"
        "report(*([0.1] * 3 if first else [0.9]))\nopen(mark, 'w').close()\ntime.sleep(0.8)\nsys.exit(first)\n"
    )
    spec = study_spec(trials=1, selection=MeasurementSelection.BEST)
    _, study = run_study(source, study=spec, max_retries=1)
    assert study.trials[0].final is not None
    assert study.trials[0].final.value == 0.9


@pytest.mark.parametrize("line", ['{"loss": "0.5", "global_step": 1e999}', '{"loss": 1' + "0" * 400 + "}"])
def test_no_report_ends_a_study(run_study: RunStudy, line: str) -> None:
    path = "os.environ['CLOUD_ML_HP_METRIC_FILE']"
    source = PROGRAM + f"report(value)\nif trial == 2:\n    open({path}, 'w').write({line!r})\n"
    record, study = run_study(source, study=study_spec(trials=3))
    assert (record.state, reasons(study)) == (JobState.SUCCEEDED, {2: "it did not report loss"})


def test_what_stands_in_the_package_is_for_trials_alone(backend: LocalBackend) -> None:
    package = make_package(REPORTS)
    package = dataclasses.replace(package, files={**package.files, "numpy.py": b"raise SystemExit(7)\n"})
    reference = PackageReference(digest=package.digest, cold_reason=COLD)
    spec = JobSpec(display_name="flights", kind=JobKind.TUNING, package=reference, study=study_spec(trials=2))
    assert wait_for(backend, backend.submit(spec, package).id).state is JobState.SUCCEEDED


def test_references_to_trials(backend: LocalBackend, run_study: RunStudy) -> None:
    _, study = run_study(study=study_spec(trials=2))
    other = submit_study(backend, name="other", study=study_spec(trials=1)).id
    assert backend.resolve("flights/2") == backend.resolve(f"{study.id}/2") == f"{study.id}-2"
    with pytest.raises(NotFoundError, match=rf"{study.id} has no trial 3\.\s+It has trials 1 to 2\."):
        backend.resolve("flights/3")
    with pytest.raises(NotFoundError, match="there is no job 'nothing/3'"):
        backend.resolve("nothing/3")
    with pytest.raises(NotFoundError, match=f"'{study.id}-2' is no study, so it has no trial 1"):
        backend.resolve(f"{study.id}-2/1")
    wait_for(backend, other)


def test_a_study_is_deleted_with_its_trials(backend: LocalBackend, workspace: Workspace, run_study: RunStudy) -> None:
    _, study = run_study(study=study_spec(trials=2))
    backend.delete(study.id)
    assert backend.list(trials=True) == []
    assert [path.name for path in workspace.jobs.iterdir()] == []
    with pytest.raises(NotFoundError):
        backend.resolve("flights/1")
