"""A job in the output of a cell: live after a reload, and when its kernel is gone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.browser_notebook import LOAD, Notebook, open_notebook


@pytest.mark.parametrize("application", [None, "notebooks"])
def test_it_is_live_after_a_reload_and_without_a_kernel(tab, workspace, name, application):
    program = workspace.program()
    notebook = open_notebook(tab, f"{name}.ipynb", LOAD, f"%%train {name}\n{program.source}", application=application)
    notebook.run(0)
    notebook.run(1)
    job = workspace.follow(name, program)
    tab.until_state(notebook.output(1), "RUNNING")
    notebook.save()
    tab.reload()
    notebook = Notebook(tab, notebook.name)
    notebook.until_idle()
    tab.until_state(notebook.output(1), "RUNNING")
    notebook.end_kernel()
    job.succeed()
    tab.until_state(notebook.output(1), "SUCCEEDED")


def test_a_cell_has_the_state_of_its_last_job(tab, workspace, name):
    program = workspace.program()
    notebook = open_notebook(tab, f"{name}.ipynb", LOAD, f"%%train {name}\n{program.source}")
    notebook.run(0)
    notebook.run(1)
    job = workspace.follow(name, program)
    badge = tab.part("cell-badge", notebook.cell(1))
    expect(badge).to_have_attribute("data-state", "RUNNING")
    job.succeed()
    expect(badge).to_have_attribute("data-state", "SUCCEEDED")
