"""The environment variables that jobs were submitted with: outside of the workspace, for they may hold secrets."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from mlmagic.workspace.files import explained, write_atomic
from mlmagic.workspace.runtime_folder import RuntimeFolder

_DIGEST = re.compile(r"[0-9a-f]{64}")
_YOUNG_SECONDS = 600.0
"""A younger one may belong to a job whose row is about to be written."""


class EnvironmentStore:
    """Environments by the digest of what they hold; equal ones are kept once."""

    def __init__(self, runtime_folder: RuntimeFolder) -> None:
        self._folder = runtime_folder.environments

    def put(self, environ: Mapping[str, str]) -> str:
        """Keep an environment, and return its digest.

        Raises:
            WorkspaceError: it cannot be written.
        """
        data = json.dumps(dict(environ), sort_keys=True).encode("ascii")
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        with explained(f"write {path}"):
            try:
                os.utime(path)
            except FileNotFoundError:
                # Nothing here outlives the machine's next start, so nothing is written through to a disk.
                write_atomic(path, data, sync=False)
        return digest

    def get(self, digest: str) -> dict[str, str] | None:
        """Return an environment; None if it is gone, as after a restart of the machine."""
        if not _DIGEST.fullmatch(digest):
            return None
        try:
            data = self._path(digest).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != digest:
            return None
        environ: dict[str, str] = json.loads(data)
        return environ

    def prune(self, keep: Collection[str]) -> None:
        """Remove those that nobody names, and that are not young; renew the others, lest a tidy system removes them."""
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    if path.stem in keep:
                        os.utime(path)
                    elif time.time() - path.stat().st_mtime > _YOUNG_SECONDS:
                        path.unlink()

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"
