"""What a job took of the machine: charts of cores and memory over time, and the peaks in words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.chart import Axes, Point, line_chart, sparkline
from mlmagic.panels.markup import Html, element
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import display_width, pad, wrapped
from mlmagic.panels.times import duration
from mlmagic.spec.usage import Usage, UsageSample

POINTS = 150
"""The most points of a curve."""
_MOST_CHARTED, _MOST_OPEN = 8, 4
_SPARKLINE_WIDTH = 12
_MIB = 1 << 20
_CORE_TOPS = (0.1, 0.2, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True, slots=True)
class _Measure:
    """Something that is measured over time."""

    title: str
    value: Callable[[UsageSample], float | None]
    told: Callable[[float], str]
    top: Callable[[float], float]
    """The round value at the upper side of a chart."""
    colour: str


def _told_cores(cores: float) -> str:
    return f"{cores:.2g}" if cores < 9.5 else f"{cores:.0f}"


def _cores_top(most: float) -> float:
    return next((top for top in _CORE_TOPS if top >= most), most)


def _bytes_top(most: float) -> float:
    return _MIB * 2.0 ** max(0, math.ceil(math.log2(max(most, 1) / _MIB)))


def _told_percent(percent: float) -> str:
    return f"{percent:.0f} %"


_BLUE, _GREEN = "var(--jp-brand-color1,#1976d2)", "var(--jp-success-color1,#388e3c)"
_MEASURES = (
    _Measure("cores", lambda sample: sample.cores, _told_cores, _cores_top, _BLUE),
    _Measure("memory", lambda sample: sample.memory_bytes, lambda n: size_text(int(n)), _bytes_top, _GREEN),
    _Measure("GPU", lambda sample: sample.gpu_percent, _told_percent, lambda _: 100.0, _BLUE),
    _Measure("GPU memory", lambda s: s.gpu_memory_bytes, lambda n: size_text(int(n)), _bytes_top, _GREEN),
)


def usage_html(usage: Usage, *, is_open: bool) -> Html | None:
    """Return the charts of each replica, folded in under what there is to say of them all."""
    if not usage.samples:
        return None
    names, begin, seconds = usage.replicas, *_span(usage)
    shown = [_replica_html(usage, name, begin, seconds) for name in names[:_MOST_CHARTED]]
    rest = names[_MOST_CHARTED:]
    more = theme.row(theme.faint(_rest_told(usage, rest))) if rest else None
    return theme.folded(
        f"Usage: {', '.join(_peaks(usage, names))}", *shown, more, is_open=is_open and len(names) <= _MOST_OPEN
    )


def usage_text(usage: Usage) -> list[str]:
    """Return a line for each replica, with a curve of block characters for each measure."""
    names = usage.replicas
    shown, rest = names[:_MOST_CHARTED], names[_MOST_CHARTED:]
    width = max(map(display_width, shown), default=0)
    labels = ["Usage: "] if len(names) == 1 else [f"  {pad(name, width)}  " for name in shown]
    lines = [line for name, label in zip(shown, labels, strict=True) for line in _replica_text(usage, name, label)]
    heading = [f"Usage: {', '.join(_peaks(usage, names))}"] if len(names) > 1 else []
    return [*heading, *lines, *([f"  {_rest_told(usage, rest)}"] if rest else [])]


def thinned(samples: Sequence[UsageSample], count: int = POINTS) -> list[UsageSample]:
    """Return samples of one replica, neighbours put together so that there are `count` at most."""
    size = math.ceil(len(samples) / count)
    return [_together(samples[at : at + size]) for at in range(0, len(samples), size)] if size > 1 else list(samples)


def bounded(usage: Usage, count: int = 600) -> Usage:
    """Return the usage with no more samples than a saved notebook should hold."""
    names = usage.replicas
    each = min(POINTS, max(2, count // max(1, len(names))))
    kept = [sample for name in names for sample in thinned(usage.of(name), each)]
    return dataclasses.replace(usage, samples=tuple(sorted(kept, key=lambda sample: sample.time)))


def _together(samples: Sequence[UsageSample]) -> UsageSample:
    seconds = sum(sample.seconds for sample in samples)
    return dataclasses.replace(
        samples[-1],
        seconds=seconds,
        cores=sum(sample.cores * sample.seconds for sample in samples) / seconds if seconds else samples[-1].cores,
        memory_bytes=max(sample.memory_bytes for sample in samples),
    )


def _span(usage: Usage) -> tuple[datetime, float]:
    first = min(usage.samples, key=lambda sample: sample.time)
    last = max(sample.time for sample in usage.samples)
    begin = first.time.timestamp() - first.seconds
    return first.time.fromtimestamp(begin, first.time.tzinfo), max(1.0, last.timestamp() - begin)


def _peaks(usage: Usage, names: Sequence[str]) -> Iterator[str]:
    """Yield the most of each measure: `at most 3.9 cores`, of each replica where there are several."""
    each = "" if len(names) == 1 else " each"
    cores = max(usage.peak_cores(name) for name in names)
    memory = max(usage.peak_memory_bytes(name) for name in names)
    yield f"at most {_cores(cores)} and {size_text(memory)}{each}"
    yield f"{duration(usage.cpu_seconds)} of processor time"


def _cores(cores: float) -> str:
    return f"{_told_cores(cores)} core{'' if _told_cores(cores) == '1' else 's'}"


def _rest_told(usage: Usage, names: Sequence[str]) -> str:
    many = f"{len(names)} more replica{'' if len(names) == 1 else 's'}"
    return f"{many}: {next(_peaks(usage, [names[0], *names]))}."


def _replica_html(usage: Usage, name: str, begin: datetime, seconds: float) -> Html:
    is_alone = len(usage.replicas) == 1
    charts = [
        _chart(usage, name, measure, begin, seconds, height=64 if is_alone else 40)
        for measure in _measured(usage.samples)
    ]
    heading = None if is_alone else element("div", name, style=f"font-family:{theme.MONO};font-size:12px")
    row = element("div", *charts, style="display:flex;flex-wrap:wrap;gap:10px 28px")
    return element("div", heading, row, style="margin-top:10px")


def _measured(samples: Sequence[UsageSample]) -> list[_Measure]:
    return [measure for measure in _MEASURES if any(measure.value(sample) is not None for sample in samples)]


def _values(measure: _Measure, samples: Sequence[UsageSample]) -> list[float]:
    values = (measure.value(sample) for sample in samples)
    return [float(value) for value in values if value is not None and math.isfinite(value)]


def _chart(usage: Usage, name: str, measure: _Measure, begin: datetime, seconds: float, *, height: int) -> Html:
    # The same scale for all replicas, so that they can be compared.
    top = measure.top(max(_values(measure, usage.samples), default=0.0)) or 1.0
    samples = usage.of(name)
    told = _in_words(measure, samples)
    chart = line_chart(
        list(_curves(measure, thinned(samples), begin)),
        Axes(seconds=seconds, top=top, labels=("0", measure.told(top))),
        title=f"{measure.title} of {name} over {duration(seconds)}: {told}",
        colour=measure.colour,
        height=height,
    )
    caption = element("div", element("span", f"{measure.title} "), theme.faint(told), style="font-size:12px")
    return element("div", caption, chart, style="flex:1 1 260px;min-width:0;max-width:440px")


def _in_words(measure: _Measure, samples: Sequence[UsageSample]) -> str:
    values = _values(measure, samples)
    if not values:
        return "not measured"
    return f"at most {measure.told(max(values))}, at last {measure.told(values[-1])}"


def _curves(measure: _Measure, samples: Sequence[UsageSample], begin: datetime) -> Iterator[list[Point]]:
    """Yield the pieces of a curve: it breaks where nothing was measured, as between two attempts."""
    curve: list[Point] = []
    end = None
    for sample in samples:
        value = measure.value(sample)
        if value is None or not math.isfinite(value):
            continue
        at = (sample.time - begin).total_seconds()
        start = max(0.0, at - sample.seconds)
        if end is not None and start - end > 3 * max(1.0, sample.seconds):
            yield curve
            curve = []
        if not curve:
            curve.append((start, value))
        curve.append((at, value))
        end = at
    yield curve


def _replica_text(usage: Usage, name: str, label: str) -> list[str]:
    samples = usage.of(name)
    thin = thinned(samples, _SPARKLINE_WIDTH)
    told = []
    for measure in _MEASURES:
        if most := max(_values(measure, samples), default=0.0):
            line = sparkline(_values(measure, thin), measure.top(most), _SPARKLINE_WIDTH)
            told.append(f"{measure.title} {line} peak {measure.told(most)}")
    return wrapped(label, told)
