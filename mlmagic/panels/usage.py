"""What a job took of the machine: charts of cores and memory over time, and the peaks in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlmagic.panels import theme
from mlmagic.panels.chart import Axes, Point, line_chart, sparkline
from mlmagic.panels.markup import Html, element
from mlmagic.panels.samples import Samples, by_replica, thinned
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import display_width, pad, wrapped
from mlmagic.panels.times import duration
from mlmagic.spec.usage import Usage, UsageSample

_MOST_CHARTED, _MOST_OPEN = 8, 4
_SPARKLINE_WIDTH = 12
_MIB = 1 << 20
# A curve breaks where this many samples are missing.
_GAP = 3
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
    found = by_replica(usage)
    if not found:
        return None
    every = [sample for samples in found.values() for sample in samples]
    begin, seconds = _span(every)
    axes = {measure: _axes(measure, every, seconds) for measure in _measured(every)}
    height = 64 if len(found) == 1 else 40
    replicas = []
    for name in list(found)[:_MOST_CHARTED]:
        heading = element("div", theme.mono(name)) if len(found) > 1 else None
        charts = [_chart(name, found[name], each, axes[each], begin, height=height) for each in axes]
        row = element("div", *charts, style="display:flex;flex-wrap:wrap;gap:10px 28px")
        replicas.append(element("div", heading, row, style="margin-top:10px"))
    rest = _rest_told(found)
    more = theme.row(theme.faint(rest)) if rest else None
    return theme.folded(_told(found), *replicas, more, is_open=is_open and len(found) <= _MOST_OPEN)


def usage_text(usage: Usage) -> list[str]:
    """Return a line for each replica, with a curve of block characters for each measure."""
    found = by_replica(usage)
    if len(found) <= 1:
        return [line for samples in found.values() for line in _replica_text("Usage: ", samples)]
    shown = list(found)[:_MOST_CHARTED]
    width = max(map(display_width, shown))
    lines = [line for name in shown for line in _replica_text(f"  {pad(name, width)}  ", found[name])]
    rest = _rest_told(found)
    return [_told(found), *lines, *([f"  {rest}"] if rest else [])]


def _span(samples: Sequence[UsageSample]) -> tuple[datetime, float]:
    """Return when the charts begin, and how many seconds they reach from there."""
    first = min(samples, key=lambda sample: sample.time)
    begin = first.time - timedelta(seconds=first.seconds)
    last = max(sample.time for sample in samples)
    return begin, max(1.0, (last - begin).total_seconds())


def _told(found: Samples) -> str:
    seconds = sum(sample.cores * sample.seconds for samples in found.values() for sample in samples)
    return f"Usage: {_most(found.values())}, {duration(seconds)} of processor time"


def _most(found: Collection[Sequence[UsageSample]]) -> str:
    """Return `at most 3.9 cores and 600 MiB`, the most that one of the replicas took."""
    cores = _told_cores(max((sample.cores for samples in found for sample in samples), default=0.0))
    memory = size_text(max((sample.memory_bytes for samples in found for sample in samples), default=0))
    return f"at most {cores} core{'' if cores == '1' else 's'} and {memory}{'' if len(found) == 1 else ' each'}"


def _rest_told(found: Samples) -> str | None:
    """Return what there is to say of the replicas that are not shown."""
    rest = list(found.values())[_MOST_CHARTED:]
    return f"{len(rest)} more replica{'' if len(rest) == 1 else 's'}: {_most(rest)}." if rest else None


def _measured(samples: Sequence[UsageSample]) -> list[_Measure]:
    return [measure for measure in _MEASURES if any(measure.value(sample) is not None for sample in samples)]


def _values(measure: _Measure, samples: Sequence[UsageSample]) -> list[float]:
    values = (measure.value(sample) for sample in samples)
    return [float(value) for value in values if value is not None]


def _axes(measure: _Measure, samples: Sequence[UsageSample], seconds: float) -> Axes:
    # The same for all replicas, so that they can be compared.
    top = measure.top(max(_values(measure, samples), default=0.0))
    return Axes(seconds=seconds, top=top, labels=("0", measure.told(top)))


def _chart(
    name: str, samples: Sequence[UsageSample], measure: _Measure, axes: Axes, begin: datetime, *, height: int
) -> Html:
    told = _in_words(measure, samples)
    chart = line_chart(
        list(_curves(measure, thinned(samples), begin)),
        axes,
        title=f"{measure.title} of {name} over {duration(axes.seconds)}: {told}",
        colour=measure.colour,
        height=height,
    )
    caption = element("div", f"{measure.title} ", theme.faint(told), style="font-size:12px")
    return element("div", caption, chart, style="flex:1 1 260px;min-width:0;max-width:440px")


def _in_words(measure: _Measure, samples: Sequence[UsageSample]) -> str:
    values = _values(measure, samples)
    return f"at most {measure.told(max(values))}, at last {measure.told(values[-1])}" if values else "not measured"


def _curves(measure: _Measure, samples: Sequence[UsageSample], begin: datetime) -> Iterator[list[Point]]:
    """Yield the pieces of a curve: it breaks where nothing was measured, as between two attempts."""
    curve: list[Point] = []
    for sample in samples:
        value = measure.value(sample)
        if value is None:
            continue
        at = (sample.time - begin).total_seconds()
        start = max(0.0, at - sample.seconds)
        if curve and start - curve[-1][0] > _GAP * max(1.0, sample.seconds):
            yield curve
            curve = []
        if not curve:
            curve.append((start, value))
        curve.append((at, value))
    yield curve


def _replica_text(label: str, samples: Sequence[UsageSample]) -> list[str]:
    thin = thinned(samples, _SPARKLINE_WIDTH)
    told = []
    for measure in _measured(samples):
        if most := max(_values(measure, samples), default=0.0):
            line = sparkline(_values(measure, thin), measure.top(most), _SPARKLINE_WIDTH)
            told.append(f"{measure.title} {line} peak {measure.told(most)}")
    return wrapped(label, told)
