"""Moving the default and other aliases, and the endpoints that follow them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mlmagic.api.consent import agree_to_move
from mlmagic.backends.registry import CLOUD
from mlmagic.errors import MlmagicError, UsageError
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.names import ModelReference
from mlmagic.workspace.model_aliases import DEFAULT, check_alias

if TYPE_CHECKING:
    from mlmagic.api.endpoint_waiting import Look
    from mlmagic.api.model_difference import Data
    from mlmagic.session import Session


def move_default(
    session: Session,
    version: ModelVersion,
    *,
    min_improvement: str | float | None = None,
    metric: str | None = None,
    data: Data = None,
    split: str | None = None,
    wait: bool = True,
    yes: bool = False,
    on_look: Look | None = None,
) -> None:
    """Make a version the default, if it is as much better than the present one as is asked for.

    With `wait`, it returns when the endpoints that follow the default have moved.

    Raises:
        UsageError: what to compare by is told, but not how much better it must be.
        NotBetterError: it is not better by that much.
        ConsentError: endpoints that follow it cost money as they move, and the user does not agree to that.
    """
    if min_improvement is None:
        _require_no_gate(metric=metric, data=data, split=split)
    else:
        _pass_gate(session, version, min_improvement, metric=metric, data=data, split=split)
    agree_to_move(session, version.model, DEFAULT, version.number, yes=yes)
    session.models.set_default(version.model, version.number)
    move_followers(session, version.model, wait=wait, on_look=on_look)


def move_alias(
    session: Session, version: ModelVersion, alias: str, *, yes: bool = False, on_look: Look | None = None
) -> None:
    """Let an alias point at a version.

    Raises:
        UsageError: it is the default, or no alias can be called so.
        ConsentError: endpoints that follow it cost money as they move, and the user does not agree to that.
    """
    if alias == DEFAULT:
        raise UsageError("the default has a verb of its own.", hint=f"%models set-default {version}")
    check_alias(alias)
    agree_to_move(session, version.model, alias, version.number, yes=yes)
    session.models.set_alias(version.model, alias, version.number)
    move_followers(session, version.model, on_look=on_look)


def _pass_gate(session: Session, version: ModelVersion, min_improvement: str | float, **by: Any) -> None:
    from mlmagic.api.improvement import check_improvement

    current = session.models.resolve(ModelReference(version.model, alias=DEFAULT))
    if current.number == version.number:
        _say(f"{version} is the default already.")
    else:
        _say(str(check_improvement(session, version, current, minimum=min_improvement, **by)))


def _require_no_gate(**given: object) -> None:
    told = [f"--{name}" for name, value in given.items() if value is not None]
    if told:
        verb = "says" if len(told) == 1 else "say"
        raise UsageError(
            f"{' and '.join(told)} {verb} what to compare by, but not how much better the version must be.",
            hint="Add --min-improvement, such as --min-improvement 1%.",
        )


def move_followers(session: Session, model: str, *, wait: bool = True, on_look: Look | None = None) -> None:
    """Move the endpoints that follow an alias of the model, and say what became of each.

    `on_look` gets the endpoint again and again while it moves.
    """
    from mlmagic.api.endpoints import follow

    for line in follow(session, model, wait=wait, on_look=on_look):
        _say(line)
    known = {session.backend_name, *(record.spec.backend for record in session.endpoints.list())}
    for name in sorted(known & CLOUD):
        try:
            session.cloud_endpoints(name).follow_aliases(model, tell=_say)
        except MlmagicError as error:
            # The alias has been moved, which the next deployment tells Vertex AI as well.
            _say(f"Vertex AI's registry was not told of it: {error.message}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
