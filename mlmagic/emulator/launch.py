"""An emulator as others see it: started or found, asked whether it answers, ended."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlmagic.emulator.address import ADDRESS, LOG, Address
from mlmagic.errors import BackendError
from mlmagic.runtime.detached import start_detached
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.workspace.files import make_folder, open_to_append
from mlmagic.workspace.processes import is_alive

DEFAULT_PROJECT = "emulated-project"
DEFAULT_REGION = "us-central1"

_START_SECONDS = 120.0
_END_SECONDS = 30.0
_ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LONGEST_LOG = 1 << 20
_DETACHED = """
import os, sys
if os.fork() > 0:
    os._exit(0)
os.setsid()
sys.path[:] = sys.argv[1].split(os.pathsep)
from mlmagic.emulator.process import main
sys.exit(main(sys.argv[2:]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """An emulator that answers."""

    root: Path
    """The folder that holds all of its state."""
    address: Address

    @property
    def url(self) -> str:
        """Where all APIs are, such as http://localhost:4321."""
        return self.address.url

    @property
    def grpc_address(self) -> str:
        """Where those APIs are whose clients speak gRPC alone; insecure."""
        return self.address.grpc_address

    @property
    def token(self) -> str:
        """What every request needs as `Authorization: Bearer`."""
        return self.address.token

    @property
    def project(self) -> str:
        """The only project that there is."""
        return self.address.project

    @property
    def region(self) -> str:
        """Where calls without a location go."""
        return self.address.region

    @property
    def bucket(self) -> str:
        """A bucket that is there from the start."""
        return self.address.bucket

    @property
    def buckets(self) -> Path:
        """The folder of all buckets: what a job sees as /gcs."""
        return self.root / "buckets"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables by which Google's client libraries find it."""
        return self.address.environment


@contextlib.contextmanager
def emulator(
    root: Path | None = None, *, project: str | None = None, region: str | None = None, port: int = 0
) -> Iterator[Emulator]:
    """Start an emulator as a child of this process, and end it after the block.

    Args:
        root: the folder that holds all of its state; without one, a temporary folder.
        project: the only project that there is.
        region: where calls without a location go.
        port: of HTTP; 0: the one it had before, or any that is free.

    Raises:
        BackendError: it cannot be started; has the last of what it said.
    """
    with contextlib.ExitStack() as stack:
        folder = root or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlmagic-emulator-")))
        child = start_child(folder, project=project, region=region, port=port)
        try:
            yield wait_until_it_answers(folder, child)
        finally:
            end_child(child)


def start_child(
    root: Path, *, project: str | None = None, region: str | None = None, port: int = 0
) -> subprocess.Popen[bytes]:
    """Start an emulator that ends when this process does, however that ends."""
    make_folder(root)
    command = [sys.executable, "-m", "mlmagic.emulator", "--until-eof", *_arguments(root, project, region, port)]
    with os.fdopen(open_to_append(root / LOG), "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)


def end_child(child: subprocess.Popen[bytes]) -> None:
    """End an emulator that `start_child` has started, and return when it is gone."""
    if child.stdin is not None:
        child.stdin.close()
    child.terminate()
    try:
        child.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def wait_until_it_answers(root: Path, child: subprocess.Popen[bytes]) -> Emulator:
    """Return the emulator that a child has become.

    Raises:
        BackendError: it has ended, or does not answer in two minutes.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        address = read_address(root)
        if address is not None and address.process.pid == child.pid and answers(address):
            return Emulator(root=root, address=address)
        time.sleep(_POLL_SECONDS)
    raise _not_started(root)


def ensure_emulator(root: Path, *, project: str | None = None, region: str | None = None) -> Emulator:
    """Return the emulator of a folder, and start it as nobody's child if there is none; it answers when this returns.

    Raises:
        BackendError: it cannot be started; has the last of what it said.
    """
    if (found := find_emulator(root)) is not None:
        return found
    make_folder(root)
    path = [folder for folder in sys.path if Path(folder).is_absolute()]
    # Two at once: the lock lets one of them stay.
    start_detached(
        [sys.executable, "-c", _DETACHED, ":".join(path), *_arguments(root, project, region, 0)],
        root / LOG,
        longest_log=_LONGEST_LOG,
        descriptors=[],
        what="The emulator of Google Cloud",
    )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if (found := find_emulator(root)) is not None:
            return found
        time.sleep(_POLL_SECONDS)
    raise _not_started(root)


def find_emulator(root: Path) -> Emulator | None:
    """Return the emulator that runs in a folder, or None."""
    address = read_address(root)
    if address is None or not is_alive(address.process) or not answers(address):
        return None
    return Emulator(root=root, address=address)


def read_address(root: Path) -> Address | None:
    """Return where the folder's emulator listens, or has listened; None if there never was one."""
    try:
        return loads(Address, (root / ADDRESS).read_text("utf-8"))
    except (OSError, DecodeError):
        return None


def answers(address: Address) -> bool:
    """Say whether the emulator answers."""
    connection = http.client.HTTPConnection("localhost", address.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/emulator/health", headers={"Authorization": f"Bearer {address.token}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def tell_faults(emulator: Emulator, fault: Mapping[str, Any] | None) -> None:
    """Switch a failure or a quota on, as `faults.Faults.add` takes it; None: switch all off.

    Raises:
        BackendError: it is none, or the emulator does not answer.
    """
    connection = http.client.HTTPConnection("localhost", emulator.address.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request(
            "DELETE" if fault is None else "POST",
            "/emulator/faults",
            None if fault is None else json.dumps(fault),
            {"Authorization": f"Bearer {emulator.token}"},
        )
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise BackendError(json.loads(answer.read())["error"]["message"])
    except (OSError, http.client.HTTPException) as error:
        raise BackendError(f"the emulator in {emulator.root} does not answer: {error}") from error
    finally:
        connection.close()


def _arguments(root: Path, project: str | None, region: str | None, port: int) -> list[str]:
    given = {"--root": str(root), "--port": str(port), "--project": project, "--region": region}
    return [word for flag, value in given.items() if value is not None for word in (flag, value)]


def _not_started(root: Path) -> BackendError:
    try:
        said = (root / LOG).read_text("utf-8", "replace").strip().splitlines()[-5:]
    except OSError:
        said = []
    return BackendError(
        "The emulator of Google Cloud could not be started" + ("; the last that it said:" if said else "."),
        problems=said,
        hint="It needs Google's libraries: pip install 'mlmagic[google]'",
    )
