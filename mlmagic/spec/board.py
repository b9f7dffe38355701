"""A board: one TensorBoard over the logs of several jobs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime

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

    @property
    def title(self) -> str:
        """What it is about: `flights, taxi`."""
        return ", ".join(source.name for source in self.sources)

    @property
    def command(self) -> str:
        """What starts it again."""
        best = next((source.best for source in self.sources if source.best), None)
        return " ".join(["%tensorboard", *self._words, *([f"--best {best}"] if best else [])])

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


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage(Noun):
    """What is shown of a board."""

    spec: BoardSpec
    url: str
    """With the secret that it takes to be answered."""
    is_running: bool
    start_time: datetime
