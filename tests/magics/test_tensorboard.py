from __future__ import annotations

import pytest
from support.boards import ask, no_board_left, read_json, wait_for_runs, write_events

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import current_session
from mlmagic.spec.board import FrontEnd


@pytest.fixture
def logs(shell, folder):
    """A folder of logs; what boards a test starts are ended."""
    write_events(folder / "logs/train", 0.5)
    with no_board_left(current_session()):
        yield folder / "logs"


def test_a_folder_is_shown_listed_and_ended(run, logs, capsys):
    board = run("%tensorboard --logdir logs")
    assert board.url in capsys.readouterr().out
    wait_for_runs(board.url, "logs/train")
    assert [one.url for one in run("%tensorboard --list")] == [board.url]
    assert run("%tensorboard --stop --logdir other") is None
    assert ask(board.url)[0] == 200
    run("%tensorboard --stop")
    assert capsys.readouterr().out.splitlines()[-2:] == ["No such TensorBoard runs.", "Ended the TensorBoard of logs."]
    assert not board.is_running


def test_references_are_read(run, logs):
    with pytest.raises(NotFoundError, match=r"^there is no job 'taxi'"):
        run("%tensorboard taxi")
    with pytest.raises(UsageError, match=r"there is no job 'taxi'.*\n.*there is no job 'flights/7'"):
        run("%tensorboard taxi flights/7 --best 3")
    with pytest.raises(NotFoundError, match=r"^there is no job yet that TensorBoard could show"):
        run("%tensorboard")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%tensorboard --list --stop", "%tensorboard --list goes without --stop."),
        (
            "%tensorboard --list taxi --logdir x --best 2",
            "%tensorboard --list goes without --best and taxi and --logdir.",
        ),
        ("%tensorboard --stop taxi --best 2", "%tensorboard --stop goes without --best."),
        ("%tensorboard --best 0", "%tensorboard: --best: '0' is no whole number from 1"),
        ("%tensorboard --stop --port 6006", "%tensorboard --stop goes without --port."),
        ("%tensorboard --host 0.0.0.0 --logdir x", "--host must be localhost, for whoever reaches another address"),
        ("%tensorboard --bind_all --logdir x", "--bind_all does not go with a board: whoever reaches this machine"),
        (
            "%tensorboard --sample_per_plugin images=1",
            "%tensorboard: --sample_per_plugin is no flag of %tensorboard. Did you mean --samples-per-plugin?\nHelp: ",
        ),
        (
            "%tensorboard -- --reload_intervall 3 --logdir",
            "TensorBoard does not take these words:\n  - --reload_intervall is no flag of TensorBoard. Did you mean",
        ),
        ("%tensorboard --port 1 -- --port 2", "%tensorboard: --port stands before and after --."),
    ],
)
def test_flags_that_do_not_fit(run, logs, line, message):
    with pytest.raises(UsageError) as caught:
        run(line)
    assert str(caught.value).startswith(message)


def test_flags_of_its_own_go_before_or_behind_the_dashes(run, logs):
    before = run("%tensorboard --logdir logs --samples_per_plugin scalars=1 --reload-multifile=true")
    behind = run("%tensorboard -- --logdir=logs --samples_per_plugin scalars=1 --reload_multifile true")
    assert before.url == behind.url
    assert before.spec.flags == {"reload_multifile": "true", "samples_per_plugin": "scalars=1"}
    wait_for_runs(before.url, "logs/train")
    assert read_json(before.url, "data/environment")["debug"]["flags"]["reload_multifile"] is True


def test_vs_code_is_known_by_what_it_tells_the_kernel(run, shell, logs):
    shell.user_ns["__vsc_ipynb_file__"] = "/n.ipynb"
    run("%tensorboard --list")
    assert current_session().viewer.front_end is FrontEnd.VS_CODE
    del shell.user_ns["__vsc_ipynb_file__"]
    run("%tensorboard --list")
    assert current_session().viewer.front_end is FrontEnd.JUPYTER


def test_help(run, capsys):
    run("%tensorboard --help")
    told = capsys.readouterr().out
    assert "%tensorboard flights --best 5" in told
    assert "--samples-per-plugin NAME=N,…" in told
    assert "--grpc" not in told
