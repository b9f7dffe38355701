"""How far a roll-out has come, in a sentence."""

from __future__ import annotations

from mlmagic.panels.text import one_line
from mlmagic.panels.times import duration
from mlmagic.spec.endpoint import EndpointRecord, EndpointState
from mlmagic.spec.rollout import RolloutState, RolloutStatus


def rollout_sentence(record: EndpointRecord) -> str:
    """Return what is to be said of an endpoint's newest roll-out; nothing where there was none."""
    status = record.status.rollout
    if status is None:
        return ""
    model = record.spec.model
    of = f"Roll-out of {model}@{status.version}"
    reason = one_line(status.reason or "")
    if beginning := _beginning(record, status):
        return beginning
    match status.state:
        case RolloutState.RUNNING:
            step = f"step {status.step + 1} of {len(status.shares)} ({status.shares[status.step]} %)"
            return f"{of}: {step}, {_left(status)}."
        case RolloutState.COMPLETED:
            return f"{of}: came through all steps."
        case RolloutState.ROLLED_BACK:
            return f"{of}: rolled back at {status.shares[status.step]} %: {reason}.{_served_again(record, status)}"
        case _:
            return f"{of}: ended at {status.shares[status.step]} %: {reason}."


def _beginning(record: EndpointRecord, status: RolloutStatus) -> str:
    """Return which step the spec has already, and the status will only have in a second; nothing if it has that."""
    spec = record.spec
    step = None if spec.rollout is None else spec.rollout.stage_of(spec.deployed)
    if spec.rollout is None or step is None or record.status.state is EndpointState.DOWN:
        return ""
    is_next = status.state is RolloutState.RUNNING and step != status.step
    if not is_next and status.update_time >= spec.rollout.create_time:
        return ""
    stages = spec.rollout.stages
    of = f"Roll-out of {spec.model}@{spec.rollout.version}"
    return f"{of}: step {step + 1} of {len(stages)} ({stages[step].share} %) begins."


def _served_again(record: EndpointRecord, status: RolloutStatus) -> str:
    """Return what the version gets that was rolled back, because somebody has deployed it since."""
    spec = record.spec
    share = next((version.traffic for version in spec.deployed if version.number == status.version), 0)
    return f" It gets {share} % now." if share and spec.rollout is None else ""


def _left(status: RolloutStatus) -> str:
    seconds = max(0.0, status.hold_seconds - status.held_seconds)
    requests = max(0, status.least_requests - status.requests)
    left = [f"{duration(seconds)} more"] if seconds else []
    left += [f"{requests} more request{'' if requests == 1 else 's'} to it"] if requests else []
    return " and ".join(left) or "about to end"
