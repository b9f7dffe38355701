"""A budget of a job: the longest that its machines may be taken for it."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from mlmagic.api.costs import Count, JobCost, job_cost
from mlmagic.backends.registry import CLOUD
from mlmagic.errors import UsageError
from mlmagic.panels.times import HOUR, MINUTE
from mlmagic.spec.budgets import Budget, parse_budget
from mlmagic.spec.job import JobKind
from mlmagic.workspace.prices import EXAMPLE, read_prices

if TYPE_CHECKING:
    from mlmagic.session import Session
    from mlmagic.spec.job import JobSpec

NO_PRICES = "a budget in money needs prices, and mlmagic ships none"
"""Why an amount of money is refused where the user has not said what machines cost."""
_SLACK = 1e-9
_DEFAULT_SECONDS = 7.0 * 24 * HOUR
"""After which Vertex AI ends a job of those kinds that has no timeout."""
_ENDED_BY_VERTEX = frozenset({JobKind.TRAINING, JobKind.TUNING})
_OWN, _SETTING = "the budget", "the workspace's budget"


def read_budget(budget: object) -> str | None:
    """Check what is to be a budget: `10h` of machines, `20USD`, or `none`; None is the workspace's.

    Raises:
        UsageError: it is none.
    """
    if budget is None:
        return None
    if not isinstance(budget, str):
        raise UsageError(f"budget must be a string, such as '10h', not {type(budget).__name__} {budget!r:.60}.")
    parse_budget(budget)
    return budget


def within_budget(spec: JobSpec, budget: str | None, session: Session) -> JobSpec:
    """Return the job with a timeout by which it keeps its budget: its own if it has one, else the longest.

    Args:
        spec: the job; on this machine, and on machines that are paid for anyway, there is nothing to bound.
        budget: of this job; None is the workspace's.
        session: whose workspace, and prices, it is.

    Raises:
        UsageError: it may take more than its budget, or a budget in money has no prices to go by.
    """
    if spec.backend not in CLOUD:
        _require_none(budget, f"jobs in Google Cloud; backend {spec.backend!r} has no machines to pay for")
        return spec
    if (resource := spec.vertex.persistent_resource) is not None:
        _require_none(budget, f"machines that a job pays for; those of {resource} are paid for anyway")
        return spec
    limit = _of_the_workspace(session) if budget is None else parse_budget(budget)
    if limit is None:
        return spec
    cost, whose = job_cost(spec), _SETTING if budget is None else _OWN
    if cost.count is Count.LEAST:
        raise UsageError(
            f"{whose} of {limit} cannot be kept: nobody knows how many machines this takes at most: {cost}.",
            hint="Say --workers N, or leave the budget out for it: --budget none.",
        )
    most = _machine_seconds(limit, cost, session, whose)
    longest = most / cost.runs
    if cost.seconds is not None:
        if cost.seconds > longest * (1 + _SLACK):
            raise UsageError(
                f"{whose} of {limit} is less than this may take: {cost}.",
                hint=f"With --timeout {_whole_minutes(longest)} or less it fits.{_ways_out(budget)}",
            )
        return spec
    if longest < MINUTE:
        runs = f" and {cost.runs} runs" if cost.runs > 1 else ""
        raise UsageError(
            f"{whose} of {limit} leaves {longest:.0f} s for {cost.machines} machines{runs}, which is under a minute.",
            hint=f"Ask for fewer machines{', trials' if cost.trials else ''}, or a larger budget.{_ways_out(budget)}",
        )
    return dataclasses.replace(spec, timeout_seconds=float(int(min(longest, _longest_unasked(spec)))))


def _require_none(budget: str | None, what_for: str) -> None:
    if budget is not None and parse_budget(budget) is not None:
        hint = "Leave it out; what ends a job in time is --timeout."
        raise UsageError(f"--budget {budget} is for {what_for}.", hint=hint)


def _longest_unasked(spec: JobSpec) -> float:
    """Return how long a job may run that has no timeout: a budget is not to make it longer."""
    return _DEFAULT_SECONDS if spec.kind in _ENDED_BY_VERTEX else math.inf


def _of_the_workspace(session: Session) -> Budget | None:
    try:
        return None if session.budget is None else parse_budget(session.budget)
    except UsageError as error:
        # Somebody has written it into the file by hand.
        told = f"{session.location.config}: {error.message}"
        raise UsageError(told, hint="Set another one: %mlmagic config budget 10h, or none.") from error


def _machine_seconds(limit: Budget, cost: JobCost, session: Session, whose: str) -> float:
    """Return for how many seconds a budget has all machines of a job."""
    if limit.currency is None:
        return limit.amount * HOUR / cost.machines
    path = session.location.prices
    prices = read_prices(path)
    if prices is None:
        told = f"{NO_PRICES}: write them into {path}, or give it in machine-hours, such as 10h."
        raise UsageError(told, hint=f"The form of that file:\n{EXAMPLE}")
    if prices.currency != limit.currency:
        raise UsageError(f"{whose} is in {limit.currency}, and the prices of {path} are in {prices.currency}.")
    hourly = cost.hourly(prices)
    if hourly is None:
        raise UsageError(f"{whose} of {limit} cannot be kept: {path} has no price of {cost.unpriced(prices)}.")
    return limit.amount * HOUR / hourly if hourly else _DEFAULT_SECONDS


def _whole_minutes(seconds: float) -> str:
    return f"{int(seconds // MINUTE)}m" if seconds >= MINUTE else f"{int(seconds)}s"


def _ways_out(budget: str | None) -> str:
    return " For this job alone: --budget none, or another. For all: %mlmagic config budget." if budget is None else ""
