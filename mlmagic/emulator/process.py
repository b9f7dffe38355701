"""The process of an emulator: one for each folder, by a lock; it listens, writes down where, and ends when told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from mlmagic.emulator.access import Access
from mlmagic.emulator.address import ADDRESS, CREDENTIALS, LOCK, Address, environment
from mlmagic.emulator.arguments import Arguments, read_arguments
from mlmagic.emulator.core import Core
from mlmagic.emulator.documents import DocumentStore
from mlmagic.emulator.ending import stop_emulator
from mlmagic.emulator.faults import Faults
from mlmagic.emulator.handler import Site
from mlmagic.emulator.launch import DEFAULT_PROJECT, DEFAULT_REGION, find_emulator, read_address, tell_faults
from mlmagic.emulator.operations import Operations
from mlmagic.emulator.rpc_port import start_rpc_port
from mlmagic.emulator.server import LARGEST_REQUEST, front
from mlmagic.emulator.service import Dispatcher
from mlmagic.emulator.storage.api import StorageApi
from mlmagic.emulator.storage.handler import Storage
from mlmagic.emulator.storage.store import ObjectStore
from mlmagic.emulator.storage.uploads import ResumableUploads
from mlmagic.emulator.token import Account, new_private_key
from mlmagic.runtime.agent_lock import holds_lock, take_lock
from mlmagic.spec.codec import dumps
from mlmagic.workspace.files import make_folder, write_atomic
from mlmagic.workspace.processes import ProcessIdentity

_THREADS = 16
_LOOK_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run an emulator until it is told to end; return the exit status."""
    given = read_arguments(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    root = given.root
    if given.stop:
        was_running = stop_emulator(root)
        sys.stdout.write(f"the emulator in {root} was ended\n" if was_running else f"no emulator runs in {root}\n")
        return 0
    if given.clear_faults or (given.faults and find_emulator(root) is not None):
        return _tell(given)
    make_folder(root)
    lock = take_lock(root / LOCK)
    if lock is None:
        sys.stderr.write(f"another emulator runs in {root}\n")
        return 1
    try:
        asyncio.run(_serve(given, lock))
    finally:
        os.close(lock)
    return 0


def _tell(given: Arguments) -> int:
    """Switch failures on or off at the emulator that runs."""
    running = find_emulator(given.root)
    if running is None:
        sys.stderr.write(f"no emulator runs in {given.root}\n")
        return 1
    if given.clear_faults:
        tell_faults(running, None)
    for fault in given.faults:
        tell_faults(running, fault)
    return 0


async def _serve(given: Arguments, lock: int) -> None:
    root = given.root
    before = read_address(root)
    project = given.project or (before.project if before else DEFAULT_PROJECT)
    region = given.region or (before.region if before else DEFAULT_REGION)
    core = _core(root, project, region)
    for fault in given.faults:
        core.faults.add(fault)
    sockets = _listen(given.port, before.port if before else 0)
    account = _account(root, project, before)
    access = Access(account=account, port=sockets[0].getsockname()[1])
    storage = _storage(core)
    dispatcher = Dispatcher(core)
    ended = _ended(until_eof=given.until_eof)
    with ThreadPoolExecutor(_THREADS) as threads:
        server = HTTPServer(
            front(Site(core=core, access=access, dispatcher=dispatcher, threads=threads), storage),
            max_buffer_size=LARGEST_REQUEST,
            max_body_size=LARGEST_REQUEST,
        )
        server.add_sockets(sockets)
        rpc_server, rpc_port = start_rpc_port(
            dispatcher, access, core.faults, int(before.grpc_address.rpartition(":")[2]) if before else 0
        )
        try:
            dispatcher.resume()
            _announce(root, core, access, rpc_port)
            await _until(ended, root / LOCK, lock)
        finally:
            server.stop()
            rpc_server.stop(None)
            dispatcher.close()
            core.objects.close()
            core.documents.close()


def _core(root: Path, project: str, region: str) -> Core:
    documents = DocumentStore(root / "state.db")
    return Core(
        root=root,
        project=project,
        region=region,
        documents=documents,
        operations=Operations(documents),
        objects=ObjectStore(root),
        faults=Faults(),
    )


def _storage(core: Core) -> Storage:
    api, uploads = StorageApi(core.objects, core.region), ResumableUploads(core.objects)
    uploads.sweep()
    api.ensure_bucket(core.bucket)
    return Storage(store=core.objects, api=api, uploads=uploads)


def _account(root: Path, project: str, before: Address | None) -> Account:
    """Return the account that the folder had before, so that clients that run go on, or a new one."""
    email = f"emulator@{project}.iam.gserviceaccount.com"
    if before is not None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            key = json.loads((root / CREDENTIALS).read_text("utf-8"))["private_key"]
            return Account(email=email, private_key=key, token=before.token)
    return Account(email=email, private_key=new_private_key(), token=secrets.token_urlsafe(32))


def _listen(port: int, before: int) -> list[socket.socket]:
    try:
        sockets = bind_sockets(port or before, "127.0.0.1")
    except OSError:
        if port:
            raise
        sockets = bind_sockets(0, "127.0.0.1")
    # The word localhost may mean either, and nobody else is to answer to it.
    with contextlib.suppress(OSError):
        sockets += bind_sockets(sockets[0].getsockname()[1], "::1")
    return sockets


def _announce(root: Path, core: Core, access: Access, rpc_port: int) -> None:
    url, token = f"http://localhost:{access.port}", access.account.token
    address = Address(
        port=access.port,
        url=url,
        grpc_address=f"127.0.0.1:{rpc_port}",
        token=token,
        project=core.project,
        region=core.region,
        bucket=core.bucket,
        process=ProcessIdentity.current(),
        environment=environment(root, url=url, token=token, project=core.project, region=core.region),
    )
    write_atomic(root / CREDENTIALS, json.dumps(access.account.key_file(core.project, url)))
    write_atomic(root / ADDRESS, dumps(address))


async def _until(ended: asyncio.Event, path: Path, lock: int) -> None:
    """Wait until it is told to end, or its folder is gone: nobody can find it any more."""
    while not ended.is_set() and holds_lock(path, lock):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)


def _ended(*, until_eof: bool) -> asyncio.Event:
    """Return what is set when the process is to end."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if until_eof:

        def wait() -> None:
            sys.stdin.buffer.read()
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=wait, daemon=True).start()
    return ended
