from __future__ import annotations

import importlib.util
import json
import os
import sys

import pytest
from support.boards import ask, events, no_board_left, read_json, wait_for_runs, write_events
from support.studies import PROGRAM, study_spec, submit_study

from mlmagic.api import boards as api
from mlmagic.api.board_curves import read_board_curves
from mlmagic.api.board_sources import read_sources, unique_names
from mlmagic.api.boards import StaticBoard, boards, stop_boards, tensorboard
from mlmagic.backends.base import Backend
from mlmagic.errors import MissingDependencyError, NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.board import BoardPage, BoardSource, BoardSpec, BoardViewer
from mlmagic.spec.board_viewer import server_notice
from mlmagic.spec.job import JobKind
from mlmagic.tensorboards.record import key_of
from mlmagic.testing.driving import FOREVER, submit, wait_for

WRITES = """
import os
folder = os.environ["AIP_TENSORBOARD_LOG_DIR"] + "train"
os.makedirs(folder)
with open(folder + "/events.out.tfevents.1.host", "wb") as file:
    file.write({})
"""


@pytest.fixture
def here(tmp_path):
    """A session whose jobs are processes."""
    environ = {"MLMAGIC_BACKEND": "local", "MLMAGIC_WARM_STARTS": "off"}
    with no_board_left(Session(environ=environ, start=tmp_path)) as session:
        yield session


@pytest.fixture
def jobs(session):
    """Jobs of all kinds, with the folders that the local backend would make."""
    backend, running = session.backend(), []

    def submitted(name: str, **fields: object) -> str:
        record = submit(backend, FOREVER, name=name, **fields)
        running.append(record.id)
        session.location.job(record.id).root.mkdir(parents=True)
        return record.id

    yield submitted
    for job_id in running:
        backend.cancel(job_id)
        wait_for(backend, job_id)


def names(spec):
    return [source.name for source in spec.sources]


def test_the_scalars_of_two_trials_are_shown_by_their_names(here):
    payloads = {1: events(0.5, 0.25), 2: events(0.75, 0.5, 0.125)}
    source = f"{PROGRAM}{WRITES.format(f'{payloads!r}[trial]')}report(value)\n"
    study = submit_study(here.backend(), source, study=study_spec(trials=2))
    board = tensorboard("flights", session=here)
    wait_for(here.backend(), study.id)
    wait_for_runs(board.url, "flights/1/train", "flights/2/train")
    points = read_json(board.url, "data/plugin/scalars/scalars?run=flights/2/train&tag=loss")
    assert [(step, value) for _, step, value in points] == [(0, 0.75), (1, 0.5), (2, 0.125)]
    assert ask(f"http://127.0.0.1:{board.record.port}/data/plugin/scalars/tags")[0] == 404
    assert tensorboard("flights", session=here).url == board.url
    here.backend().delete(study.id)
    wait_for_runs(board.url)


def test_a_job_without_events_yet_and_a_folder_that_comes_later(here, tmp_path):
    job = submit(here.backend(), "", name="taxi")
    wait_for(here.backend(), job.id)
    board = tensorboard("taxi", logdir=tmp_path / "logs", session=here)
    assert (names(board.spec), read_json(board.url, "data/runs")) == (["taxi", "logs"], [])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/events.out.tfevents.1.host").write_bytes(events(0.5))
    wait_for_runs(board.url, "logs")


def test_boards_are_listed_and_stopped_by_what_they_show(here, tmp_path):
    first = tensorboard(logdir=tmp_path / "a", session=here)
    second = tensorboard(logdir=[tmp_path / "b", tmp_path / "a"], session=here)
    assert [board.url for board in boards(session=here)] == [second.url, first.url]
    assert f"{first.url}\n" not in str(boards(session=here)[:1])
    assert [board.url for board in stop_boards(logdir=tmp_path / "b", session=here)] == [second.url]
    assert (first.is_running, second.is_running) == (True, False)
    assert str(second).startswith("TensorBoard of b, a: ended\nStart it again: %tensorboard --logdir ")
    assert len(stop_boards(session=here)) == 1
    assert (repr(first.stop()), repr(boards(session=here))) == ("<Board of a>", "<BoardList of 0>")


def test_it_is_shown_as_a_frame_and_as_an_address(here, tmp_path):
    board = tensorboard(logdir=tmp_path, session=here)
    shown = board._repr_mimebundle_()
    assert f' src="{board.url}"' in shown["text/html"]
    assert board.url in shown["text/plain"]
    assert board.url in str(board)
    assert isinstance(board.page(), BoardPage)
    assert json.dumps(shown)


def test_in_a_kernel_of_a_server_it_is_below_the_servers_address(tmp_path):
    told = server_notice(os.getpid(), "/user/ada/", str(tmp_path / ".mlmagic"))
    environ = {"MLMAGIC_SERVER": told, "JPY_PARENT_PID": str(os.getpid())}
    with no_board_left(Session(environ=environ, start=tmp_path)) as session:
        board = tensorboard(logdir=tmp_path, session=session)
        shown = str(board._repr_mimebundle_()) + str(boards(session=session)._repr_mimebundle_())
    assert f'src="/user/ada/mlmagic/tensorboard/{board.key}/"' in shown
    assert board.record.prefix not in shown


@pytest.mark.parametrize("variable", ["COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"])
def test_where_no_browser_gets_at_a_port_the_curves_are_shown_and_nothing_is_started(tmp_path, variable):
    write_events(tmp_path / "logs/train", 0.5, 0.25)
    with no_board_left(Session(environ={variable: "1"}, start=tmp_path)) as session:
        board = tensorboard(logdir=tmp_path / "logs", session=session)
        assert isinstance(board, StaticBoard)
        assert len(boards(session=session)) == 0
    shown = board._repr_mimebundle_()
    assert "no browser can get at a port" in shown["text/plain"]
    assert shown["text/plain"].splitlines()[-1].split() == ["logs", "loss", "1", "0.2500"]
    assert "<svg " in shown["text/html"]
    assert str(board) == shown["text/plain"]
    assert repr(board) == "<StaticBoard of logs>"


@pytest.mark.parametrize("is_told_by_its_environment", [True, False])
def test_in_vs_code_the_curves_are_shown_beside_the_way_to_the_board(tmp_path, is_told_by_its_environment):
    write_events(tmp_path / "logs/train", 0.5, 0.25)
    environ = {"VSCODE_PID": "1"} if is_told_by_its_environment else {}
    with no_board_left(Session(environ=environ, start=tmp_path)) as session:
        session.is_in_vs_code = not is_told_by_its_environment
        board = tensorboard(logdir=tmp_path / "logs", session=session)
        shown = board._repr_mimebundle_()
    assert f'<a href="{board.url}"' in shown["text/html"]
    assert "<svg " in shown["text/html"]
    assert "<iframe" not in shown["text/html"]
    assert "VS Code shows no page" in shown["text/plain"]


def test_curves_are_of_a_few_runs_and_points_the_last_among_them(tmp_path):
    for number in range(6):
        write_events(tmp_path / f"run-{number}", *(1 / (step + 1) for step in range(1000)))
    sources = tuple(BoardSource(name=f"run-{n}", folder=str(tmp_path / f"run-{n}")) for n in range(6))
    page = read_board_curves(BoardSpec(sources=sources, workspace=str(tmp_path)), BoardViewer())
    assert ([curve.run for curve in page.curves], page.runs) == (["run-0", "run-1", "run-2", "run-3"], 6)
    steps = page.curves[0].steps
    assert (len(steps), steps[0], steps[-1]) == (200, 0, 999)
    assert page.curves[0].values[-1] == pytest.approx(0.001)


def test_the_curves_of_a_board_keep_what_stands_out(tmp_path):
    values = [1.0] * 1_000
    values[321] = 9.0
    write_events(tmp_path / "logs", *values)
    source = BoardSource(name="run", folder=str(tmp_path / "logs"))
    page = read_board_curves(BoardSpec(sources=(source,), workspace=str(tmp_path)), BoardViewer())
    (curve,) = page.curves
    assert len(curve.steps) <= 200
    assert (321, 9.0) in zip(curve.steps, curve.values, strict=True)


def test_flags_are_part_of_what_a_board_is(session, tmp_path):
    plain = read_sources(session, [], logdir=tmp_path)
    assert read_sources(session, [], logdir=tmp_path, flags={"host": "localhost", "port": 0}) == plain
    spec = read_sources(session, [], logdir=tmp_path, flags={"window_title": "a b", "reload-interval": 2.5})
    assert spec.flags == {"reload_interval": "2.5", "window_title": "a b"}
    assert spec.command.endswith(" --reload_interval 2.5 --window_title 'a b'")
    assert key_of(spec) != key_of(plain)


def test_runs_may_be_named_as_tensorboard_names_them(session, tmp_path):
    told = f"mine:{tmp_path}/a,{tmp_path}/b:c"
    spec = read_sources(session, [], flags={"logdir_spec": told})
    assert [(source.name, source.folder) for source in spec.sources] == [
        ("mine", f"{tmp_path}/a"),
        ("b:c", f"{tmp_path}/b:c"),
    ]
    assert spec.flags == {}
    with pytest.raises(UsageError, match=r"'\.\.' cannot be the name of a run[\s\S]*'a/b' cannot be"):
        read_sources(session, [], flags={"logdir_spec": "..:/x,a/b:/y"})


def test_jobs_are_called_by_their_names_and_trials_after_their_study(session, jobs):
    taxi, first = jobs("taxi"), jobs("boats")
    second = jobs("boats")
    study = jobs("flights", kind=JobKind.TUNING, study=study_spec())
    trial = jobs("flights", parent=study, trial=7)
    spec = read_sources(session, [taxi, study, trial], best=2)
    assert names(spec) == ["taxi", "flights", "flights/7"]
    assert [source.best for source in spec.sources] == [None, 2, None]
    assert spec.command == f"%tensorboard {taxi} {study} {trial} --best 2"
    promoted = jobs("flights")
    assert [source.job for source in read_sources(session, ["flights"], best=2).sources] == [study]
    assert [source.job for source in read_sources(session, ["flights"]).sources] == [promoted]
    ends = [job.rpartition("-")[2] for job in (first, second)]
    assert names(read_sources(session, [first, second, "boats"])) == [f"boats-{end}" for end in ends]


def test_by_default_it_is_the_newest_job_that_trains(session, jobs):
    jobs("taxi")
    study = jobs("flights", kind=JobKind.TUNING, study=study_spec())
    jobs("flights", parent=study, trial=1)
    jobs("rides", kind=JobKind.PREPROCESSING)
    assert names(read_sources(session, [])) == ["flights"]


def test_folders_are_called_as_they_are_and_never_twice(session, jobs, tmp_path):
    jobs("logs")
    folders = [str(tmp_path / "logs"), tmp_path / "x/logs", tmp_path / "logs", "/"]
    spec = read_sources(session, ["logs"], logdir=folders)
    assert names(spec) == ["logs", "logs-2", "logs-3", "logs-4"]
    assert [source.folder for source in spec.sources][1:] == [str(folders[0]), str(folders[1]), "/"]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["a-20260101-000000-ab12"], ["a"]),
        (["a-20260101-000000-ab12", "a-20260101-000001-cd34"], ["a-ab12", "a-cd34"]),
        (["a-20260101-000000-ab12", "a-20260101-000001-ab12"], ["a-000000-ab12", "a-000001-ab12"]),
        (
            ["a-20260101-000000-ab12", "a-20260101-000001-cd34", "a-ab12-20260101-000000-ef56"],
            ["a-20260101-000000-ab12", "a-20260101-000001-cd34", "a-ab12-20260101-000000-ef56"],
        ),
    ],
)
def test_names_that_clash_get_the_end_of_the_id(ids, expected):
    found = unique_names({job: job[:-21] for job in ids})
    assert [found[job] for job in ids] == expected


def test_all_that_does_not_fit_is_told_at_once(session, jobs, tmp_path):
    rides = jobs("rides", kind=JobKind.PREPROCESSING)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as caught:
        read_sources(session, ["rides", "taxe"], best=0, logdir=["gs://bucket/logs", tmp_path / "file"])
    assert str(caught.value) == (
        "tensorboard cannot take these arguments:\n"
        f"  - {rides} is a preprocessing job, which writes nothing for TensorBoard.\n"
        "  - there is no job 'taxe'.\n"
        "  - logdir 'gs://bucket/logs' is no folder of this machine.\n"
        f"  - logdir {str(tmp_path / 'file')!r} is a file; name the folder that it is in.\n"
        "  - best 0 must be 1 or more."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"best": 3}, "best chooses among the trials of a study, and no study is named.\n%tune list shows all."),
        ({"best": "3"}, "best must be a whole number, not str '3'."),
        ({"logdir": 3}, "logdir is a folder or a list of folders, not int 3"),
        ({"logdir": "a\0b"}, "logdir 'a\\x00b' is no folder of this machine."),
        ({"logdir": ""}, "logdir '' is no folder of this machine."),
    ],
)
def test_one_wrong_argument_is_told_as_it_is(session, jobs, arguments, message):
    jobs("taxi")
    with pytest.raises(UsageError) as caught:
        tensorboard("taxi", **arguments, session=session)
    assert str(caught.value).startswith(message)


def test_without_jobs_there_is_nothing_to_show(session):
    with pytest.raises(NotFoundError) as caught:
        tensorboard(session=session)
    assert str(caught.value) == (
        "there is no job yet that TensorBoard could show.\nTrain one: %%train NAME. Or show a folder: --logdir DIR"
    )


def test_a_job_whose_folder_is_elsewhere_has_nothing_to_show(session):
    backend: Backend = session.backend()
    job = submit(backend, "", name="taxi")
    with pytest.raises(NotFoundError, match=f"^{job.id} has no folder in .*, so no logs to show.$"):
        tensorboard("taxi", session=session)


def test_without_tensorboard_the_line_that_installs_it_is_told(session, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(api, "find_spec", lambda name: None if name == "tensorboard" else found(name))
    with pytest.raises(MissingDependencyError) as caught:
        tensorboard(logdir=tmp_path, session=session)
    assert str(caught.value) == (
        f"TensorBoard is not installed in {sys.prefix}.\nInstall it: %pip install 'tensorboard>=2.21,<2.22'"
    )


def test_a_study_means_the_boards_of_its_trials_too(session, jobs):
    study = jobs("flights", kind=JobKind.TUNING, study=study_spec())
    trial = jobs("flights", parent=study, trial=7)
    alone, asked = read_sources(session, [trial]), read_sources(session, [study])
    assert alone.shows_any(asked)
    assert not asked.shows_any(alone)
    assert not read_sources(session, [jobs("flights")]).shows_any(asked)


def test_a_board_of_a_trial_is_stopped_by_its_study(here):
    study = submit_study(here.backend(), f"{PROGRAM}report(value)\n", study=study_spec(trials=1))
    wait_for(here.backend(), study.id)
    board, other = tensorboard("flights/1", session=here), tensorboard(logdir=here.location.root, session=here)
    assert [one.url for one in stop_boards("flights", session=here)] == [board.url]
    assert (board.is_running, other.is_running) == (False, True)
