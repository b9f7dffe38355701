"""Where sockets and secrets of a workspace lie: outside of it, for this user alone, gone when the machine restarts."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import WorkspaceError
from mlmagic.workspace.files import explained
from mlmagic.workspace.layout import Workspace

LONGEST_SOCKET = 103
"""Bytes of a path that every system takes as the address of a socket."""
_NAME = "mlmagic"
_SOCKET = "agent.sock"
_TEMPORARY = Path("/tmp")  # noqa: S108 - what is made in it is checked


@dataclass(frozen=True, slots=True)
class RuntimeFolder:
    """`<the user's>/mlmagic/<hash of the workspace's path>/`."""

    root: Path

    @classmethod
    def make(cls, workspace: Workspace, environ: Mapping[str, str]) -> RuntimeFolder:
        """Find the folder of a workspace, or make it; `environ` says where this user's folders are.

        Raises:
            WorkspaceError: it is somebody else's, or cannot be made.
        """
        name = hashlib.sha256(os.fsencode(os.path.realpath(workspace.root))).hexdigest()[:16]
        base = _base(environ, longest=LONGEST_SOCKET - len(f"/{_NAME}/{name}/{_SOCKET}"))
        folder = cls(base / _NAME / name)
        for path in (base / _NAME, folder.root, folder.environments, folder.endpoints):
            _make_own(path)
        return folder

    def check(self) -> RuntimeFolder:
        """Return the folder, which another process made, if it is there and nobody else's.

        Raises:
            WorkspaceError: it is not.
        """
        _check_own(self.root)
        # Somebody may have tidied up in it.
        for path in (self.environments, self.endpoints):
            _make_own(path)
        return self

    @property
    def socket(self) -> Path:
        """Where the agent listens."""
        return self.root / _SOCKET

    @property
    def environments(self) -> Path:
        """The folder of environment variables of jobs that have not ended."""
        return self.root / "environments"

    @property
    def endpoints(self) -> Path:
        """The folder of endpoints' tokens."""
        return self.root / "endpoints"

    def token(self, endpoint: str) -> Path:
        """What a request to an endpoint has to know, as text."""
        return self.endpoints / f"{endpoint}.token"

    def supervisor_socket(self, endpoint: str) -> Path:
        """Where an endpoint's supervisor is told something; its path is no longer than the agent's."""
        return self.root / f"e-{_short(endpoint)}"

    def shadow_socket(self, endpoint: str) -> Path:
        """Where an endpoint's shadow takes copies of requests."""
        return self.root / f"s-{_short(endpoint)}"

    @property
    def boards(self) -> Path:
        """The folder of TensorBoards, which may not be there."""
        return self.root / "boards"

    @property
    def ports(self) -> Path:
        """The folder of locks on ports, which is the same for all workspaces of this user."""
        return self.root.parent / "ports"


def _short(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()[: len(_SOCKET) - 2]


def _base(environ: Mapping[str, str], longest: int) -> Path:
    """Return what the system made for this user, else a folder of ours among the temporary ones."""
    given, user = environ.get("XDG_RUNTIME_DIR"), os.getuid()
    for path in (*([Path(given)] if given else []), Path(f"/run/user/{user}")):
        if path.is_absolute() and len(os.fsencode(path)) <= longest and _is_own(path):
            return path
    temporary = Path(environ.get("TMPDIR") or _TEMPORARY) / f"mlmagic-{user}"
    if not (temporary.is_absolute() and len(os.fsencode(temporary)) <= longest and temporary.parent.is_dir()):
        temporary = _TEMPORARY / temporary.name
    _make_own(temporary)
    return temporary


def _is_own(path: Path) -> bool:
    """Say whether a folder is this user's; of another user it may be what `sudo` left in a variable."""
    try:
        return path.stat().st_uid == os.geteuid() and path.is_dir() and os.access(path, os.W_OK | os.X_OK)
    except OSError:
        return False


def _make_own(path: Path) -> None:
    with explained(f"make the folder {path}"):
        try:
            path.mkdir(0o700)
        except FileExistsError:
            _check_own(path)
        else:
            # The umask may have taken rights away from us.
            path.chmod(0o700)


def _check_own(path: Path) -> None:
    with explained(f"use the folder {path}"):
        status = path.lstat()
    found = []
    if not stat.S_ISDIR(status.st_mode):
        found.append("it is a link or a file")
    elif status.st_uid != os.geteuid():
        found.append(f"it belongs to user {status.st_uid}")
    elif status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        found.append(f"it is open to other users (mode {stat.S_IMODE(status.st_mode):04o})")
    if found:
        raise WorkspaceError(
            f"the folder {path}, which is for sockets of this user alone, cannot be trusted:",
            problems=found,
            hint="Remove it, or name another place with the environment variable XDG_RUNTIME_DIR.",
        )
