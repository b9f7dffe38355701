"""The commit of a notebook's folder, compared with what git itself says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlmagic.api.git import head_commit


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "notebooks").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "one")
    return root


def test_the_commit_of_a_folder_in_a_repository(repository: Path) -> None:
    assert head_commit(repository / "notebooks") == git(repository, "rev-parse", "HEAD")
    git(repository, "pack-refs", "--all")
    assert head_commit(repository) == git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "--detach")
    assert head_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_the_commit_of_a_worktree(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "two")
    assert head_commit(tmp_path / "other") == git(tmp_path / "other", "rev-parse", "HEAD")


def test_no_commit(tmp_path: Path) -> None:
    assert head_commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert head_commit(tmp_path) is None
