"""A tutorial without a browser: `python -m tools.demo NOTEBOOK` runs its cells and prints them with what came out.

It runs the committed notebook itself, in a folder and a workspace that are removed afterwards: it shows what a reader
of the notebook sees.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_WIDTH = 110
# At the beginning and the end: long outputs, such as the files of a package, are better read in the notebook.
_SHOWN_LINES = 30


def main() -> int:
    """Run the notebook that is named on the command line; return 1 if a cell failed that should not."""
    if len(sys.argv) != 2:
        print("usage: python -m tools.demo NOTEBOOK", file=sys.stderr)
        return 2
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlmagic-demo-", ignore_cleanup_errors=True) as folder:
        os.environ["MLMAGIC_HOME"] = str(Path(folder) / ".mlmagic")
        try:
            failure = run(Path(sys.argv[1]), folder)
        finally:
            cancel_jobs()
    print(_rule("═"))
    print(
        failure or f"From a cell to a prediction in {time.monotonic() - started:.0f} s. The same in a browser: make lab"
    )
    return 1 if failure else 0


def run(path: Path, folder: str) -> str | None:
    """Run a notebook in a folder and print it; return what went wrong, if something did."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": folder}})
    with (Path(folder) / "kernel.log").open("w+") as log, client.setup_kernel(stderr=log):
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                print(f"\n{cell.source}\n")
                continue
            print(textwrap.indent(cell.source, "  │ ", lambda _: True), flush=True)
            started = time.monotonic()
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                return f"The cell {cell.id!r} failed with {error.ename}."
            except DeadKernelError:
                log.seek(0)
                return f"The kernel died in the cell {cell.id!r}:\n{log.read()}"
            finally:
                print(_output(cell.outputs, time.monotonic() - started), flush=True)
    return None


def cancel_jobs() -> None:
    """End the jobs that an interrupted demo leaves: their folder is about to go."""
    import mlmagic
    from mlmagic.errors import JobFailed

    for summary in mlmagic.jobs():
        if not summary.state.is_final:
            with contextlib.suppress(JobFailed):
                mlmagic.job(summary.id).cancel().wait()


def _output(outputs: list[Any], seconds: float) -> str:
    lines = [line for output in outputs for line in _text(output).rstrip().splitlines()]
    if (left_out := len(lines) - 2 * _SHOWN_LINES) > 1:
        lines[_SHOWN_LINES:-_SHOWN_LINES] = [f"… {left_out} more lines …"]
    return "\n".join([*(f"    {line}" for line in lines), f"  └ {seconds:.1f} s"])


def _text(output: Any) -> str:
    match output.output_type:
        case "stream":
            return str(output.text)
        case "error":
            return "\n".join(_without_colours(output.traceback))
        case _:
            return str(output.data.get("text/plain", ""))


def _without_colours(lines: list[str]) -> Iterator[str]:
    return (re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines)


def _rule(mark: str) -> str:
    return mark * _WIDTH


if __name__ == "__main__":
    sys.exit(main())
