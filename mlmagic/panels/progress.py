"""How far a job is: a bar, the epoch or the rows that were read, and how long it will still take."""

from __future__ import annotations

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import one_line
from mlmagic.panels.times import coarse_duration
from mlmagic.spec.job import JobState
from mlmagic.spec.monitoring_alert import MonitorStatus
from mlmagic.spec.report import JobDescription, Progress, Reading

_BLOCKS = " ▏▎▍▌▋▊▉"
_BAR_WIDTH = 24


def progress_html(description: JobDescription) -> Html | None:
    """Return the bar of a job that goes on; of one that failed how far it came."""
    if description.monitor is not None:
        return theme.row(theme.faint(_looked(description.monitor)), top="2px")
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
        aria_label=_place(progress),
    )
    return element(
        "div", track, theme.row(_told(description, progress, is_long=True), top="3px"), style="margin-top:10px"
    )


def progress_text(description: JobDescription) -> list[str]:
    """Return the same for a terminal."""
    if description.monitor is not None:
        return [_looked(description.monitor)]
    progress = _known(description)
    if progress is None:
        return []
    if description.record.state.is_final:
        return [_came_to(progress)]
    return [f"{bar(progress.fraction)} {_told(description, progress, is_long=False)}"]


def bar(fraction: float, width: int = _BAR_WIDTH) -> str:
    """Return a bar of block characters, an eighth of one at its end."""
    eighths = round(min(1.0, max(0.0, fraction)) * width * 8)
    whole, part = divmod(eighths, 8)
    return f"▕{('█' * whole + _BLOCKS[part].strip()).ljust(width)}▏"


def _looked(status: MonitorStatus) -> str:
    return str(status) if status.problem is None else f"{status} · it failed: {one_line(status.problem)}"


def _known(description: JobDescription) -> Progress | Reading | None:
    progress = description.progress or description.reading
    most = progress.bytes_total if isinstance(progress, Reading) else progress.epochs if progress else 0
    return None if most <= 0 or description.record.state is JobState.SUCCEEDED else progress


def _percent(progress: Progress | Reading) -> int:
    return int(progress.fraction * 100)


def _place(progress: Progress | Reading) -> str:
    if isinstance(progress, Reading):
        return f"{progress.rows:,} rows"
    return f"epoch {progress.epoch} of {progress.epochs}"


def _came_to(progress: Progress | Reading) -> str:
    if isinstance(progress, Reading):
        return f"It had read {_place(progress)}, {_bytes(progress)}."
    return f"It came to {_place(progress)}."


def _told(description: JobDescription, progress: Progress | Reading, *, is_long: bool) -> str:
    told = [_place(progress)]
    if isinstance(progress, Reading):
        told += _details(progress, is_long=is_long)
    elif is_long and progress.step is not None and progress.steps:
        told.append(f"step {progress.step} of {progress.steps}")
    told.append(f"{_percent(progress)} %")
    if description.eta_seconds is not None and description.record.state is JobState.RUNNING:
        told.append(f"about {coarse_duration(description.eta_seconds)} left")
    return " · ".join(told)


def _details(reading: Reading, *, is_long: bool) -> list[str]:
    """Return what a wide display has room for: how much was read, and how fast."""
    rate = reading.bytes_per_second
    return [
        *([_bytes(reading)] if is_long else []),
        *([] if rate is None else [f"{size_text(int(rate))}/s"]),
    ]


def _bytes(reading: Reading) -> str:
    return f"{size_text(reading.bytes_done)} of {size_text(reading.bytes_total)}"
