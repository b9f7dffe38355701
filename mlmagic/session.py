"""The composition root: the user's configuration in; workspace, backends, models, predictors and endpoints out.

The only reader of `config.toml` and of the environment variables that are the user's configuration.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import UsageError, WorkspaceError, nearest
from mlmagic.source.history import Cell, LiveName
from mlmagic.spec.board import BoardViewer
from mlmagic.spec.board_viewer import viewer_of
from mlmagic.workspace.config import CONFIG_KEYS, GOOGLE_KEYS, ConfigFile

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.backends.endpoint_router import EndpointRouter
    from mlmagic.backends.endpoints import EndpointBackend
    from mlmagic.backends.google.endpoints import GoogleEndpoints
    from mlmagic.serving.endpoints import LocalEndpoints
    from mlmagic.serving.pool import PredictorPool
    from mlmagic.workspace.datasets import DatasetStore
    from mlmagic.workspace.layout import Workspace
    from mlmagic.workspace.models import ModelStore

DEFAULT_BACKEND = "local"
# Google's own names of what is chosen outside of mlmagic.
_GOOGLE_VARIABLES = {"google_project": "GOOGLE_CLOUD_PROJECT", "google_region": "GOOGLE_CLOUD_REGION"}
_OFF = frozenset({"off", "false", "no", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookContext:
    """What the kernel knows when a cell is packaged."""

    cells: tuple[Cell, ...] = ()
    """The executed cells, in the order of their execution."""
    live: Mapping[str, LiveName] = field(default_factory=dict)
    notebook: str | None = None


class Session:
    """What a process works with. Everything is opened at its first use, so a session costs nothing and makes no folder.

    Safe to use from several threads.
    """

    def __init__(self, *, environ: Mapping[str, str] | None = None, start: Path | None = None) -> None:
        self.notebook: Callable[[], NotebookContext] | None = None
        """Set by the IPython extension; without it there are no cells."""
        self.ask: Callable[[str], bool | None] | None = None
        """Set by the IPython extension: asks the user, and returns None where nobody answers; None is no notebook."""
        self.tell: Callable[[str], None] = _print
        """Says a line to the user."""
        self.has_agreed = False
        """The user has said in this notebook that work may cost money."""
        self.is_in_vs_code = False
        """Set by the IPython extension: VS Code tells it to the kernel, whoever started that."""
        self._environ = os.environ if environ is None else environ
        self._start = start
        self._lock = threading.RLock()
        self._chosen_backend: str | None = None
        self._chosen_google: dict[str, str] = {}
        self._backends: dict[str, Backend] = {}
        self._routers: dict[str, Backend] = {}
        self._has_emulator = False
        self._config: ConfigFile | None = None
        self._workspace: Workspace | None = None
        self._is_open = False
        self._models: ModelStore | None = None
        self._datasets: DatasetStore | None = None
        self._predictors: PredictorPool | None = None
        self._endpoints: LocalEndpoints | None = None
        self._cloud_endpoints: dict[str, GoogleEndpoints] = {}

    @property
    def workspace(self) -> Workspace:
        """The workspace, made if it was not there.

        Raises:
            WorkspaceError: it cannot be made or read.
        """
        from mlmagic.workspace.discovery import open_workspace

        with self._lock:
            if not self._is_open:
                open_workspace(self.location)
                self._is_open = True
            return self.location

    @property
    def location(self) -> Workspace:
        """Where the workspace is, or would be: nothing is made."""
        with self._lock:
            if self._workspace is None:
                self._workspace = self._discover()
            return self._workspace

    @property
    def backend_name(self) -> str:
        """Where work runs unless a call says otherwise: what `use` chose, `MLMAGIC_BACKEND`, `config.toml`, `local`."""
        with self._lock:
            chosen = self._chosen_backend or self._environ.get("MLMAGIC_BACKEND")
            return chosen or self.config.get("backend") or DEFAULT_BACKEND

    @property
    def warm_starts(self) -> bool:
        """Whether jobs may be forked from a process that has TensorFlow imported.

        They may, unless `MLMAGIC_WARM_STARTS`, or `warm_starts` in `config.toml`, is `off`.
        """
        told = self._environ.get("MLMAGIC_WARM_STARTS") or self.config.get("warm_starts") or "on"
        return told.lower() not in _OFF

    @property
    def budget(self) -> str | None:
        """What a job in the cloud may take at most, unless a call says otherwise."""
        return self.config.get("budget")

    @property
    def config(self) -> Mapping[str, str]:
        """The workspace's `config.toml`, read once.

        Raises:
            WorkspaceError: it cannot be read; names the line.
        """
        with self._lock:
            return self._file.values

    def refresh(self) -> None:
        """Take up what other processes have written into `config.toml` since it was read.

        Raises:
            WorkspaceError: it cannot be read; what was read before stays in force.
        """
        with self._lock:
            google = self.google
            if self._file.refresh() and self.google != google:
                self._forget("google")

    @property
    def viewer(self) -> BoardViewer:
        """Who looks at what this process shows, and by which way."""
        return viewer_of(self._environ, str(self.location.root), is_in_vs_code=self.is_in_vs_code)

    @property
    def notebook_path(self) -> str | None:
        """The notebook of this kernel, if Jupyter told."""
        return self._environ.get("JPY_SESSION_NAME") or None

    @property
    def models(self) -> ModelStore:
        """The model registry of the workspace."""
        from mlmagic.workspace.database import Database
        from mlmagic.workspace.models import ModelStore

        with self._lock:
            if self._models is None:
                self._models = ModelStore(Database(self.workspace))
            return self._models

    @property
    def datasets(self) -> DatasetStore:
        """The datasets of the workspace."""
        from mlmagic.workspace.database import Database
        from mlmagic.workspace.datasets import DatasetStore

        with self._lock:
            if self._datasets is None:
                self._datasets = DatasetStore(Database(self.workspace))
            return self._datasets

    @property
    def predictors(self) -> PredictorPool:
        """The warm serving processes of this session."""
        from mlmagic.serving.pool import PredictorPool

        with self._lock:
            if self._predictors is None:
                self._predictors = PredictorPool(self.location)
            return self._predictors

    @property
    def endpoints(self) -> EndpointRouter:
        """All endpoints of the workspace, whichever backend they are on; a new one's spec names its backend."""
        from mlmagic.backends.endpoint_router import EndpointRouter

        return EndpointRouter(self.workspace, reader=self._endpoint_reader, actor=self._endpoint_actor)

    def cloud_endpoints(self, name: str) -> GoogleEndpoints:
        """Return the endpoints of `google` or `emulator`; no emulator is started for that."""
        from mlmagic.backends.google.endpoints import GoogleEndpoints

        with self._lock:
            if name not in self._cloud_endpoints:
                self._cloud_endpoints[name] = GoogleEndpoints(self.workspace, name=name, config=self.google)
            return self._cloud_endpoints[name]

    def _endpoint_reader(self, name: str) -> EndpointBackend:
        from mlmagic.backends.registry import CLOUD

        return self.cloud_endpoints(name) if name in CLOUD else self.local_endpoints

    def _endpoint_actor(self, name: str) -> EndpointBackend:
        if name == "emulator":
            self.backend(name)  # it is started, if it does not run
        return self._endpoint_reader(name)

    @property
    def local_endpoints(self) -> LocalEndpoints:
        """The endpoints of the workspace that are on this machine."""
        from mlmagic.serving.endpoints import LocalEndpoints

        with self._lock:
            if self._endpoints is None:
                self._endpoints = LocalEndpoints(self.workspace)
            return self._endpoints

    @property
    def google(self) -> Mapping[str, str]:
        """The settings of Google Cloud: what `use` chose, `config.toml`, then what Google's own variables say."""
        with self._lock:
            outer = {key: self._environ.get(name, "") for key, name in _GOOGLE_VARIABLES.items()}
            kept = {key: value for key, value in self.config.items() if key in GOOGLE_KEYS}
            return {key: value for key, value in {**outer, **kept, **self._chosen_google}.items() if value}

    @property
    def jobs(self) -> Backend:
        """All jobs of the workspace, whichever backend they are on; one that is submitted names its backend.

        Raises:
            UsageError: there is no backend of the name that is chosen.
        """
        from mlmagic.backends.registry import BACKENDS, IN_MEMORY
        from mlmagic.backends.router import Router

        with self._lock:
            name = self.backend_name
            if name in IN_MEMORY or name not in BACKENDS:
                return self.backend(name)
            if name not in self._routers:
                self._routers[name] = Router(self.workspace, name=name, reader=self.reader, actor=self.backend)
            return self._routers[name]

    def backend(self, name: str | None = None) -> Backend:
        """Return the backend of that name, by default the session's; the emulator is started if it does not run.

        Raises:
            UsageError: there is none of that name.
            BackendError: the emulator cannot be started.
        """
        with self._lock:
            name = name or self.backend_name
            if name == "emulator" and not self._has_emulator:
                from mlmagic.emulator.launch import ensure_emulator

                ensure_emulator(self.workspace.emulator)
                self._has_emulator = True
            return self.reader(name)

    def stop_emulator(self) -> bool:
        """End the workspace's emulator, which the next job on it starts again; say whether one ran.

        Raises:
            BackendError: it cannot be ended.
        """
        from mlmagic.emulator.ending import stop_emulator

        with self._lock:
            self._has_emulator = False
            return stop_emulator(self.location.emulator)

    def reader(self, name: str) -> Backend:
        """Return the backend of that name, to look at jobs with: no emulator is started for that.

        Raises:
            UsageError: there is none of that name.
        """
        from mlmagic.backends.registry import load_backend

        with self._lock:
            if name not in self._backends:
                tell = lambda line: self.tell(line)  # noqa: E731, PLW0108 - who is told may be set later
                self._backends[name] = load_backend(name, self.workspace, self.google, tell=tell)
            return self._backends[name]

    def planner(self, name: str) -> Backend:
        """Return the backend of that name to place jobs with: where the workspace would be is enough for that.

        Raises:
            UsageError: there is none of that name.
        """
        from mlmagic.backends.registry import load_backend

        with self._lock:
            return self._backends.get(name) or load_backend(name, self.location, self.google)

    def use(self, backend: str, *, save: bool = False, google: Mapping[str, str] | None = None) -> None:
        """Run work on that backend from now on, in this process; with `save`, in every new one on this workspace.

        Args:
            backend: its name.
            save: see above.
            google: settings by their keys in `config.toml`, for the backend `google`.

        Raises:
            UsageError: there is none of that name, or settings are missing or wrong.
            BackendError: the emulator cannot be started.
        """
        from mlmagic.backends.google.settings import read_settings

        with self._lock:
            given = dict(google or {})
            if given and backend != "google":
                told = ", ".join(f"--{key.removeprefix('google_')}" for key in given)
                raise UsageError(f"{told}: for the backend 'google' alone, not for {backend!r}.")
            if backend == "google":
                read_settings({**self.google, **given})
                self._forget("google")
                self._chosen_google |= given
            # One that was ended by hand is started again.
            self._has_emulator = False
            self.backend(backend)
            self._chosen_backend = backend
            if save:
                for key, value in given.items():
                    self._save(key, value)
                self._save("backend", backend)

    def configure(self, key: str, value: str) -> None:
        """Set what all processes of this workspace go by, this one included.

        Raises:
            UsageError: there is no such setting, or it cannot have that value.
        """
        from mlmagic.backends.google.settings import check_settings
        from mlmagic.runtime.agent_call import tell_agent
        from mlmagic.spec.budgets import parse_budget

        if key not in CONFIG_KEYS:
            known = [name.replace("_", "-") for name in CONFIG_KEYS]
            told = key.replace("_", "-")
            raise UsageError(
                f"there is no setting {told!r}. {nearest(told, known)}".rstrip(), hint=f"Settings: {', '.join(known)}."
            )
        if key == "warm_starts" and value not in {"on", "off"}:
            raise UsageError(f"warm-starts is on or off, not {value!r}.")
        if key in GOOGLE_KEYS:
            check_settings({key: value})
        if key == "budget":
            parse_budget(value)
        with self._lock:
            if key == "backend":
                self.use(value, save=True)
            elif key in GOOGLE_KEYS:
                self._save(key, value)
                self._chosen_google.pop(key, None)
                self._forget("google")
            else:
                self._save(key, value)
                if key == "warm_starts" and value == "off":
                    tell_agent(self.workspace, {"do": "cool"})

    @property
    def _file(self) -> ConfigFile:
        if self._config is None:
            self._config = ConfigFile(self.location.config)
        return self._config

    def _save(self, key: str, value: str) -> None:
        _ = self.workspace  # made, if there is none yet
        self._file.save(key, value)

    def _forget(self, name: str) -> None:
        """Let the next use make that backend anew, by the settings that there are then."""
        # Most backends do nothing by themselves that could be ended.
        for forgotten in (self._backends.pop(name, None), self._cloud_endpoints.pop(name, None)):
            close: Callable[[], None] | None = getattr(forgotten, "close", None)
            if close is not None:
                close()

    def context(self) -> NotebookContext:
        """Return what the notebook holds now; empty in a plain Python program."""
        return self.notebook() if self.notebook else NotebookContext(notebook=self.notebook_path)

    def close(self) -> None:
        """End the warm processes, and hang up on endpoints and on jobs in the cloud, which go on."""
        with self._lock:
            for name in [*self._backends, *self._cloud_endpoints]:
                self._forget(name)
            if self._predictors is not None:
                self._predictors.close()
                self._predictors = None
            if self._endpoints is not None:
                self._endpoints.close()
                self._endpoints = None

    def _discover(self) -> Workspace:
        from mlmagic.workspace.discovery import find_workspace, nearer_workspace_warning

        try:
            start = self._start or Path.cwd()
        except FileNotFoundError as error:
            raise WorkspaceError(
                "the working directory was deleted, so there is no place for a workspace.",
                hint="Change to another folder: %cd ~",
            ) from error
        if warning := nearer_workspace_warning(self._environ, start):
            warnings.warn(warning, stacklevel=4)
        return find_workspace(self._environ, start)


def current_session() -> Session:
    """Return this process's session. A forked child gets its own: it must not share sockets and connections."""
    with _LOCK:
        return _session_of(os.getpid())


def use(backend: str, *, save: bool = False) -> None:
    """Run work on `backend` from now on; with `save`, in all later kernels of this workspace too."""
    current_session().use(backend, save=save)


def reset_session() -> None:
    """Close this process's session; the next use makes a new one from the configuration as it is then."""
    with _LOCK:
        _session_of(os.getpid()).close()
        _session_of.cache_clear()


def _print(line: str) -> None:
    print(line)  # noqa: T201 - what a user of Python is told, too


_LOCK = threading.Lock()


@cache
def _session_of(pid: int) -> Session:  # noqa: ARG001 - the key of the cache
    return Session()
