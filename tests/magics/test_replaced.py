from __future__ import annotations

import pytest

NOTE = (
    "%tensorboard is mlmagic's from now on, and no longer that of tensorboard: %tensorboard --help tells what it "
    "takes. %unload_ext mlmagic brings the other back.\n"
)


@pytest.fixture
def shell_with_tensorboard(plain_shell, workspace):
    plain_shell.run_line_magic("load_ext", "tensorboard")
    return plain_shell


def test_tensorboards_own_magic_gives_way_with_a_note_and_comes_back(shell_with_tensorboard, capsys):
    shell = shell_with_tensorboard
    theirs = shell.find_line_magic("tensorboard")
    shell.run_line_magic("load_ext", "mlmagic")
    assert capsys.readouterr().out == NOTE
    assert "--logdir DIR" in shell.find_line_magic("tensorboard").__doc__
    shell.run_line_magic("unload_ext", "mlmagic")
    assert shell.find_line_magic("tensorboard") is theirs


def test_one_that_is_loaded_later_stays(plain_shell, workspace, capsys):
    plain_shell.run_line_magic("load_ext", "mlmagic")
    plain_shell.run_line_magic("load_ext", "tensorboard")
    theirs = plain_shell.find_line_magic("tensorboard")
    plain_shell.run_line_magic("unload_ext", "mlmagic")
    assert plain_shell.find_line_magic("tensorboard") is theirs
    assert plain_shell.find_line_magic("train") is None
    assert capsys.readouterr().out == ""


def test_nothing_is_said_where_nothing_is_replaced(plain_shell, workspace, capsys):
    for verb in ("load_ext", "reload_ext", "unload_ext"):
        plain_shell.run_line_magic(verb, "mlmagic")
    assert capsys.readouterr().out == ""
    assert plain_shell.find_line_magic("tensorboard") is None
