"""How far training is: a bar, the epoch, and how long it will still take."""

from __future__ import annotations

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element
from mlmagic.panels.times import coarse_duration
from mlmagic.spec.job import JobState
from mlmagic.spec.report import JobDescription, Progress

_BLOCKS = " ▏▎▍▌▋▊▉"
_BAR_WIDTH = 24


def progress_html(description: JobDescription) -> Html | None:
    """Return the bar of a job that goes on; of one that failed how far it came."""
    progress = _known(description)
    if progress is None:
        return None
    if description.record.state.is_final:
        return theme.row(theme.faint(_came_to(progress)), top="2px")
    percent = _percent(progress)
    colour = theme.BLUE if description.record.state is JobState.RUNNING else theme.GREY
    filled = element("div", style=f"width:{percent}%;height:100%;background:{colour};border-radius:4px")
    track = element(
        "div",
        filled,
        style="height:8px;border-radius:4px;background:rgba(128,128,128,.22);overflow:hidden;max-width:420px",
        role="progressbar",
        aria_valuemin="0",
        aria_valuemax="100",
        aria_valuenow=str(percent),
        aria_label=f"epoch {progress.epoch} of {progress.epochs}",
    )
    return element(
        "div", track, theme.row(_told(description, progress, has_steps=True), top="3px"), style="margin-top:10px"
    )


def progress_text(description: JobDescription) -> list[str]:
    """Return the same for a terminal."""
    progress = _known(description)
    if progress is None:
        return []
    if description.record.state.is_final:
        return [_came_to(progress)]
    return [f"{bar(progress.fraction)} {_told(description, progress, has_steps=False)}"]


def bar(fraction: float, width: int = _BAR_WIDTH) -> str:
    """Return a bar of block characters, an eighth of one at its end."""
    eighths = round(min(1.0, max(0.0, fraction)) * width * 8)
    whole, part = divmod(eighths, 8)
    return f"▕{('█' * whole + _BLOCKS[part].strip()).ljust(width)}▏"


def _known(description: JobDescription) -> Progress | None:
    progress, state = description.progress, description.record.state
    return None if progress is None or progress.epochs <= 0 or state is JobState.SUCCEEDED else progress


def _percent(progress: Progress) -> int:
    return int(progress.fraction * 100)


def _came_to(progress: Progress) -> str:
    return f"It came to epoch {progress.epoch} of {progress.epochs}."


def _told(description: JobDescription, progress: Progress, *, has_steps: bool) -> str:
    told = [f"epoch {progress.epoch} of {progress.epochs}"]
    if has_steps and progress.step is not None and progress.steps:
        told.append(f"step {progress.step} of {progress.steps}")
    told.append(f"{_percent(progress)} %")
    if description.eta_seconds is not None and description.record.state is JobState.RUNNING:
        told.append(f"about {coarse_duration(description.eta_seconds)} left")
    return " · ".join(told)
