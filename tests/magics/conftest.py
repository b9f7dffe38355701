"""Shells: one in this process, and a real kernel in its own."""

from __future__ import annotations

import atexit
import os
import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mlmagic.session import reset_session


@pytest.fixture
def workspace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace of the test's own, in the working directory."""
    root = folder / ".mlmagic"
    monkeypatch.setenv("MLMAGIC_HOME", str(root))
    reset_session()
    yield root
    reset_session()


@pytest.fixture
def plain_shell(folder: Path) -> Iterator[InteractiveShell]:
    """An IPython shell without the extension."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    yield shell
    # At the process's end each would collect garbage once more: a minute and a half for all of them.
    shell.displayhook.do_full_cache = False
    shell.atexit_operations()
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(plain_shell: InteractiveShell, workspace: Path) -> Iterator[InteractiveShell]:
    """An IPython shell with the extension."""
    plain_shell.run_line_magic("load_ext", "mlmagic")
    yield plain_shell
    plain_shell.run_line_magic("unload_ext", "mlmagic")


@pytest.fixture
def run(shell: InteractiveShell) -> Callable[[str], Any]:
    """Run a cell as a front end would, and return its value; what it raises is raised."""

    def run_cell(source: str) -> Any:
        result = shell.run_cell(source, store_history=True)
        result.raise_error()
        return result.result

    return run_cell


@dataclass
class Output:
    """What a cell put out."""

    status: str
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [content for name, content in self.messages if name == kind]

    @property
    def text(self) -> str:
        parts = [content["text"] for content in self.of("stream")]
        for kind in ("display_data", "execute_result", "update_display_data"):
            parts += [content["data"].get("text/plain", "") for content in self.of(kind)]
        return "\n".join([*parts, *("\n".join(content["traceback"]) for content in self.of("error"))])


class Kernel:
    """A running kernel, and how to talk to it."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str) -> Output:
        messages: list[tuple[str, dict[str, Any]]] = []
        reply = self.client.execute_interactive(
            code, timeout=60, output_hook=lambda m: messages.append((m["msg_type"], m["content"]))
        )
        return Output(reply["content"]["status"], messages)

    def next_message(self, kind: str) -> dict[str, Any]:
        """Wait for a message that comes while no cell of ours runs."""
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=60)
            except queue.Empty:
                pytest.fail(f"no {kind} came")
            if message["msg_type"] == kind:
                return message["content"]


@pytest.fixture
def kernel(workspace: Path) -> Iterator[Kernel]:
    """A real kernel with the extension, in the working directory."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", env=dict(os.environ), cwd=str(workspace.parent))
    running = Kernel(manager, client)
    assert running.run("%load_ext mlmagic").status == "ok"
    yield running
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()
