"""Before anything costs money: one line that says how much, and the user's yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmagic.api.costs import COSTLY, EndpointCost, JobCost, endpoint_cost, job_cost, move_cost
from mlmagic.errors import ConsentError
from mlmagic.spec.endpoint import EndpointGoal
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore
from mlmagic.workspace.model_aliases import DEFAULT
from mlmagic.workspace.prices import read_prices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlmagic.session import Session
    from mlmagic.spec.endpoint import EndpointSpec
    from mlmagic.spec.job import JobSpec

_UNASKED = "this costs money, and nobody can be asked here:"
_DECLINED = "nothing was started: you did not agree to what it costs."
_HINT = "To agree, add --yes to the line, or yes=True to the call; a notebook needs that once."


def agree_to_job(spec: JobSpec, session: Session, *, yes: bool = False) -> None:
    """See that the user agrees to what a job costs; one that costs nothing needs nobody's yes.

    Where it is to move a default, that is with what it costs to move the endpoints that follow it: when the job ends,
    nobody may be there to be asked.

    Raises:
        ConsentError: the user does not, or nobody can be asked.
        UsageError: `prices.toml` cannot be read.
    """
    costs: list[JobCost | EndpointCost] = [job_cost(spec)] if spec.backend in COSTLY else []
    if (model := _model_with_new_default(spec)) is not None:
        costs += _move_costs(session, model, DEFAULT, None)
    if costs:
        _agree(costs, session, "starts it", yes=yes)


def agree_to_endpoint(spec: EndpointSpec, session: Session, *, yes: bool = False) -> None:
    """See that the user agrees to what an endpoint costs; errors are those of `agree_to_job`."""
    if spec.backend in COSTLY:
        _agree([endpoint_cost(spec)], session, "deploys it", yes=yes)


def agree_to_move(session: Session, model: str, alias: str, number: int | None, *, yes: bool = False) -> None:
    """See that the user agrees to what it costs that the endpoints that follow an alias move to a version.

    Args:
        session: whose endpoints.
        model: the model's name.
        alias: which is to point elsewhere.
        number: where to; None: at a version that is yet to be made.
        yes: the user has agreed.

    Raises:
        ConsentError: the user does not, or nobody can be asked.
        UsageError: `prices.toml` cannot be read.
    """
    if costs := _move_costs(session, model, alias, number):
        _agree(costs, session, "moves them", yes=yes)


def cost_line(cost: JobCost | EndpointCost, session: Session) -> str:
    """Return what is told of a cost: machines times hours, and money where the user has said prices.

    Raises:
        UsageError: `prices.toml` cannot be read.
    """
    amount = cost.amount(read_prices(session.location.prices))
    return f"{cost}, {amount}" if amount else str(cost)


def job_cost_line(spec: JobSpec, session: Session) -> str | None:
    """Return what a job costs; None where it costs nothing."""
    return cost_line(job_cost(spec), session) if spec.backend in COSTLY else None


def endpoint_cost_line(spec: EndpointSpec, session: Session) -> str | None:
    """Return what an endpoint costs; None where it costs nothing."""
    return cost_line(endpoint_cost(spec), session) if spec.backend in COSTLY else None


def _move_costs(session: Session, model: str, alias: str, number: int | None) -> list[EndpointCost]:
    if not session.location.endpoints.is_dir():
        return []
    # What they are to serve is known here: nobody in the cloud has to be asked for it.
    specs = EndpointStore(Database(session.workspace)).readable()
    followers = [spec for spec in specs if spec.backend in COSTLY and (spec.model, spec.follows) == (model, alias)]
    moved = [spec for spec in followers if spec.goal is EndpointGoal.SERVE and spec.deployed[0].number != number]
    return [move_cost(spec, number) for spec in moved]


def _model_with_new_default(spec: JobSpec) -> str | None:
    """Return the model whose default a job moves when it succeeds; of a study, the job that follows it does."""
    if spec.study is None:
        return spec.model if spec.set_default else None
    promotion = spec.study.promotion
    return promotion.model if promotion is not None and promotion.set_default else None


def _agree(costs: Sequence[JobCost | EndpointCost], session: Session, does: str, *, yes: bool) -> None:
    line = "; ".join(cost_line(cost, session) for cost in costs)
    if yes or session.has_agreed:
        session.tell(line)
    else:
        answer = None if session.ask is None else session.ask(f"{line}; --yes {does} unasked. Go on?")
        if answer is None:
            raise ConsentError(f"{_UNASKED} {line}.", hint=_HINT, line=line)
        if not answer:
            raise ConsentError(_DECLINED, line=line)
    # One yes is for a notebook, where somebody may be asked; a server acts for many, a script says it each time.
    session.has_agreed = session.has_agreed or session.ask is not None
