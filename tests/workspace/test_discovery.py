from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlmagic.errors import WorkspaceError
from mlmagic.workspace.discovery import find_workspace, nearer_workspace_warning, open_workspace
from mlmagic.workspace.layout import Workspace


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_without_any_it_is_a_new_one_right_here(tmp_path: Path) -> None:
    assert find_workspace({}, tmp_path) == Workspace(tmp_path / ".mlmagic")
    assert not (tmp_path / ".mlmagic").exists()


def test_the_nearest_upwards_is_taken(tmp_path: Path) -> None:
    (tmp_path / ".mlmagic").mkdir()
    (tmp_path / "a" / ".mlmagic").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert find_workspace({}, tmp_path / "a" / "b" / "c").root == tmp_path / "a" / ".mlmagic"


def test_mlmagic_home_wins(tmp_path: Path) -> None:
    (tmp_path / ".mlmagic").mkdir()
    assert find_workspace({"MLMAGIC_HOME": "/srv/shared"}, tmp_path).root == Path("/srv/shared")
    assert find_workspace({"MLMAGIC_HOME": "~/w"}, tmp_path).root == Path.home() / "w"
    assert find_workspace({"MLMAGIC_HOME": "../w/x/.."}, tmp_path / "a").root == tmp_path / "w"
    assert find_workspace({"MLMAGIC_HOME": ""}, tmp_path).root == tmp_path / ".mlmagic"


def test_a_relative_start_is_taken_from_the_working_directory(folder: Path) -> None:
    assert find_workspace({}, Path()).root == folder / ".mlmagic"


def test_a_nearer_different_one_gives_a_warning_that_names_both(tmp_path: Path) -> None:
    near, named = tmp_path / ".mlmagic", tmp_path / "other"
    near.mkdir()
    assert nearer_workspace_warning({"MLMAGIC_HOME": str(named)}, tmp_path) == (
        f"MLMAGIC_HOME says {named}, so that is the workspace; {near} is nearer and is not used. "
        "Unset MLMAGIC_HOME to use it."
    )


def test_the_same_one_by_another_path_gives_no_warning(tmp_path: Path) -> None:
    (tmp_path / ".mlmagic").mkdir()
    (tmp_path / "link").symlink_to(".mlmagic")
    assert nearer_workspace_warning({"MLMAGIC_HOME": str(tmp_path / "link")}, tmp_path) is None
    assert nearer_workspace_warning({}, tmp_path) is None
    assert nearer_workspace_warning({"MLMAGIC_HOME": "/srv"}, tmp_path.parent / "elsewhere") is None


def test_a_new_workspace_is_the_users_alone_and_out_of_git(tmp_path: Path, umask: int) -> None:
    workspace = open_workspace(Workspace(tmp_path / ".mlmagic"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (workspace.root, *workspace.root.iterdir())}
    assert modes == {".mlmagic": 0o700, "jobs": 0o700, "models": 0o700, ".gitignore": 0o600}
    assert workspace.gitignore.read_text() == "*\n"


def test_an_existing_workspace_is_left_as_it_is(tmp_path: Path) -> None:
    workspace = open_workspace(Workspace(tmp_path / ".mlmagic"))
    workspace.root.chmod(0o750)
    workspace.gitignore.write_text("*\n!config.toml\n")
    open_workspace(workspace)
    assert workspace.gitignore.read_text() == "*\n!config.toml\n"
    assert stat.S_IMODE(workspace.root.stat().st_mode) == 0o750


def test_a_file_in_its_place_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / ".mlmagic"
    path.touch()
    with pytest.raises(WorkspaceError) as raised:
        open_workspace(find_workspace({}, tmp_path))
    assert str(raised.value) == (
        f"the workspace {path} is not a folder.\n"
        "Move that file out of the way. Name another folder with the environment variable MLMAGIC_HOME."
    )


def test_a_missing_parent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "no" / ".mlmagic"
    with pytest.raises(WorkspaceError) as raised:
        open_workspace(Workspace(path))
    assert str(raised.value) == (
        f"the workspace {path} cannot be made: {path.parent} is not a folder.\n"
        "Make that folder first. Name another folder with the environment variable MLMAGIC_HOME."
    )


def test_a_folder_that_cannot_be_written_is_an_error(unprivileged: Path) -> None:
    unprivileged.chmod(0o500)
    with pytest.raises(WorkspaceError) as raised:
        open_workspace(Workspace(unprivileged / ".mlmagic"))
    assert str(raised.value) == (
        f"cannot make the workspace {unprivileged}/.mlmagic: Permission denied ({unprivileged}/.mlmagic).\n"
        "Make the folder writable, or choose another one with the environment variable MLMAGIC_HOME."
    )


def test_a_workspace_that_became_read_only_is_an_error(unprivileged: Path) -> None:
    workspace = open_workspace(Workspace(unprivileged / ".mlmagic"))
    workspace.root.chmod(0o500)
    with pytest.raises(WorkspaceError, match="cannot be written by this user"):
        open_workspace(workspace)
    workspace.root.chmod(0o700)


@pytest.fixture
def of_another_user(tmp_path: Path) -> Path:
    """A workspace that anybody could have put there."""
    if os.geteuid() != 0:
        pytest.skip("only root may give a folder to another user")
    tmp_path.chmod(0o1777)
    (tmp_path / ".mlmagic").mkdir()
    os.chown(tmp_path / ".mlmagic", 65534, 65534)
    return tmp_path / ".mlmagic"


def test_the_workspace_of_another_user_is_not_taken_unasked(of_another_user: Path) -> None:
    below = of_another_user.parent / "a"
    below.mkdir()
    assert find_workspace({}, below).root == below / ".mlmagic"
    with pytest.raises(WorkspaceError, match="belongs to another user"):
        find_workspace({}, of_another_user.parent)
    assert find_workspace({"MLMAGIC_HOME": str(of_another_user)}, below).root == of_another_user


def test_a_disk_whose_files_all_belong_to_somebody_is_no_trap(of_another_user: Path) -> None:
    of_another_user.parent.chmod(0o770)
    os.chown(of_another_user.parent, 65534, 65534)
    assert find_workspace({}, of_another_user.parent).root == of_another_user
