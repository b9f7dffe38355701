"""The checks of `%mlmagic doctor`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.backends.registry import CLOUD
from mlmagic.errors import MlmagicError
from mlmagic.panels.status import Check, Checkup

if TYPE_CHECKING:
    from mlmagic.session import Session

_OLDEST, _NEWEST = (3, 11), (3, 13)
_ENOUGH_DISK = 1 << 30
_CHILD = "import mlmagic.runtime, sys; sys.stdout.write(mlmagic.__file__)"


def examine(session: Session) -> Checkup:
    """Make all checks; none of them imports TensorFlow or starts a job."""
    return Checkup(
        checks=(
            check_python(sys.version_info[:3]),
            check_tensorflow(),
            _guarded("Workspace", lambda: _check_workspace(session)),
            _guarded("Disk", lambda: check_disk(session.location.root)),
            _guarded("Database", lambda: _check_database(session)),
            check_child(sys.executable),
            *_check_cloud(session),
        )
    )


def check_python(version: tuple[int, ...]) -> Check:
    """Check that TensorFlow exists for this Python."""
    return Check(
        name="Python",
        is_ok=_OLDEST <= version[:2] <= _NEWEST,
        found=f"{'.'.join(map(str, version))} at {sys.executable}",
        mend="Use a kernel with Python 3.11, 3.12 or 3.13.",
    )


def check_tensorflow() -> Check:
    """Check that TensorFlow can be imported, without the seconds that importing it takes."""
    from importlib.util import find_spec

    from mlmagic.source.requirements import installed_distribution

    found = installed_distribution("tensorflow") if find_spec("tensorflow") else None
    return Check(
        name="TensorFlow",
        is_ok=found is not None,
        found=" ".join(found) if found else "not installed for this kernel",
        mend="%pip install 'mlmagic[cpu]', or 'mlmagic[tensorflow]' for the one with GPU libraries",
    )


def check_disk(folder: Path) -> Check:
    """Check that there is room for checkpoints and models."""
    import shutil

    from mlmagic.panels.sizes import size_text

    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    return Check(
        name="Disk",
        is_ok=free >= _ENOUGH_DISK,
        found=f"{size_text(free)} free at {there}",
        mend="Make room: jobs write checkpoints and models there. Or set MLMAGIC_HOME to a folder on a larger disk.",
    )


def check_child(python: str) -> Check:
    """Check that a job's process would find mlmagic, from wherever it starts."""
    import subprocess

    try:
        done = subprocess.run(
            [python, "-P", "-c", _CHILD], cwd="/", capture_output=True, text=True, timeout=60, check=False
        )
        found, is_ok = (done.stdout if done.returncode == 0 else done.stderr.strip()[-200:]), done.returncode == 0
    except (OSError, subprocess.SubprocessError) as error:
        found, is_ok = str(error), False
    return Check(
        name="Child process",
        is_ok=is_ok,
        found=f"finds mlmagic at {found}" if is_ok else f"does not find mlmagic: {found}",
        mend="Install mlmagic for this kernel's Python: %pip install mlmagic",
    )


def _check_cloud(session: Session) -> tuple[Check, ...]:
    from mlmagic.magics.doctor_google import check_google

    try:
        is_cloud = session.backend_name in CLOUD
    except MlmagicError as error:
        return (Check(name="Configuration", is_ok=False, found=error.message, mend=error.hint),)
    return tuple(check_google(session)) if is_cloud else ()


def _check_workspace(session: Session) -> Check:
    from tempfile import TemporaryFile

    root = session.workspace.root
    with TemporaryFile(dir=root) as probe:
        probe.write(b"mlmagic")
    return Check(name="Workspace", is_ok=True, found=f"{root} can be written")


def _check_database(session: Session) -> Check:
    from mlmagic.workspace.database import Database
    from mlmagic.workspace.jobs import JobStore

    count = len(JobStore(Database(session.workspace)).list(limit=1))
    return Check(name="Database", is_ok=True, found="answers" if count else "answers; it has no jobs yet")


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except MlmagicError as error:
        return Check(name=name, is_ok=False, found=error.message, mend=error.hint)
    except OSError as error:
        mend = "Set MLMAGIC_HOME to a folder that can be written, and restart the kernel."
        return Check(name=name, is_ok=False, found=str(error), mend=mend)
