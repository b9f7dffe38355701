"""A real JupyterLab server with the built extension, in folders of its own, below a prefix as on a hub."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from support.kept_endpoints import PATIENCE_SECONDS, until

REPOSITORY = Path(__file__).parents[2]
TESTS = REPOSITORY / "tests"
EXTENSION = REPOSITORY / "mlmagic" / "labextension"
PREFIX = "/hub/user/ada/"
"""What a hub puts before the paths of a user's server. What works below it works without it."""

_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
}


class JupyterServer:
    """A server that can be ended and started again at the same address."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        """Where its notebooks are; the workspace is in there."""
        self.log = scratch / "server.log"
        self._scratch = scratch
        self._token = secrets.token_hex(16)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        make_folders(root, scratch)

    @property
    def workspace(self) -> Path:
        """The folder of the workspace, which may not be there yet."""
        return self.root / ".mlmagic"

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    def address(self, path: str, *, with_token: bool = True) -> str:
        """Return the URL of a path below the prefix, by which a browser is logged in."""
        token = f"{'&' if '?' in path else '?'}token={self._token}" if with_token else ""
        return f"{self.origin}{PREFIX}{quote(path, safe='/?=&%')}{token}"

    def start(self) -> None:
        """Start it, and return when it listens."""
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(
                self._command(), cwd=self.root, env=self._environment(), stdout=sink, stderr=subprocess.STDOUT
            )
        information = self._scratch / "runtime" / f"jpserver-{self._process.pid}.json"
        # All of Jupyter's extensions are imported first, which takes a loaded machine long.
        until(lambda: self._is_up(information), seconds=3 * PATIENCE_SECONDS)

    def streams(self) -> int:
        """Return how many streams of events it has open."""
        with urllib.request.urlopen(self.address("test/streams")) as answer:  # noqa: S310 - a server of ours
            return int(json.load(answer)["streams"])

    def stop(self) -> None:
        """End it and its kernels."""
        if self._process is None:
            return
        # The first is the signal of a hub that culls: kernels are shut down, too.
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=30)
                break
        self._process = None

    def restart(self) -> None:
        """End it, and start it at the same address."""
        self.stop()
        self.start()

    def _is_up(self, information: Path) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the server ended early:\n{self.log.read_text()[-4000:]}"
        if not information.exists() or not (text := information.read_text()):
            return False
        self._port = json.loads(text)["port"]
        # The file is there a moment before the server is.
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self._port)):
            return True
        return False

    def _command(self) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": str(self._port),
            "ServerApp.port_retries": "0",
            "ServerApp.base_url": PREFIX,
            "ServerApp.root_dir": str(self.root),
            "ServerApp.allow_unauthenticated_access": "False",
            "IdentityProvider.token": self._token,
            "LabApp.expose_app_in_browser": "True",
            "LabApp.extension_manager": "readonly",
            "JupyterNotebookApp.expose_app_in_browser": "True",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", *words]

    def _environment(self) -> dict[str, str]:
        folders = {
            "HOME": "home",
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        own = {name: str(self._scratch / folder) for name, folder in folders.items()}
        # It goes before the environment's own folder, in which `make panel` links what may be built anew meanwhile.
        first = {"JUPYTER_PATH": own["JUPYTER_DATA_DIR"]}
        # Where the server finds the extension of the tests.
        modules = {"PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])}
        return os.environ | own | first | modules | {"MLMAGIC_HOME": str(self.workspace)}


def make_folders(root: Path, scratch: Path) -> None:
    """Make the folders of a server, and let it find the built extension."""
    root.mkdir(parents=True, exist_ok=True)
    extensions = scratch / "data" / "labextensions"
    for folder in (extensions, scratch / "home", scratch / "runtime"):
        folder.mkdir(parents=True)
    # A copy: who builds it anew takes nothing away from a server that runs.
    shutil.copytree(EXTENSION, extensions / "mlmagic")
    enabled = scratch / "config" / "jupyter_server_config.d" / "streams.json"
    enabled.parent.mkdir(parents=True)
    enabled.write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"support.stream_count": True}}}))
    for name, settings in _SETTINGS.items():
        package, _, plugin = name.partition(":")
        path = scratch / "settings" / package / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))


def check_extension() -> None:
    """Fail where the extension is not built: browser tests are about nothing else."""
    assert (EXTENSION / "package.json").exists(), "the Lab extension is not built; run `make panel`"


@contextmanager
def serving(root: Path, scratch: Path) -> Iterator[JupyterServer]:
    """Lend a server."""
    check_extension()
    server = JupyterServer(root, scratch)
    try:
        server.start()
        yield server
    finally:
        server.stop()
