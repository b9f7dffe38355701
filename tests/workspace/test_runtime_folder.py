from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlmagic.errors import WorkspaceError
from mlmagic.workspace import runtime_folder
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.runtime_folder import LONGEST_SOCKET, RuntimeFolder


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder with a short path: those of pytest are too long for sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def no_folders_of_the_system(monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
    monkeypatch.setattr(runtime_folder.os, "getuid", lambda: 4_000_000)
    monkeypatch.setattr(runtime_folder, "_TEMPORARY", base)


def test_it_is_for_this_user_alone_whatever_the_umask_is(workspace: Workspace, base: Path) -> None:
    before = os.umask(0o777)
    try:
        folder = RuntimeFolder.make(workspace, {"XDG_RUNTIME_DIR": str(base)})
    finally:
        os.umask(before)
    assert folder.root.parent == base / "mlmagic"
    made = [folder.root, folder.root.parent, folder.environments]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * 3
    assert RuntimeFolder.make(workspace, {"XDG_RUNTIME_DIR": str(base)}) == folder == folder.check()


def test_each_workspace_has_its_own_and_ports_are_shared(workspace: Workspace, base: Path, tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(base)}
    folder, other = RuntimeFolder.make(workspace, environ), RuntimeFolder.make(Workspace(tmp_path / "b"), environ)
    assert folder != other
    assert folder.ports == other.ports == base / "mlmagic" / "ports"
    link = tmp_path / "link"
    link.symlink_to(workspace.root)
    assert RuntimeFolder.make(Workspace(link), environ) == folder


@pytest.mark.parametrize("given", [None, "", "relative", "/nowhere", "/usr/../etc/passwd"])
def test_without_a_folder_of_the_system_there_is_a_temporary_one(
    workspace: Workspace, base: Path, given: str | None
) -> None:
    environ = {"TMPDIR": str(base)} | ({} if given is None else {"XDG_RUNTIME_DIR": given})
    folder = RuntimeFolder.make(workspace, environ)
    assert folder.root.parent == base / "mlmagic-4000000" / "mlmagic"


def test_a_socket_always_fits(workspace: Workspace, base: Path) -> None:
    deep = base / ("x" * 80)
    deep.mkdir(0o700)
    folder = RuntimeFolder.make(workspace, {"XDG_RUNTIME_DIR": str(deep), "TMPDIR": str(deep)})
    assert len(os.fsencode(folder.socket)) <= LONGEST_SOCKET
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(folder.socket))
    folder.socket.unlink()


def test_what_another_user_could_have_made_is_refused(workspace: Workspace, base: Path, tmp_path: Path) -> None:
    environ, target = {"XDG_RUNTIME_DIR": str(base)}, tmp_path / "target"
    target.mkdir(0o700)
    (base / "mlmagic").symlink_to(target)
    with pytest.raises(WorkspaceError) as caught:
        RuntimeFolder.make(workspace, environ)
    assert str(caught.value) == (
        f"the folder {base}/mlmagic, which is for sockets of this user alone, cannot be trusted:\n"
        "  - it is a link or a file\n"
        "Remove it, or name another place with the environment variable XDG_RUNTIME_DIR."
    )


def test_a_folder_that_is_open_to_others_is_refused(workspace: Workspace, base: Path) -> None:
    (base / "mlmagic").mkdir()
    (base / "mlmagic").chmod(0o777)
    with pytest.raises(WorkspaceError, match=r"it is open to other users \(mode 0777\)"):
        RuntimeFolder.make(workspace, {"XDG_RUNTIME_DIR": str(base)})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give folders away")
def test_a_folder_of_another_user_is_refused(workspace: Workspace, base: Path) -> None:
    (base / "mlmagic").mkdir(0o700)
    os.chown(base / "mlmagic", 65534, 65534)
    with pytest.raises(WorkspaceError, match="it belongs to user 65534"):
        RuntimeFolder.make(workspace, {"XDG_RUNTIME_DIR": str(base)})


def test_one_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="No such file"):
        RuntimeFolder(tmp_path / "gone").check()
