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

from mlmagic.serving.predictor import Predictor

LIMIT = 4

_Key = tuple[Path, datetime | None]


class PredictorPool:
    """Predictors by artifact. Ends them with the interpreter; if that is killed, they end by themselves."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._predictors: OrderedDict[_Key, Predictor] = OrderedDict()
        self._users: Counter[_Key] = Counter()
        self._process_id = os.getpid()
        atexit.register(self.close)

    @contextmanager
    def lease(self, label: str, artifact: Path, made: datetime | None = None) -> Iterator[Predictor]:
        """Give the predictor of an artifact, which stays while it is used.

        Args:
            label: what errors call it.
            artifact: where it lies.
            made: when it was made, which tells it from one that lay there before.
        """
        key = (artifact, made)
        with self._lock:
            predictor = self._predictors.setdefault(key, Predictor(label, artifact))
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
