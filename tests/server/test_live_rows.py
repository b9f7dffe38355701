from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.event_files import event, record
from support.queued import Jobs

from mlmagic.backends.google.remote import RemoteRecord, write_remote
from mlmagic.errors import BackendError, NotFoundError
from mlmagic.filters.parser import parse
from mlmagic.filters.sort import parse_sort
from mlmagic.server.curves_growing import CurveFolders
from mlmagic.server.job_rows_table import PageQuery
from mlmagic.server.live import SPARKLINE_POINTS, LiveJobs
from mlmagic.server.live_rows import RowReader
from mlmagic.server.live_study import LiveStudies
from mlmagic.spec.codec import dumps
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, Origin, PackageReference, Placement
from mlmagic.spec.monitoring_alert import MonitorStatus
from mlmagic.spec.names import trial_job_id
from mlmagic.spec.study import Goal, Measurement, Parameter, ParameterKind, StudySpec, Trial, TrialState
from mlmagic.workspace.cloud_trouble import write_trouble
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.events import EventLog
from mlmagic.workspace.layout import JobFolder, Workspace
from mlmagic.workspace.processes import ProcessIdentity
from mlmagic.workspace.rows import write_job
from mlmagic.workspace.studies import open_trials

NOW = datetime.now(UTC)
RATE = Parameter(name="rate", kind=ParameterKind.DOUBLE, minimum=0.0, maximum=1.0)
STUDY = StudySpec(metric="auc", goal=Goal.MAXIMIZE, parameters=(RATE,), trials=4)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(open_workspace(Workspace(tmp_path / ".mlmagic")))


@pytest.fixture
def rows(jobs: Jobs) -> RowReader:
    return RowReader(jobs.database, LiveJobs(jobs.workspace, CurveFolders()), LiveStudies(jobs.workspace))


@pytest.fixture
def run(jobs: Jobs) -> Callable[..., JobFolder]:
    """Make a job that seems to run in this process."""

    def run(**fields: object) -> JobFolder:
        folder = jobs.make("", **fields)
        jobs.store.claim(folder.id, ProcessIdentity.current())
        advance(jobs, folder, JobState.RUNNING, start_time=NOW - timedelta(seconds=100))
        return folder

    return run


def advance(jobs: Jobs, folder: JobFolder, state: JobState, **changes: object) -> None:
    jobs.store.advance(folder.id, expect=frozenset(JobState), to=state, now=datetime.now(UTC), **changes)


def end(jobs: Jobs, folder: JobFolder, **metrics: float) -> None:
    advance(jobs, folder, JobState.SUCCEEDED, end_time=NOW, metrics=metrics)


def write_points(folder: JobFolder, tag: str, *values: float) -> None:
    folder.tensorboard_dir.mkdir(parents=True, exist_ok=True)
    data = b"".join(record(event(step, **{tag: value})) for step, value in enumerate(values))
    (folder.tensorboard_dir / "1.tfevents").write_bytes(data)


def test_a_list_is_a_page_of_it_with_what_there_is_in_all(jobs: Jobs, rows: RowReader) -> None:
    made = [jobs.make("", create_time=NOW + timedelta(seconds=number)).id for number in range(7)]
    page = rows.page(PageQuery(limit=3, offset=2))
    assert [row.summary.id for row in page.jobs] == made[::-1][2:5]
    assert (page.total, page.unfinished) == (7, 7)
    assert page.event == EventLog(jobs.database).last_id()


@pytest.mark.parametrize(("limit", "offset", "total"), [(7, 0, 7), (50, 0, 7), (50, 5, 7), (50, 7, 7), (50, 99, 7)])
def test_the_total_is_right_on_every_page(jobs: Jobs, rows: RowReader, limit: int, offset: int, total: int) -> None:
    for _ in range(7):
        jobs.make("")
    assert rows.page(PageQuery(limit=limit, offset=offset)).total == total


def test_a_filter_and_an_order_are_those_of_the_api(jobs: Jobs, rows: RowReader) -> None:
    good, better, other = (jobs.make("", labels={"team": team}) for team in ("a", "a", "b"))
    end(jobs, good, accuracy=0.8)
    end(jobs, better, accuracy=0.9)
    page = rows.page(PageQuery(where=parse("labels.team=a"), sort_by=parse_sort("~metrics.accuracy")))
    assert [row.summary.id for row in page.jobs] == [better.id, good.id]
    assert (page.total, page.unfinished) == (2, 1)
    assert [row.summary.id for row in rows.page(PageQuery(where=parse("state=QUEUED"))).jobs] == [other.id]


def test_thousands_of_jobs_are_read_a_page_at_a_time(jobs: Jobs, rows: RowReader) -> None:
    spec = JobSpec(display_name="taxi", package=PackageReference(digest="d"))
    with jobs.database.write() as connection:
        for number in range(2_000):
            time_made = NOW + timedelta(seconds=number)
            write_job(
                connection,
                JobRecord(
                    id=f"taxi-20260131-000000-{number:04x}",
                    spec=spec,
                    state=JobState.SUCCEEDED,
                    create_time=time_made,
                    update_time=time_made,
                ),
            )
    page = rows.page(PageQuery(offset=1_000))
    assert (page.total, len(page.jobs)) == (2_000, 50)
    assert page.jobs[0].summary.id == f"taxi-20260131-000000-{999:04x}"


def test_trials_are_left_out_unless_they_are_asked_for(rows: RowReader, run: Callable[..., JobFolder]) -> None:
    study = run(kind=JobKind.TUNING, study=STUDY)
    trial = run(parent=study.id, trial=1)
    assert [row.summary.id for row in rows.page(PageQuery()).jobs] == [study.id]
    assert {row.summary.id for row in rows.page(PageQuery(trials=True)).jobs} == {study.id, trial.id}
    assert [row.summary.id for row in rows.page(PageQuery(where=parse("trial=1"))).jobs] == [trial.id]
    assert [row.summary.id for row in rows.page(PageQuery(ids=(trial.id,))).jobs] == [trial.id]
    assert rows.page(PageQuery(trials=True)).unfinished == 1


def test_no_ids_are_made_up(jobs: Jobs, rows: RowReader) -> None:
    job = jobs.make("")
    page = rows.page(PageQuery(ids=("taxi-20260131-000000-ffff", job.id)))
    assert ([row.summary.id for row in page.jobs], page.total) == ([job.id], 1)


def test_a_row_tells_which_cell_it_came_from(jobs: Jobs, rows: RowReader) -> None:
    origin = Origin(notebook="taxi.ipynb", cell_id="abc", cell_number=3)
    assert rows.row(jobs.make("", origin=origin).id).origin == origin


def test_a_job_that_is_not_there_is_told_with_the_nearest(jobs: Jobs, rows: RowReader) -> None:
    job = jobs.make("")
    with pytest.raises(NotFoundError, match=job.id):
        rows.row(job.id[:-1] + "x")


def test_a_running_job_has_what_moves(rows: RowReader, run: Callable[..., JobFolder]) -> None:
    job = run()
    job.logs.mkdir(exist_ok=True)
    job.log().write_text("Epoch 3/4\n")
    write_points(job, "loss", 3.0, 2.0, 1.0)
    row = rows.row(job.id)
    assert row.fraction == 0.5
    assert row.eta_seconds is not None
    assert row.headline is not None
    assert (row.headline.name, row.headline.points) == ("loss", (3.0, 2.0, 1.0))


def test_the_time_that_is_left_counts_from_the_attempt_that_runs(
    jobs: Jobs, rows: RowReader, run: Callable[..., JobFolder]
) -> None:
    job = run()
    advance(jobs, job, JobState.QUEUED)
    jobs.store.claim(job.id, ProcessIdentity.current())
    advance(jobs, job, JobState.RUNNING)
    (row,) = rows.table.rows([job.id])
    assert row.began is not None
    assert row.summary.start_time is not None
    assert row.began > row.summary.start_time + timedelta(seconds=50)


def test_a_job_that_has_ended_has_its_final_metric_and_nothing_that_moves(
    jobs: Jobs, rows: RowReader, run: Callable[..., JobFolder]
) -> None:
    job = run()
    job.logs.mkdir(exist_ok=True)
    job.log().write_text("Epoch 3/4\n")
    write_points(job, "loss", 3.0, float("nan"), 1.0)
    end(jobs, job, loss=1.0, accuracy=0.5)
    row = rows.row(job.id)
    assert row.headline is not None
    assert (row.headline.name, row.headline.value, row.headline.points) == ("loss", 1.0, (3.0, 1.0))
    assert (row.fraction, row.eta_seconds, row.cores) == (None, None, None)


def test_jobs_in_the_queue_tell_what_they_wait_for(jobs: Jobs, rows: RowReader) -> None:
    huge = Placement(cores=1.0, memory_bytes=1)
    first, second = jobs.make("", placement=huge).id, jobs.make("", placement=huge).id
    told = {row.summary.id: row.waiting_for for row in rows.page(PageQuery()).jobs}
    assert told == {first: "it is being started", second: "1 job before it"}


def test_jobs_in_the_cloud_tell_what_they_wait_for_and_that_it_cannot_be_asked(jobs: Jobs, rows: RowReader) -> None:
    unsent, sent, here = (jobs.make("", backend=name) for name in ("google", "google", "local"))
    name = "projects/p/locations/r/customJobs/1"
    write_remote(sent, RemoteRecord(attempt=1, project="p", region="r", sent_time=NOW, name=name))
    write_trouble(jobs.workspace, "google", BackendError("no network"))
    told = {row.summary.id: (row.waiting_for, row.trouble) for row in rows.page(PageQuery()).jobs}
    assert told == {
        unsent.id: ("it could not be sent yet: no network.", None),
        sent.id: ("Vertex AI has not begun to start it", "no network."),
        here.id: ("it is being started", None),
    }
    advance(jobs, sent, JobState.PENDING)
    assert rows.row(sent.id).waiting_for == "its machines are being made ready"


def test_a_study_and_its_trials_are_told_by_the_objective(
    jobs: Jobs, rows: RowReader, run: Callable[..., JobFolder]
) -> None:
    study = run(kind=JobKind.TUNING, study=STUDY)
    trial = run(parent=study.id, trial=1)
    write_points(trial, "auc", 0.25)
    assert rows.row(study.id).note == "0/4 trials"
    with open_trials(study) as log:
        log.write(_trial(study.id, 1, 0.75))
        log.write(_trial(study.id, 2, 0.5))
    row = rows.row(study.id)
    assert (row.note, row.fraction) == ("2/4 trials · best 0.7500", 0.5)
    assert row.headline is not None
    assert (row.headline.name, row.headline.value, row.headline.points) == ("auc", 0.75, (0.75, 0.5))
    told = rows.row(trial.id)
    assert told.note == "auc 0.7500 · rate=0.1"
    assert told.headline is not None
    assert told.headline.name == "auc"


def test_the_curve_of_a_study_begins_and_ends_with_its_trials(
    jobs: Jobs, rows: RowReader, run: Callable[..., JobFolder]
) -> None:
    study = run(kind=JobKind.TUNING, study=STUDY)
    with open_trials(study) as log:
        for number in range(1, 101):
            log.write(_trial(study.id, number, number / 100))
    headline = rows.row(study.id).headline
    assert headline is not None
    assert (len(headline.points), headline.points[0], headline.points[-1]) == (SPARKLINE_POINTS, 0.01, 1.0)


def test_the_row_of_a_study_whose_folder_is_gone_is_still_told(
    jobs: Jobs, rows: RowReader, run: Callable[..., JobFolder]
) -> None:
    study = run(kind=JobKind.TUNING, study=STUDY)
    study.spec.unlink()
    assert rows.row(study.id).note is None


def _trial(study: str, number: int, value: float) -> Trial:
    return Trial(
        number=number,
        parameters={"rate": "0.1"},
        state=TrialState.SUCCEEDED,
        job=trial_job_id(study, number),
        suggest_time=NOW,
        final=Measurement(step=1, value=value),
    )


def test_monitoring_is_told_by_its_looks_and_not_by_the_distance_of_one_feature(
    rows: RowReader, run: Callable[..., JobFolder]
) -> None:
    job = run(kind=JobKind.MONITORING)
    write_points(job, "monitoring/fare/distance", 0.1, 0.2)
    assert (rows.row(job.id).note, rows.row(job.id).headline) == (None, None)
    status = MonitorStatus(looks=2, last_look=NOW, alerts=1, alerts_told=3, problem="the disk is full")
    job.monitoring.mkdir()
    job.monitor_status.write_text(dumps(status))
    told = f"2 looks, the last at {NOW:%H:%M:%S} UTC · 1 alert now, 3 in all"
    assert rows.row(job.id).note == f"{told} · the newest look failed: the disk is full"
