"""What was seen of an endpoint's shadow, in sentences."""

from __future__ import annotations

from datetime import datetime

from mlmagic.panels.text import one_line
from mlmagic.panels.times import ago
from mlmagic.spec.endpoint import EndpointRecord
from mlmagic.spec.shadow import ComparedAnswers, ShadowState, ShadowStatus


def shadow_name(record: EndpointRecord) -> str:
    """Return what is said of it in a list; nothing where there is none."""
    shadow = record.spec.shadow
    return "" if shadow is None else f"shadow {record.spec.model}@{shadow.version}"


def shadow_lines(record: EndpointRecord, now: datetime) -> list[str]:
    """Return lines on an endpoint's shadow: how it is, what it answers, how fast; none where there is none."""
    status = record.status.shadow
    if status is None or record.spec.shadow is None:
        return []
    name = f"{record.spec.model}@{status.version}"
    share = "" if status.share == 1 else f" ({_percent(status.share)} of the requests)"
    told = [f"Shadow {name}{share}, begun {ago(status.since, now)}: {_requests(status)}."]
    match status.state:
        case ShadowState.LOADING:
            told.append("It is loading.")
        case ShadowState.WAITING:
            told.append("It is not loaded, since no worker runs.")
        case ShadowState.FAILED:
            told.append(f"It does not run, and is tried again: {one_line(status.error or '').rstrip('.')}.")
        case _:
            pass
    answers = [_answers(output, each) for output, each in status.counts.outputs.items()]
    if unusable := status.counts.unusable:
        answers.append(f"For {unusable:,} instance{'' if unusable == 1 else 's'} it alone predicts no finite number.")
    return [" ".join(told), *answers, *_latency(status)]


def _requests(status: ShadowStatus) -> str:
    counts = status.counts
    told = [f"{counts.compared:,} request{'' if counts.compared == 1 else 's'} compared"]
    told += [f"{counts.failed:,} that it failed at"] if counts.failed else []
    told += [f"{status.dropped:,} that it did not come to"] if status.dropped else []
    return ", ".join(told)


def _answers(output: str, answers: ComparedAnswers) -> str:
    told = []
    if answers.mean_difference is not None:
        relative = answers.relative_difference
        part = "" if relative is None else f" ({_percent(relative)})"
        told.append(f"{answers.mean_difference:.4g}{part} apart on average, {answers.largest:.4g} at most")
    if answers.equal_share is not None:
        told.append(f"{answers.equal:,} of {answers.classes:,} equal ({_percent(answers.equal_share)})")
    return f"{one_line(output)}: {'; '.join(told) or 'nothing to compare'}."


def _latency(status: ShadowStatus) -> list[str]:
    both = [
        " and ".join(f"{name} {latency[name]:.3g} ms" for name in ("p50", "p99") if name in latency)
        for latency in (status.latency_ms, status.served_latency_ms)
    ]
    return [f"Its {both[0]}; of what is returned {both[1]}."] if all(both) else []


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
