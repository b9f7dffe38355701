"""The emulator's own programs, run as jobs of the engine: they go on when the emulator ends, and cannot end unseen.

A program has a name, which is made of its resource's, and a folder of that name. What it is to do is written there
before it is started, so that a name tells all, whatever was killed; there is one job of a name.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from pathlib import Path
from typing import Self

from mlmagic.backends.local.backend import LocalBackend
from mlmagic.emulator.core import Core
from mlmagic.emulator.errors import ApiError
from mlmagic.errors import ConflictError, MlmagicError, NotFoundError
from mlmagic.source.digest import digest_of
from mlmagic.spec.job import JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.package import CellShape, TrainerPackage
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.files import make_folder, write_atomic
from mlmagic.workspace.layout import Workspace

REQUEST = "request.json"
_FOLDER = "programs"


class Programs:
    """Starts, finds and ends programs. Safe for threads."""

    def __init__(self, workspace: Workspace, root: Path) -> None:
        self._backend = LocalBackend(workspace)
        self._root = root / _FOLDER
        self._lock = threading.Lock()

    @classmethod
    def of(cls, core: Core) -> Self:
        """Return those of an emulator."""
        return cls(open_workspace(Workspace(core.engine_folder)), core.root)

    def folder(self, name: str) -> Path:
        """Return the folder of a program."""
        return self._root / name

    def write(self, name: str, request: str) -> None:
        """Write down what a program is to do."""
        make_folder(self.folder(name))
        write_atomic(self.folder(name) / REQUEST, request)

    def ensure(self, name: str, module: str) -> JobRecord:
        """Return the program's job as it is now, started if there is none; its one argument is its folder.

        Raises:
            ApiError: UNAVAILABLE: it cannot be started.
        """
        with self._lock:
            try:
                found = self._backend.list(display_name=name, limit=1)
                if found:
                    return self._backend.get(found[0].id)
                return self._backend.submit(self._spec(name, module), _package(module))
            except MlmagicError as error:
                raise ApiError(status="UNAVAILABLE", message=str(error)) from error

    def cancel(self, name: str) -> None:
        """Ask a program to end."""
        for found in self._backend.list(display_name=name, limit=1):
            self._backend.cancel(found.id)

    def log(self, record: JobRecord) -> str:
        """Return the end of what a program printed."""
        with contextlib.suppress(NotFoundError):
            return self._backend.logs(record.id, offset=-4000).text
        return ""

    def delete(self, name: str) -> None:
        """Forget a program that has ended, and its folder."""
        for found in self._backend.list(display_name=name, limit=1):
            with contextlib.suppress(NotFoundError, ConflictError):
                self._backend.delete(found.id)
        shutil.rmtree(self.folder(name), ignore_errors=True)

    def _spec(self, name: str, module: str) -> JobSpec:
        return JobSpec(
            display_name=name,
            package=PackageReference(digest=_package(module).digest, module=module),
            args=(str(self.folder(name)),),
            # A main session, or a thread of Arrow's, belongs into a process that nobody else has used.
            fresh=True,
            working_directory=str(self.folder(name)),
        )


def why_failed(record: JobRecord) -> str:
    """Return why a program did not succeed, if it did not."""
    if record.state is JobState.LOST:
        return "The machine went away while the job was running."
    if record.error is None:
        return record.message or "The job failed."
    return "\n".join(filter(None, [record.error.message, record.error.details]))


def _package(module: str) -> TrainerPackage:
    # What it does is in mlmagic; a package must have a file.
    files = {"README": b"A program of the emulator.\n"}
    return TrainerPackage(shape=CellShape.GIVEN, module=module, files=files, digest=digest_of(files))
