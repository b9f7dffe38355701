"""Boards: a TensorBoard over jobs, the trials of studies, and folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.board_sources import read_sources
from mlmagic.api.selection import Reference, session_of
from mlmagic.errors import MissingDependencyError
from mlmagic.spec.board import BoardPage, BoardSpec

if TYPE_CHECKING:
    from mlmagic.session import Session
    from mlmagic.tensorboards.record import BoardRecord
    from mlmagic.workspace.layout import Workspace

LogDir = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Board:
    """A TensorBoard that runs by itself. It ends half an hour after the last look at it, or with `stop`."""

    record: BoardRecord
    workspace: Workspace

    @property
    def url(self) -> str:
        """What a browser on this machine opens. Who knows it may look: it holds a secret."""
        return self.record.url

    @property
    def spec(self) -> BoardSpec:
        """What it shows."""
        return self.record.spec

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        from mlmagic.workspace.processes import is_alive

        return is_alive(self.record.process)

    def stop(self) -> Board:
        """End it. One that has ended stays so."""
        from mlmagic.tensorboards.launch import stop_board
        from mlmagic.tensorboards.record import board_folder

        if self.is_running:
            stop_board(board_folder(self.workspace, self.record.key), self.record)
        return self

    def page(self) -> BoardPage:
        """Return what is shown of it."""
        record = self.record
        return BoardPage(spec=record.spec, url=record.url, is_running=self.is_running, start_time=record.create_time)

    def __repr__(self) -> str:
        return f"<Board of {self.spec.title}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import board_bundle

        return board_bundle(self.page())


@dataclass(frozen=True, slots=True, repr=False)
class BoardList(Sequence[Board]):
    """Boards that run, shown and printed as a table."""

    boards: tuple[Board, ...]

    @overload
    def __getitem__(self, index: int) -> Board: ...
    @overload
    def __getitem__(self, index: slice) -> BoardList: ...
    def __getitem__(self, index: int | slice) -> Board | BoardList:
        return BoardList(self.boards[index]) if isinstance(index, slice) else self.boards[index]

    def __len__(self) -> int:
        return len(self.boards)

    def __repr__(self) -> str:
        return f"<BoardList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import boards_bundle

        return boards_bundle([board.page() for board in self.boards])


def tensorboard(
    *references: Reference,
    best: int | None = None,
    logdir: LogDir | Sequence[LogDir] | None = None,
    session: Session | None = None,
) -> Board:
    """Show the curves of jobs in one TensorBoard, and return it; the one that shows the same already, if it runs.

    Runs are called as jobs are: `taxi/train`, and `flights/7/train` for trial 7 of the study `flights`. Trials that
    begin later come in by themselves.

    Args:
        references: jobs, studies and trials, by id, id prefix or name; a study means all its trials. By default the
            newest job that trains.
        best: of studies, only so many trials, those with the best results.
        logdir: other folders of logs.
        session: another than this process's.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
        NotFoundError: there is no job for a reference.
        UsageError: arguments that do not fit; all are listed.
        BackendError: TensorBoard cannot be started.
    """
    from mlmagic.tensorboards.launch import ensure_board

    here = session_of(session)
    spec = read_sources(here, references, best=best, logdir=logdir)
    if find_spec("tensorboard") is None:
        raise MissingDependencyError(
            "TensorBoard is not installed where this kernel runs.",
            hint="Install it: %pip install 'tensorboard>=2.21,<2.22'",
        )
    return Board(ensure_board(here.workspace, spec), here.location)


def boards(*, session: Session | None = None) -> BoardList:
    """Return the boards of the workspace that run, the newest first."""
    from mlmagic.tensorboards.record import running_boards

    here = session_of(session)
    found = sorted(running_boards(here.location), key=lambda record: record.create_time, reverse=True)
    return BoardList(tuple(Board(record, here.location) for record in found))


def stop_boards(
    *references: Reference, logdir: LogDir | Sequence[LogDir] | None = None, session: Session | None = None
) -> BoardList:
    """End the boards that show any of these jobs, trials of these studies, or folders, by default all; return which.

    Raises:
        NotFoundError: there is no job for a reference.
        UsageError: arguments that do not fit; all are listed.
    """
    here = session_of(session)
    found = tuple(boards(session=here))
    if references or logdir is not None:
        asked = read_sources(here, references, logdir=logdir)
        found = tuple(board for board in found if board.spec.shows_any(asked))
    for board in found:
        board.stop()
    return BoardList(found)
