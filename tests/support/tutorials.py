"""Tutorials, run from top to bottom as a reader runs them."""

from __future__ import annotations

import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from mlmagic.emulator.launch import read_address
from mlmagic.session import Session
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.processes import is_alive

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@dataclass(frozen=True)
class Run:
    """The executed notebook and the workspace that it left."""

    cells: dict[str, Any]
    workspace: Path

    def text(self, cell_id: str) -> str:
        """All that the cell shows in a terminal."""
        shown = []
        for output in self.cells[cell_id].outputs:
            data = output.get("data", {})
            shown.append(output.get("text") or output.get("evalue") or data.get("text/plain", ""))
        return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(shown))

    def error(self, cell_id: str) -> str | None:
        """The name of the exception that the cell raised."""
        return next((output.ename for output in self.cells[cell_id].outputs if output.output_type == "error"), None)

    @property
    def failed(self) -> set[str]:
        """The ids of the cells that raised an exception."""
        return {cell_id for cell_id, cell in self.cells.items() if cell.cell_type == "code" and self.error(cell_id)}

    @property
    def session(self) -> Session:
        """The workspace as another process sees it."""
        return Session(environ={"MLMAGIC_HOME": str(self.workspace)}, start=self.workspace.parent)


def run_tutorial(
    name: str,
    folder: Path,
    *,
    last_cell: str = "",
    warm: bool = False,
    cell_seconds: int = 240,
    emulator: bool = False,
) -> Run:
    """Run a committed notebook in an empty folder.

    Args:
        name: of its file.
        folder: where it runs.
        last_cell: code whose output is found under `asked`.
        warm: whether jobs may be forked from a process that has TensorFlow imported.
        cell_seconds: how long a cell may take.
        emulator: run it on Google Cloud's emulator, which is the one line more in its first cell.
    """
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(last_cell, id="asked"))
    if emulator:
        (load,) = (cell for cell in notebook.cells if cell.source == "%load_ext mlmagic")
        load.source += "\n%mlmagic use emulator"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLMAGIC_HOME", str(folder / ".mlmagic"))
        patch.setenv("MLMAGIC_WARM_STARTS", "on" if warm else "off")
        client = NotebookClient(
            notebook, timeout=cell_seconds, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        try:
            client.execute()
        finally:
            end_emulator(folder / ".mlmagic")
    return Run({cell.id: cell for cell in notebook.cells}, folder / ".mlmagic")


def end_emulator(workspace: Path) -> None:
    """End the workspace's emulator, and wait until it is gone; it goes on when kernels end."""
    address = read_address(Workspace(workspace).emulator)
    if address is not None and is_alive(address.process):
        os.kill(address.process.pid, signal.SIGTERM)
        while is_alive(address.process):
            time.sleep(0.05)


def last_column(table: str) -> list[float]:
    """The last column of a DataFrame's text, which may go on in further blocks of columns."""
    return [float(line.split()[-1]) for line in table.strip().split("\n\n")[-1].splitlines()[1:]]
