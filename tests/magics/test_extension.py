from __future__ import annotations

import subprocess
import sys

import pytest

from mlmagic.errors import UsageError
from mlmagic.session import current_session, reset_session

HEAVY = ("tensorflow", "apache_beam", "pandas", "numpy", "google", "asyncio.subprocess", "yaml", "sqlite3")


@pytest.mark.parametrize("name", ["mlmagic", "train", "jobs", "models", "predict"])
def test_help_and_question_mark_answer_the_same(run, shell, capsys, name):
    run(f"%{name} --help")
    assert capsys.readouterr().out.strip() == shell.find_line_magic(name).__doc__
    run(f"%{name}?")
    assert shell.find_line_magic(name).__doc__ in capsys.readouterr().out


def test_help_of_a_subcommand(run, capsys):
    run("%jobs wait --help")
    assert capsys.readouterr().out == (
        "%jobs wait JOB\n\nWait until a job has ended, and fail if it failed; an interrupt ends the\n"
        "waiting, not the job.\n\n"
        "  JOB                     an id, the beginning of one, or a name: its newest\n"
        "                          job; taxi/7 is trial 7 of taxi\n\n"
        "Flags\n"
        "  -h, --help              show this\n\n"
        "Examples\n"
        "  %jobs wait taxi         stay here until the newest job called taxi has ended,\n"
        "                          and see how far it is\n"
    )


def test_help_fits_a_terminal(shell):
    for name in ("mlmagic", "train", "tune", "jobs", "models", "predict"):
        assert max(map(len, shell.find_line_magic(name).__doc__.split("\n"))) <= 82


@pytest.mark.parametrize("cell", ["%%train --help", "%%train taxi --help\n", "%%predict -h\n\n"])
def test_help_needs_no_body(run, capsys, cell):
    run(cell)
    assert cell.split()[0] in "".join(capsys.readouterr().out.splitlines()[:2])


def test_a_terminal_lets_the_body_be_typed(shell):
    check = shell.input_transformer_manager.check_complete
    assert check("%%train taxi")[0] == "incomplete"
    assert check("%%train taxi\nprint(1)\n\n")[0] == "complete"


def test_other_magics_keep_their_rule_for_empty_bodies(shell, capsys):
    shell.run_cell("%%time")
    shell.run_cell("%%capture")
    assert "UsageError: %%capture is a cell magic, but the cell body is empty." in capsys.readouterr().err


def test_ipython_expands_nothing(run, shell):
    shell.user_ns["x"] = 1
    with pytest.raises(UsageError, match=r"'\{x\}' has not the form"):
        run("%train taxi --label '{x}'")


def test_names_of_a_function_are_seen(run):
    run("def ask(which):\n    get_ipython().run_line_magic('models', 'describe $which')")
    with pytest.raises(Exception, match="there is no model 'boats'"):
        run("ask('boats')")


def test_a_replaced_session_gets_the_notebook_too(run):
    reset_session()
    run("a = 1")
    run("%mlmagic config")
    assert [cell.source for cell in current_session().context().cells][:1] == ["a = 1"]


def test_loading_imports_nothing_heavy(folder):
    program = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\nbefore = set(sys.modules)\n"
        "shell.run_line_magic('load_ext', 'mlmagic')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = done.stdout.split()
    assert "mlmagic.magics.extension" in loaded
    assert not [name for name in loaded if name.partition(".")[0] in HEAVY or name in HEAVY]
    assert not [name for name in loaded if name.startswith(("mlmagic.panels", "mlmagic.api.", "mlmagic.backends"))]
