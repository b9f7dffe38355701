"""Which process an endpoint's supervisor is, and telling it something."""

from __future__ import annotations

import array
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from mlmagic.spec.codec import DecodeError, loads
from mlmagic.workspace.endpoint_folder import EndpointFolder
from mlmagic.workspace.processes import ProcessIdentity, is_alive, is_gone


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorRecord(ProcessIdentity):
    """`supervisor.json`: the process, how to reach it, and its workers, which serve on if it dies."""

    socket: str = ""
    version: str = ""
    """Of mlmagic."""
    lock: int | None = None
    """The inode of its lock: that of a workspace which was copied is another."""
    workers: tuple[ProcessIdentity, ...] = ()
    orphans: tuple[ProcessIdentity, ...] = ()
    """Workers of the supervisor before, which serve until the new ones do."""

    @property
    def all_workers(self) -> tuple[ProcessIdentity, ...]:
        """All that may serve now."""
        return (*self.workers, *self.orphans)


def read_supervisor(folder: EndpointFolder) -> SupervisorRecord | None:
    """Return what the supervisor says of itself, which may have died since; None if there has been none."""
    try:
        record = loads(SupervisorRecord, folder.supervisor.read_bytes())
        return record if record.lock in {None, folder.lock.stat().st_ino} else None
    except (OSError, DecodeError):
        return None


def is_supervised(folder: EndpointFolder) -> bool:
    """Say whether the supervisor runs, here or on another machine that has the same workspace."""
    record = read_supervisor(folder)
    return record is not None and not is_gone(record, folder.supervisor)


def living_workers(folder: EndpointFolder) -> list[ProcessIdentity]:
    """Return the endpoint's workers that still run, whether or not their supervisor does."""
    record = read_supervisor(folder)
    return [worker for worker in record.all_workers if is_alive(worker)] if record is not None else []


def tell_supervisor(folder: EndpointFolder, message: Mapping[str, str], *, descriptor: int | None = None) -> bool:
    """Send a message, with a descriptor if there is one, and say whether there is a supervisor that will read it."""
    record = read_supervisor(folder)
    if record is None or is_gone(record, folder.supervisor):
        return False
    rights = array.array("i", [] if descriptor is None else [descriptor])
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if rights else []
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as caller:
            caller.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
            caller.sendmsg([json.dumps(message).encode()], ancillary, 0, record.socket)
    except BlockingIOError:
        # Others have told it so much already that it will look; but a descriptor that was not sent has not come.
        return descriptor is None
    except OSError:
        # One on another machine looks by itself now and then.
        return not is_alive(record)
    return True
