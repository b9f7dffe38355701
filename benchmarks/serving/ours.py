"""mlmagic as its users have it: a model that is imported, and deployed behind an endpoint."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.serving.servers import BUILD, Running, Server
from mlmagic.api.deployment import deploy
from mlmagic.api.model_import import import_model
from mlmagic.session import Session

MODEL = "m"


@contextlib.contextmanager
def deployed(server: Server, artifact: Path, body: bytes) -> Iterator[Running]:
    """Deploy a SavedModel with the engine that the server's call names, and take it away again."""
    home = tempfile.mkdtemp(dir=BUILD.resolve())
    session = Session(environ=os.environ | {"MLMAGIC_HOME": home}, start=Path(home))
    cores = os.sched_getaffinity(0)
    try:
        import_model(MODEL, artifact, session=session)
        # What is started inherits it: all servers run on the first core.
        os.sched_setaffinity(0, {0})
        endpoint = deploy(MODEL, min_replicas=1, max_replicas=1, engine=server.call, session=session)
        # The conversion is done once in a version's life, beside TensorFlow; every later start is one like this.
        while _is_converting(session):
            time.sleep(0.1)
        endpoint.stop()
        started = time.perf_counter()
        endpoint.start(wait=False)
        url = f"{endpoint.url}/v1/models/{MODEL}:predict"
        one = Running(server, url, endpoint.token, _processes(endpoint.url), 0.0)
        while not _answers(one, body):
            time.sleep(0.02)
        ready = time.perf_counter() - started
        yield Running(server, url, endpoint.token, _processes(endpoint.url), ready, engine=_engine(session))
    finally:
        os.sched_setaffinity(0, cores)
        for record in session.endpoints.list():
            session.endpoints.delete(record.spec.name)
        session.close()
        shutil.rmtree(home, ignore_errors=True)


def _is_converting(session: Session) -> bool:
    return any(version.is_converting for version in session.endpoints.get(MODEL).status.versions)


def _engine(session: Session) -> str | None:
    (version,) = session.endpoints.get(MODEL).status.versions
    return version.engine


def _answers(one: Running, body: bytes) -> bool:
    try:
        one.ask(body)
    except OSError:
        return False
    return True


def _processes(url: str) -> list[psutil.Process]:
    """Return the supervisor that listens there; its workers are its children."""
    port = int(url.rsplit(":", 1)[1])
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            listens = any(
                each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in process.net_connections()
            )
            if listens:
                found.append(process)
    parents = {process.pid for process in found}
    return [process for process in found if process.ppid() not in parents]
