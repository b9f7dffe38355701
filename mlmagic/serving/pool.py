"""The warm processes of a session: a few, the least recently used one goes first."""

from __future__ import annotations

import atexit
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from mlmagic.serving.child import Quicker
from mlmagic.serving.engines.conversion import known_conversion
from mlmagic.serving.predictor import Predictor
from mlmagic.spec.model import ModelVersion
from mlmagic.workspace.layout import VersionFolder, Workspace

LIMIT = 4

_Key = tuple[Path, datetime]


class PredictorPool:
    """Predictors by version. Ends them with the interpreter; if that is killed, they end by themselves."""

    def __init__(self, workspace: Workspace, *, limit: int = LIMIT) -> None:
        self._workspace = workspace
        self._limit = limit
        self._lock = threading.Lock()
        self._predictors: OrderedDict[_Key, Predictor] = OrderedDict()
        self._users: Counter[_Key] = Counter()
        self._process_id = os.getpid()
        atexit.register(self.close)

    @contextmanager
    def lease(self, version: ModelVersion, folder: Path) -> Iterator[Predictor]:
        """Give the predictor of a version, which stays while it is used. `folder` is the version's."""
        artifact = folder / version.origin.artifact_path
        # Of a workspace that was removed and made again, the same folder holds another model.
        key = (artifact, version.create_time)
        new = Predictor(str(version), artifact, find_quicker=lambda: self._quicker(version, folder))
        with self._lock:
            predictor = self._predictors.setdefault(key, new)
            self._predictors.move_to_end(key)
            self._users[key] += 1
        try:
            self._trim()
            yield predictor
        finally:
            with self._lock:
                self._users[key] -= 1
            self._trim()

    def close(self) -> None:
        """End all processes. In a forked child there is nothing to end: they are its parent's."""
        atexit.unregister(self.close)
        if os.getpid() != self._process_id:
            return
        with self._lock:
            predictors = list(self._predictors.values())
            self._predictors.clear()
        for predictor in predictors:
            predictor.close()

    def _quicker(self, version: ModelVersion, folder: Path) -> Quicker | None:
        """Return what a deployment or a batch prediction has made of it. Making it here would take longer."""
        if version.signature is None:
            return None
        known = known_conversion(self._workspace, version, folder)
        if known is None or known.path is None:
            return None
        return Quicker(model=known.path, signature=VersionFolder(folder).signature)

    def _trim(self) -> None:
        """End what is beyond the limit; one that is in use stays, and goes later."""
        surplus = []
        with self._lock:
            for key in list(self._predictors):
                if len(self._predictors) <= self._limit:
                    break
                if not self._users[key]:
                    surplus.append(self._predictors.pop(key))
                    del self._users[key]
        for predictor in surplus:
            predictor.close()
