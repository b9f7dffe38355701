from __future__ import annotations

import pytest
from support.boards import ask, no_board_left, wait_for_runs, write_events

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import current_session


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
        ("%tensorboard --port 6006 --logdir x", "%tensorboard: --port is no flag of %tensorboard."),
    ],
)
def test_flags_that_do_not_fit(run, logs, line, message):
    with pytest.raises(UsageError) as caught:
        run(line)
    assert str(caught.value).startswith(message)


def test_help(run, capsys):
    run("%tensorboard --help")
    assert "%tensorboard flights --best 5" in capsys.readouterr().out
