"""The roll-out of a version that other versions of an endpoint are to make room for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from mlmagic.api.traffic import told, with_version
from mlmagic.errors import ConflictError, UsageError
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec, EngineChoice, Rollout, RolloutStage

HOLD_SECONDS = 600.0


def plan_rollout(
    spec: EndpointSpec, number: int, steps: Sequence[int], hold_seconds: float | None, *, engine: EngineChoice
) -> Rollout:
    """Return a roll-out of a version beside what an endpoint serves now.

    Raises:
        ConflictError: there is another under way.
        UsageError: there is nothing to compare it with, or it gets as much already.
    """
    name, model = spec.name, spec.model
    if spec.rollout is not None:
        raise ConflictError(
            f"a roll-out of {model}@{spec.rollout.version} to {name!r} is under way.",
            hint=f"Wait for its end, or end it: %endpoints rollback {name}",
        )
    share = next((version.traffic for version in spec.deployed if version.number == number), 0)
    if share >= steps[0]:
        raise UsageError(
            f"{model}@{number} gets {share} % of the requests already, so it cannot be rolled out from {steps[0]} %.",
            hint=f"Deployed: {told(spec.deployed, model)}.",
        )
    stages = tuple(
        RolloutStage(
            share=step,
            deployed=with_version(
                spec.deployed, DeployedVersion(number=number, traffic=step, engine=engine), model=model
            ),
        )
        for step in steps
    )
    return Rollout(
        version=number,
        stages=stages,
        before=spec.deployed,
        hold_seconds=HOLD_SECONDS if hold_seconds is None else hold_seconds,
        create_time=datetime.now(UTC),
    )


def first_rollout_error(model: str, number: int) -> UsageError:
    """Return what is said where no other version is served."""
    return UsageError(
        f"{model}@{number} cannot be rolled out: the endpoint serves no other version that it could be compared with.",
        hint="Leave out --canary and --hold.",
    )
