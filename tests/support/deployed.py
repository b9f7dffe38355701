"""Sessions whose endpoints are real, and end with the test: version N of the model `sums` returns x + N."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.kept_endpoints import register

from mlmagic.errors import NotFoundError
from mlmagic.session import Session


@contextmanager
def deploying_session(root: Path, *, versions: int = 2) -> Iterator[Session]:
    """A session with a model, none of which is deployed."""
    session = Session(environ={"MLMAGIC_HOME": str(root / ".mlmagic")}, start=root)
    for number in range(1, versions + 1):
        register(session.workspace, number)
    try:
        yield session
    finally:
        end_endpoints(session)
        session.close()


def end_endpoints(session: Session) -> None:
    """Delete all endpoints of a session's workspace."""
    for record in session.endpoints.list():
        try:
            session.endpoints.delete(record.spec.name)
        except NotFoundError:
            continue
