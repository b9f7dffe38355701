"""Boards in the REST API: which run, one more, one less. Where a browser looks at them is `board_proxy.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.server.board_notice import has_proxy, no_proxy
from mlmagic.server.handler import Handler, Route, described, has_workspace, no_workspace
from mlmagic.spec.board import BoardRequest, board_path
from mlmagic.spec.panel_rows import BoardRow

if TYPE_CHECKING:
    from tornado.web import RequestHandler

    from mlmagic.api.boards import Board
    from mlmagic.session import Session


class Boards(Handler):
    """The boards of the workspace."""

    needs_workspace = False

    @described({"boards": [BoardRow]})
    async def get(self) -> None:
        """List the boards that run, the newest first."""
        await self.respond(lambda: {"boards": [row_of(board) for board in _running(self.session)]})

    @described(BoardRow, body=BoardRequest, status=201)
    async def post(self) -> None:
        """Start a board over jobs, studies and folders, or find the one that shows the same."""
        board = await self.run_long(start, self.session, self.body(BoardRequest))
        self.answer(row_of(board), 201)


class OneBoard(Handler):
    """A board that runs."""

    @described(status=204)
    async def delete(self, board: str) -> None:
        """End a board."""
        await self.run_long(_stop, self.session, board)
        self.answer()


class NoPage(Handler):
    """Answers where boards would be looked at, and says what is missing."""

    needs_workspace = False

    async def get(self, **_: str) -> None:
        """Say what is to be installed."""
        raise no_proxy()

    post = put = patch = delete = head = get


def start(session: Session, request: BoardRequest) -> Board:
    """Return the board that is asked for.

    Raises:
        MissingDependencyError: TensorBoard, or what passes requests on to it, is not installed.
        NotFoundError: there is no job for a reference, or no board of that key is remembered.
        UsageError: arguments that do not fit; all are listed.
        BackendError: TensorBoard cannot be started.
    """
    from mlmagic.api.board_sources import read_sources
    from mlmagic.api.boards import restart_board, start_board

    if not has_proxy():
        raise no_proxy()
    asked = {"jobs": request.jobs, "best": request.best, "logdir": request.logdir, "flags": request.flags}
    if request.key is not None:
        if given := [name for name, value in asked.items() if value]:
            raise UsageError(f"key starts a board again as it was; it goes without {', '.join(given)}.")
        return restart_board(request.key, session=session)
    if not has_workspace(session):
        raise no_workspace(session)
    folders = list(request.logdir) or None
    spec = read_sources(session, request.jobs, best=request.best, logdir=folders, flags=request.flags)
    return start_board(session, spec)


def row_of(board: Board) -> BoardRow:
    """Return a board as the panel lists it; nothing in it is secret."""
    record = board.record
    return BoardRow(key=record.key, title=record.spec.title, path=board_path(record.key), start_time=record.create_time)


def _running(session: Session) -> list[Board]:
    from mlmagic.api.boards import boards

    return list(boards(session=session))


def _stop(session: Session, key: str) -> None:
    found = next((board for board in _running(session) if board.key == key), None)
    if found is None:
        raise NotFoundError(f"no TensorBoard {key!r:.60} runs.", hint="It may have ended by itself.")
    found.stop()


def _page() -> type[RequestHandler]:
    if not has_proxy():
        return NoPage
    from mlmagic.server.board_proxy import BoardProxy

    return BoardProxy


ROUTES: tuple[Route, ...] = (
    Route("boards", Boards),
    Route("boards/{board}", OneBoard),
    Route(f"/{board_path('{board}').rstrip('/')}", _page()),
    Route(f"/{board_path('{board}')}", _page()),
    Route(f"/{board_path('{board}')}{{path}}", _page()),
)
