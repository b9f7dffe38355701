"""A notebook in a browser tab: its cells, its kernel, its outputs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Locator, expect
from support.browser_tab import Tab

LOAD = "%load_ext mlmagic"
RUN_MS = 1_500_000
"""As long as a tutorial may take."""

# The notebook of the tab: in JupyterLab and in Notebook 7 it is the widget in front.
_PANEL = "const panel = window.jupyterapp.shell.currentWidget;"


class Notebook:
    """A notebook that is open in a tab."""

    def __init__(self, tab: Tab, name: str) -> None:
        self.tab = tab
        self.name = name

    def run(self, index: int, *, is_awaited: bool = True) -> None:
        """Run a cell, and return when its kernel is done with it, or at once."""
        wait = "return running.then(() => true);" if is_awaited else "return true;"
        self.tab.page.evaluate(
            f"""async index => {{
                {_PANEL}
                await panel.context.ready;
                await panel.sessionContext.ready;
                panel.content.deselectAll();
                panel.content.activeCellIndex = index;
                const running = window.jupyterapp.commands.execute('notebook:run-cell');
                {wait}
            }}""",
            index,
        )

    def press_through(self, first: int, end: int) -> None:
        """Press Shift+Enter at cell after cell, as a reader who does not wait for what they print."""
        self.show(first)
        for index in range(first, end):
            self.tab.page.keyboard.press("Shift+Enter")
            self.tab.page.wait_for_function(
                f"index => {{ {_PANEL} return panel.content.activeCellIndex === index; }}", arg=index + 1
            )

    def until_run(self, end: int) -> None:
        """Return when all cells before this one have run."""
        self.tab.page.wait_for_function(
            f"""end => {{
                {_PANEL}
                const codes = panel.content.widgets.slice(0, end).filter(cell => cell.model.type === 'code');
                return codes.every(cell => cell.model.executionCount !== null && cell.model.executionState === 'idle');
            }}""",
            arg=end,
            timeout=RUN_MS,
        )

    def outputs(self) -> dict[str, list[dict[str, Any]]]:
        """Return what each code cell shows, by the cell's id; another page may be in front."""
        shown: dict[str, list[dict[str, Any]]] = self.tab.page.evaluate(
            """name => {
                const panels = [...window.jupyterapp.shell.widgets('main')];
                const panel = panels.find(widget => widget.context?.path === name);
                const codes = panel.content.widgets.filter(cell => cell.model.type === 'code');
                return Object.fromEntries(codes.map(cell => [cell.model.id, cell.model.outputs.toJSON()]));
            }""",
            self.name,
        )
        return shown

    def show(self, index: int) -> None:
        """Choose a cell without going into it, and have it in sight."""
        self.tab.page.evaluate(
            f"""async index => {{
                {_PANEL}
                panel.content.mode = 'command';
                panel.content.deselectAll();
                panel.content.activeCellIndex = index;
                await panel.content.scrollToItem(index);
                panel.content.activate();
            }}""",
            index,
        )

    def until_busy(self) -> None:
        """Return when the kernel is at work."""
        self._until("busy")

    def until_idle(self) -> None:
        """Return when the kernel is done."""
        self._until("idle")

    def restart_kernel(self) -> None:
        """Restart the kernel; it does not call itself idle before it has run something."""
        self.tab.page.evaluate(f"() => {{ {_PANEL} return panel.sessionContext.session.kernel.restart(); }}")

    def end_kernel(self) -> None:
        """Shut the kernel down; the notebook has none then."""
        self.tab.page.evaluate(f"() => {{ {_PANEL} return panel.sessionContext.shutdown(); }}")

    def save(self) -> None:
        self.tab.command("docmanager:save")

    def cell(self, index: int) -> Locator:
        return self.tab.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        """Find the live output of a job below a cell."""
        return self.tab.part("output", self.cell(index))

    def _until(self, status: str) -> None:
        self.tab.page.wait_for_function(
            f"status => {{ {_PANEL} return panel?.sessionContext?.session?.kernel?.status === status; }}", arg=status
        )


def write_notebook(tab: Tab, name: str, *cells: str) -> None:
    """Write a notebook to where the server finds it."""
    (tab.server.root / name).write_text(json.dumps(_document(cells)))


def open_notebook(tab: Tab, name: str, *cells: str, application: str | None = None) -> Notebook:
    """Write a notebook and open it, in JupyterLab; `application` is `notebooks` in Notebook 7."""
    write_notebook(tab, name, *cells)
    return open_written(tab, name, application=application)


def open_written(tab: Tab, name: str, *, application: str | None = None) -> Notebook:
    """Open a notebook that the server finds."""
    tab.open(f"{application or f'lab/workspaces/{uuid.uuid4().hex}/tree'}/{name}")
    expect(tab.page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()
    notebook = Notebook(tab, name)
    notebook.until_idle()
    return notebook


def _document(cells: Sequence[str]) -> dict[str, object]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {"cell_type": "code", "id": f"cell-{index}", "source": source, "metadata": {}, "outputs": [],
             "execution_count": None}
            for index, source in enumerate(cells)
        ],
    }  # fmt: skip
