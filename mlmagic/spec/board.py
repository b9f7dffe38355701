"""A board: one TensorBoard over the logs of several jobs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSource(Noun):
    """Where runs come from: a job, the trials of a study, or a folder."""

    name: str
    """What its runs are called by: `taxi`, `flights/7`; of a study `flights`, before each trial's number."""
    job: str | None = None
    """The id of a job or a study."""
    is_study: bool = False
    best: int | None = None
    """Of a study, only so many trials, those with the best results."""
    folder: str | None = None
    """Of logs that no job of the workspace wrote; absolute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSpec(Noun):
    """What a board shows. The same sources, in whatever order, are the same board."""

    sources: tuple[BoardSource, ...]
    workspace: str
    """Its folder: without it, nothing is left to be shown."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """TensorBoard's own, by name without dashes. With others, it is another board."""

    @property
    def title(self) -> str:
        """What it is about: `flights, taxi`."""
        return ", ".join(source.name for source in self.sources)

    @property
    def command(self) -> str:
        """What starts it again."""
        best = next((source.best for source in self.sources if source.best), None)
        flags = [f"--{name} {shlex.quote(value)}" for name, value in sorted(self.flags.items())]
        return " ".join(["%tensorboard", *self._words, *([f"--best {best}"] if best else []), *flags])

    @property
    def stop_command(self) -> str:
        """What ends it, and other boards that show any of the same."""
        return " ".join(["%tensorboard --stop", *self._words])

    def shows_any(self, asked: BoardSpec) -> bool:
        """Say whether it has a source that is asked for, or a trial of a study that is."""
        wanted = {(source.job, source.folder) for source in asked.sources}
        studies = {source.job for source in asked.sources if source.is_study}
        return any(
            # The id of a trial is its study's, with a number behind it.
            (source.job, source.folder) in wanted or (source.job or "").rpartition("-")[0] in studies
            for source in self.sources
        )

    @property
    def _words(self) -> list[str]:
        return [_word(source) for source in self.sources]


def _word(source: BoardSource) -> str:
    return f"--logdir {shlex.quote(source.folder)}" if source.folder else source.job or ""


class FrontEnd(Enum):
    """Where a notebook is looked at, as far as it matters to what it can show."""

    JUPYTER = "Jupyter"
    VS_CODE = "VS Code"
    COLAB = "Colab"
    KAGGLE = "Kaggle"

    @property
    def frames_boards(self) -> bool:
        """Whether an output can hold the page of another server."""
        return self is FrontEnd.JUPYTER

    @property
    def opens_boards(self) -> bool:
        """Whether the user's browser can get at a port of the machine on which the kernel runs."""
        return self in {FrontEnd.JUPYTER, FrontEnd.VS_CODE}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardViewer(Noun):
    """Who looks at a board, and by which way."""

    front_end: FrontEnd = FrontEnd.JUPYTER
    base_url: str | None = None
    """Of the Jupyter server that started this kernel and passes requests on to boards: `/`, `/user/ada/`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardCurve(Noun):
    """A scalar of a run over its steps."""

    run: str
    name: str
    """By Keras's names: `loss`, `val_loss`."""
    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage(Noun):
    """What is shown of a board."""

    key: str
    """What tells it from boards that show something else."""
    spec: BoardSpec
    title: str
    command: str
    """What starts it again."""
    is_running: bool
    start_time: datetime | None = None
    path: str | None = None
    """Where a browser finds it, below the base URL of the Jupyter server: `mlmagic/tensorboard/KEY/`."""
    url: str | None = None
    """Where there is no such server: on this machine alone, with the secret that it takes to be answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardCurves(Noun):
    """The curves of a board as they are now, for a front end that cannot show the board."""

    spec: BoardSpec
    front_end: FrontEnd
    curves: tuple[BoardCurve, ...]
    runs: int
    """How many there are; not all need be shown."""
    url: str | None = None
    """Of the board that runs, where a browser can get at it."""


def board_path(key: str) -> str:
    """Return where a board is found below a Jupyter server's base URL."""
    return f"mlmagic/tensorboard/{key}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRequest(Noun):
    """What a front end asks to be shown: jobs and folders, by default the newest job that trains; or a board again."""

    jobs: tuple[str, ...] = ()
    """Ids, beginnings of ids, or names; studies mean their trials."""
    best: int | None = None
    """Of studies, only so many trials, those with the best results."""
    logdir: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    """TensorBoard's own, by name without dashes."""
    key: str | None = None
    """Of a board that ended, alone: it is started again as it was."""
