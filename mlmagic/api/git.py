"""The commit that a notebook's folder is at, read from the files of git: no process is started for it."""

from __future__ import annotations

import contextlib
from pathlib import Path


def head_commit(folder: Path) -> str | None:
    """Return the commit that is checked out in the repository that holds the folder; None without one."""
    with contextlib.suppress(OSError, ValueError):
        for parent in (folder, *folder.parents):
            if (parent / ".git").exists():
                return _head(_git_folder(parent / ".git"))
    return None


def _git_folder(git: Path) -> Path:
    """Return git's own folder; a worktree and a submodule have a file in its place that names it."""
    if git.is_dir():
        return git
    return git.parent / git.read_text("utf-8").strip().removeprefix("gitdir: ")


def _head(git: Path) -> str | None:
    head = (git / "HEAD").read_text("utf-8").strip()
    if not head.startswith("ref: "):
        return head or None
    name = head.removeprefix("ref: ")
    common = git / "commondir"
    folders = [git, git / common.read_text("utf-8").strip()] if common.exists() else [git]
    for folder in folders:
        if (folder / name).exists():
            return (folder / name).read_text("utf-8").strip() or None
        with contextlib.suppress(OSError):
            for line in (folder / "packed-refs").read_text("utf-8").splitlines():
                if line.endswith(f" {name}"):
                    return line.partition(" ")[0]
    return None
