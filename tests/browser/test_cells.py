"""Ways between cells and jobs: the badge leads to the job's page, and that leads back to the line that failed."""

from __future__ import annotations

from playwright.sync_api import expect
from support.browser_notebook import LOAD, open_notebook

PROGRAM = "LIMIT = 3\nfor number in range(LIMIT):\n    print(number)\nraise ValueError('it went wrong')\n"


def test_a_badge_leads_to_the_page_and_a_traceback_to_the_line(tab, workspace, name):
    notebook = open_notebook(
        tab, f"{name}.ipynb", LOAD, f"%%train {name}\n{PROGRAM}", application=f"lab/workspaces/{name}/tree"
    )
    notebook.run(0)
    notebook.run(1)
    badge = tab.part("cell-badge", notebook.cell(1))
    expect(badge).to_have_attribute("data-state", "FAILED")
    badge.click()
    page = tab.part("job-page")
    expect(page).to_be_visible()
    tab.part("cell-link", page).first.click()
    expect(page).to_be_hidden()
    selected = """() => {
        const { content } = window.jupyterapp.shell.currentWidget;
        const { start, end } = content.activeCell.editor.getSelection();
        return [content.activeCellIndex, start.line, end.line, end.column > start.column];
    }"""
    tab.page.wait_for_function(f"() => JSON.stringify(({selected})()) === '[1,4,4,true]'")


def test_a_cell_without_the_magic_has_no_badge(tab, workspace, name):
    notebook = open_notebook(
        tab, f"{name}.ipynb", LOAD, f"%%train {name}\nprint(1)", application=f"lab/workspaces/{name}/tree"
    )
    notebook.run(0)
    notebook.run(1)
    badge = tab.part("cell-badge", notebook.cell(1))
    expect(badge).to_be_visible()
    tab.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource('print(1)')"
    )
    expect(badge).to_have_count(0)
