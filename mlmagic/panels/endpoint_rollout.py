"""How far a roll-out has come, in a sentence."""

from __future__ import annotations

from mlmagic.panels.text import one_line
from mlmagic.panels.times import duration
from mlmagic.spec.endpoint import EndpointRecord
from mlmagic.spec.rollout import RolloutState, RolloutStatus


def rollout_sentence(record: EndpointRecord) -> str:
    """Return what is to be said of an endpoint's newest roll-out; nothing where there was none."""
    status = record.status.rollout
    if status is None:
        return ""
    model = record.spec.model
    of = f"Roll-out of {model}@{status.version}"
    reason = one_line(status.reason or "")
    match status.state:
        case RolloutState.RUNNING:
            step = f"step {status.step + 1} of {len(status.shares)} ({status.shares[status.step]} %)"
            return f"{of}: {step}, {_left(status)}."
        case RolloutState.COMPLETED:
            return f"{of}: came through all steps."
        case RolloutState.ROLLED_BACK:
            return f"{of}: rolled back at {status.shares[status.step]} %: {reason}."
        case _:
            return f"{of}: ended at {status.shares[status.step]} %: {reason}."


def _left(status: RolloutStatus) -> str:
    seconds = max(0.0, status.hold_seconds - status.held_seconds)
    requests = max(0, status.least_requests - status.requests)
    left = [f"{duration(seconds)} more"] if seconds else []
    left += [f"{requests} more request{'' if requests == 1 else 's'} to it"] if requests else []
    return " and ".join(left) or "about to end"
