"""The thread of a kernel, or of the Jupyter server, that brings endpoints in the cloud to what they are to be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mlmagic.backends.google.endpoints_sync import EndpointSync, Progress
from mlmagic.errors import MissingDependencyError, MlmagicError

_LONGEST_PAUSE_SECONDS = 5.0
_LONGEST_SILENCE_SECONDS = 30.0
_CLOSE_SECONDS = 10.0
_GROWTH = 1.5


class Tender:
    """Works as long as something is to be done, and ends with that. Safe to use from several threads."""

    def __init__(self, sync: EndpointSync, unfinished: Callable[[], Sequence[str]], shortest: float) -> None:
        """Make one; nothing begins.

        Args:
            sync: does what is to be done.
            unfinished: names the endpoints for which something is.
            shortest: seconds between two looks at what takes Google time.
        """
        self.trouble: dict[str, str] = {}
        """Why an endpoint could not be asked for, by its name."""
        self._sync = sync
        self._unfinished = unfinished
        self._shortest = shortest
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._news = threading.Event()
        self._is_closed = False

    def wake(self) -> None:
        """Work from now on; what was waited for is looked at again at once."""
        self._news.set()
        with self._lock:
            if not self._is_closed and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="tend endpoints", daemon=True)
                self._thread.start()

    def wake_if_idle(self) -> None:
        """Work from now on, unless that is so already."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            self.wake()

    def close(self) -> None:
        """Work no more. What Google does goes on, and so does whoever asks for the endpoint next."""
        with self._lock:
            self._is_closed = True
            self._news.set()
            thread = self._thread
        if thread is not None:
            # In the midst of an upload it ends with its process.
            thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        pause = self._shortest
        while not self._is_closed:
            self._news.clear()
            names = self._unfinished()
            if not names:
                with self._lock:
                    if self._news.is_set():
                        continue  # there was none yet when it was looked
                    self._thread = None
                    return
            has_moved = False
            for name in names:
                has_moved |= self._advance(name)
            longest = _LONGEST_SILENCE_SECONDS if set(names) <= self.trouble.keys() else _LONGEST_PAUSE_SECONDS
            pause = self._shortest if has_moved else min(pause * _GROWTH, longest)
            if self._news.wait(pause):
                pause = self._shortest

    def _advance(self, name: str) -> bool:
        has_moved = False
        try:
            while not self._is_closed and self._sync.advance(name) is Progress.MOVED:
                has_moved = True
        except MissingDependencyError as error:
            self.trouble[name] = f"{error.message} {error.hint or ''}".strip()
        except MlmagicError as error:
            self.trouble[name] = error.message
        except Exception as error:  # noqa: BLE001 - the others are to be tended
            self.trouble[name] = f"mlmagic failed over it: {type(error).__name__}: {error}"
        else:
            self.trouble.pop(name, None)
        return has_moved
