"""Who changes a model in Vertex AI's registry: one process at a time, which tells the others what it does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlmagic.workspace.files import explained, open_to_append
from mlmagic.workspace.layout import Workspace


@contextmanager
def held_model(workspace: Workspace, model: str, doing: str, tell: Callable[[str], None] | None) -> Iterator[None]:
    """Let one process of this machine at a time upload versions of a model; it ends with the process.

    Args:
        workspace: where the model is.
        model: its name.
        doing: what is told to others who wait, such as `uploads houses@3 to Vertex AI`.
        tell: is told at once who is waited for; Ctrl-C ends that.
    """
    path = workspace.model(model).upload_lock
    with explained(f"lock {path}"):
        descriptor = open_to_append(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if tell is not None and (told := _who_holds(path)) is not None:
                tell(f"{told}; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        _write_holder(descriptor, f"{os.getpid()} {doing}")
        try:
            yield
        finally:
            _write_holder(descriptor, "")
    finally:
        os.close(descriptor)


def _who_holds(path: Path) -> str | None:
    try:
        number, _, doing = path.read_text("utf-8").partition(" ")
    except OSError:
        return None
    who = "this process" if number == str(os.getpid()) else "another process"
    return f"{who} {doing}" if doing else None


def _write_holder(descriptor: int, text: str) -> None:
    # It is good to know, and nothing depends on it.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, text.encode())
