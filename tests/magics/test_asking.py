"""What costs money is asked for where somebody sits at the notebook, and is an error where nobody does."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mlmagic.errors import ConsentError
from mlmagic.magics.asking import Asker
from mlmagic.session import current_session

USE = "%mlmagic use google --project my-project --region us-central1 --bucket gs://my-bucket"
TRAIN = "%%train taxi --timeout 2h\nprint(1)"
LINE = "BASIC: 1 × n1-standard-4 for up to 2 h (timeout) = 2 machine-hours"


def answered(kernel, code, *answers):
    """Run a cell whose questions get these answers; return the status of it, what it asked, and what it said."""
    asked, said, left = [], [], list(answers)

    def give(message):
        asked.append(message["content"]["prompt"])
        kernel.client.input(left.pop(0))

    def note(message):
        content = message["content"]
        said.append(content.get("text", "") or "\n".join(content.get("traceback", [])))

    reply = kernel.client.execute_interactive(
        code, timeout=60, allow_stdin=bool(answers), stdin_hook=give, output_hook=note
    )
    return reply["content"]["status"], asked, "".join(said)


def test_a_live_notebook_is_asked_and_a_headless_one_is_told(kernel):
    assert kernel.run(USE).status == "ok"
    status, asked, said = answered(kernel, TRAIN, "n")
    assert (status, asked) == ("error", [f"{LINE}; --yes starts it unasked. Go on? [y/N] "])
    assert "ConsentError: nothing was started: you did not agree to what it costs." in said
    status, asked, said = answered(kernel, TRAIN)
    assert (status, asked) == ("error", [])
    assert f"ConsentError: this costs money, and nobody can be asked here: {LINE}." in said
    assert "To agree, add --yes to the line, or yes=True to the call; a notebook needs that once." in said
    assert "0" in answered(kernel, "import mlmagic; print(len(list(mlmagic.jobs())))")[2]
    status, asked, said = answered(
        kernel, "print(get_ipython() and mlmagic.session.current_session().ask('Well?'))", "Yes"
    )
    assert (asked, said) == (["Well? [y/N] "], "True\n")


def test_a_plan_says_what_it_would_take(run, capsys):
    run(USE)
    run("%%train taxi --timeout 2h --dry-run\nprint(1)")
    assert f"It would take: {LINE}.\n" in capsys.readouterr().out


def test_a_shell_without_a_terminal_cannot_be_asked(run, shell: InteractiveShell):
    assert Asker(shell)("Well?") is None
    run(USE)
    with pytest.raises(ConsentError, match="nobody can be asked here"):
        run(TRAIN)
    assert current_session().jobs.list() == []


def test_nobody_asks_after_the_extension_is_gone(run, shell: InteractiveShell):
    assert current_session().ask is not None
    shell.run_line_magic("unload_ext", "mlmagic")
    assert current_session().ask is None
    shell.run_line_magic("load_ext", "mlmagic")
