"""Boards: a TensorBoard over jobs, the trials of studies, and folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.board_sources import read_sources
from mlmagic.api.selection import Reference, session_of
from mlmagic.errors import MissingDependencyError, NotFoundError
from mlmagic.spec.board import BoardCurves, BoardPage, BoardSpec, BoardViewer, board_path

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
    viewer: BoardViewer = field(default_factory=BoardViewer)
    """Who looks at it from here."""

    @property
    def key(self) -> str:
        """What tells it from boards that show something else."""
        return self.record.key

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
        """Return what is shown of it. Where a Jupyter server passes requests on to it, that has no secret."""
        record = self.record
        is_served = self.viewer.base_url is not None
        return BoardPage(
            key=record.key,
            spec=record.spec,
            title=record.spec.title,
            command=record.spec.command,
            is_running=self.is_running,
            start_time=record.create_time,
            path=board_path(record.key) if is_served else None,
            url=None if is_served else record.url,
        )

    def curves(self) -> BoardCurves:
        """Return its curves as they are now, for where the board itself cannot be shown."""
        from mlmagic.api.board_curves import read_board_curves

        page = self.page()
        return read_board_curves(page.spec, self.viewer, url=page.url or page.path)

    def __repr__(self) -> str:
        return f"<Board of {self.spec.title}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import board_bundle, board_curves_bundle

        if self.is_running and not self.viewer.front_end.frames_boards:
            return board_curves_bundle(self.curves())
        return board_bundle(self.page(), base_url=self.viewer.base_url)


@dataclass(frozen=True, slots=True, repr=False)
class StaticBoard:
    """Curves as they are now, where no browser can get at a TensorBoard: none was started."""

    spec: BoardSpec
    viewer: BoardViewer

    def curves(self) -> BoardCurves:
        """Return what is shown of it."""
        from mlmagic.api.board_curves import read_board_curves

        return read_board_curves(self.spec, self.viewer)

    def __repr__(self) -> str:
        return f"<StaticBoard of {self.spec.title}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import board_curves_bundle

        return board_curves_bundle(self.curves())


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

        base_url = next((board.viewer.base_url for board in self.boards), None)
        return boards_bundle([board.page() for board in self.boards], base_url=base_url)


def tensorboard(
    *references: Reference,
    best: int | None = None,
    logdir: LogDir | Sequence[LogDir] | None = None,
    flags: Mapping[str, object] | None = None,
    session: Session | None = None,
) -> Board | StaticBoard:
    """Show the curves of jobs in one TensorBoard, and return it; the one that shows the same already, if it runs.

    Runs are called as jobs are: `taxi/train`, and `flights/7/train` for trial 7 of the study `flights`. Trials that
    begin later come in by themselves. On Colab and Kaggle, where no browser can get at a port, it is the curves as they
    are now.

    Args:
        references: jobs, studies and trials, by id, id prefix or name; a study means all its trials. By default the
            newest job that trains.
        best: of studies, only so many trials, those with the best results.
        logdir: other folders of logs.
        flags: TensorBoard's own, by name: `{"samples_per_plugin": "images=50"}`. With others, it is another board.
        session: another than this process's.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
        NotFoundError: there is no job for a reference.
        UsageError: arguments that do not fit; all are listed.
        BackendError: TensorBoard cannot be started.
    """
    here = session_of(session)
    spec = read_sources(here, references, best=best, logdir=logdir, flags=flags)
    if not here.viewer.front_end.opens_boards:
        return StaticBoard(spec, here.viewer)
    return start_board(here, spec)


def start_board(session: Session, spec: BoardSpec) -> Board:
    """Return the board that shows this, started if it does not run.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
        BackendError: TensorBoard cannot be started.
    """
    from mlmagic.tensorboards.launch import ensure_board

    if find_spec("tensorboard") is None:
        raise MissingDependencyError(
            f"TensorBoard is not installed in {sys.prefix}.",
            hint="Install it: %pip install 'tensorboard>=2.21,<2.22'",
        )
    return Board(ensure_board(session.workspace, spec), session.location, session.viewer)


def restart_board(key: str, *, session: Session | None = None) -> Board:
    """Start a board again that ended, as it was; one that runs is returned.

    Raises:
        NotFoundError: nothing is known of such a board any more.
        MissingDependencyError: TensorBoard is not installed.
        BackendError: TensorBoard cannot be started.
    """
    from mlmagic.tensorboards.record import board_folder, read_spec

    here = session_of(session)
    spec = read_spec(board_folder(here.location, key))
    if spec is None:
        raise NotFoundError(
            f"there is no TensorBoard {key!r:.60} any more.", hint="Start one over the same jobs: %tensorboard JOB"
        )
    return start_board(here, spec)


def boards(*, session: Session | None = None) -> BoardList:
    """Return the boards of the workspace that run, the newest first."""
    from mlmagic.tensorboards.record import running_boards

    here = session_of(session)
    found = sorted(running_boards(here.location), key=lambda record: record.create_time, reverse=True)
    return BoardList(tuple(Board(record, here.location, here.viewer) for record in found))


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
