from __future__ import annotations

import pytest

from mlmagic.session import current_session


def context():
    return current_session().context()


def cells(start=0):
    return [(cell.source, cell.number, cell.raised_line) for cell in context().cells][start:]


@pytest.fixture
def execute(shell):
    """Run cells, whatever they raise."""

    def execute(*sources, **arguments):
        for source in sources:
            shell.run_cell(source, **{"store_history": True, **arguments})

    return execute


def test_cells_are_noted_with_number_and_id(execute, capsys):
    execute("a = 1", cell_id="abc")
    execute("%who\nb = a")
    assert cells() == [("a = 1", 1, None), ("%who\nb = a", 2, None)]
    assert context().cells[0].cell_id == "abc"


def test_earlier_cells_are_taken_from_the_history(plain_shell, workspace, capsys):
    for source in ("a = 1", "1/0", "%load_ext mlmagic", "b = 2"):
        plain_shell.run_cell(source, store_history=True)
    expected = [("a = 1", 1, None), ("1/0", 2, None), ("%load_ext mlmagic", 3, None), ("b = 2", 4, None)]
    assert cells() == expected
    plain_shell.run_line_magic("unload_ext", "mlmagic")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("a = 1\n1/0\nb = 2", 2),
        ("\n\n# words\na = 1\n1/0", 5),
        ("def f():\n    1/0\nf()", 3),
        ("x = [\n  1,\n  1/0,\n]", 3),
        ("    a = 1\n    1/0", 2),
        ("%pwd \\\n  # words\na = 1\n1/0", 4),
        ("%%time\na = 1\n1/0", 3),
        ("%%capture\na = 1\n1/0", 3),
        ("%%capture out\n\na = 1\ndef f():\n    1/0\nf()", 6),
        ("import asyncio\nawait asyncio.sleep(0)\n1/0", 3),
        ("if True print()", 1),
        ("import json\njson.loads('x')", 2),
        ("a = 1\nraise SystemError('x')", 2),
    ],
)
def test_the_line_that_raised(execute, capsys, source, line):
    execute(source)
    assert cells()[-1] == (source, 1, line)


def test_the_body_of_capture_is_no_cell_of_its_own(execute):
    execute("%%capture\na = 1", "b = 2")
    assert cells() == [("%%capture\na = 1", 1, None), ("b = 2", 2, None)]


def test_silent_and_empty_cells_are_left_out(execute):
    execute("a = 1", silent=True, store_history=False)
    execute("  \n")
    execute("b = 2", store_history=False)
    assert cells() == [("b = 2", None, None)]


def test_the_running_cell_counts_up_to_the_present_statement(execute, shell):
    shell.user_ns["look"] = lambda: seen.append(cells()[-1])
    seen = []
    execute("a = 1\nlook()\nb = 2")
    assert seen == [("a = 1\nlook()\nb = 2", 1, 2)]


def test_the_magic_cell_has_the_cells_own_lines(shell):
    seen = []
    extension = shell.magics_manager.registry["mlmagic"]
    shell.user_ns["note"] = lambda: seen.append(extension.history.magic_cell("x = 1\n", 3))
    shell.run_cell("note()", store_history=True, cell_id="abc")
    assert (seen[0].number, seen[0].cell_id, seen[0].first_line, seen[0].source) == (1, "abc", 3, "x = 1\n")
    assert extension.history.magic_cell("y", 2).number is None


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("%%train taxi --dry-run\nprint(1)", 2),
        ("\n\n%%train taxi --dry-run\n\nprint(1)", 5),
        ("%%train taxi \\\n --dry-run\nprint(1)", 3),
        ("%%time\n%%train taxi --dry-run\nprint(1)", 3),
        ("%%capture\n%%train taxi --dry-run --into plan\nprint(1)", 3),
    ],
)
def test_the_body_keeps_its_place_in_the_cell(shell, source, line, monkeypatch):
    seen = []
    history = shell.magics_manager.registry["mlmagic"].history
    original = history.magic_cell
    monkeypatch.setattr(history, "magic_cell", lambda *given: seen.append(original(*given)) or seen[-1])
    shell.run_cell(source, store_history=True).raise_error()
    body_line = source.splitlines().index("print(1)") + 1
    assert seen[0].first_line + seen[0].source.splitlines().index("print(1)") == body_line == line


def test_live_names_are_the_users(execute):
    execute("import math\nrows = [1]", "rows2 = rows\n_private = 1\n5")
    live = context().live
    assert sorted(live) == ["_private", "math", "rows", "rows2"]
    assert len(live) == 4
    assert (live["rows"].type_name, live["rows"].cell_number) == ("list", 1)
    assert live["rows2"].cell_number == 2


def test_names_of_ipython_are_not_live(execute):
    execute("1 + 1", "In = 3")
    live = context().live
    assert list(live) == ["In"]
    with pytest.raises(KeyError):
        live["get_ipython"]


def test_unloading_leaves_nothing_behind(plain_shell, workspace):
    def registered():
        return {name: list(hooks) for name, hooks in plain_shell.events.callbacks.items()}

    def magic_names():
        return {kind: set(table) for kind, table in plain_shell.magics_manager.magics.items()}

    before, magics = registered(), magic_names()
    transformers = list(plain_shell.input_transformers_cleanup)
    plain_shell.run_line_magic("load_ext", "mlmagic")
    plain_shell.run_line_magic("load_ext", "mlmagic")
    plain_shell.run_line_magic("reload_ext", "mlmagic")
    assert len(plain_shell.events.callbacks["post_run_cell"]) == len(before["post_run_cell"]) + 1
    plain_shell.run_line_magic("unload_ext", "mlmagic")
    assert registered() == before
    assert magic_names() == magics
    assert plain_shell.input_transformers_cleanup == transformers
    assert current_session().notebook is None
