"""`%endpoints`: list, describe and change endpoints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.job_options import YES
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.endpoint import Endpoint
    from mlmagic.api.endpoint_waiting import Look
    from mlmagic.magics.extension import Extension

_ENDPOINT = Argument(name="endpoint", metavar="ENDPOINT", help="an endpoint's name")
_NO_WAIT = Option(name="no-wait", help="return at once, not when it is served so")

ENDPOINTS = Magic(
    name="endpoints",
    default="list",
    command=Command(
        summary="The endpoints of this workspace. They serve models over HTTP, also when the notebook is closed.",
        examples=(
            ("%endpoints", "all endpoints"),
            ("%endpoints describe taxi", "how taxi is, and how it is asked"),
            ("%endpoints traffic taxi taxi@1=90 taxi@2=10", "split its requests"),
            ("%endpoints traffic taxi taxi@1=100", "roll back"),
        ),
    ),
    subcommands={
        "list": Command(summary="list endpoints"),
        "describe": Command(
            summary="show an endpoint: state, address, versions with their traffic, workers, how it is asked",
            arguments=(_ENDPOINT,),
        ),
        "traffic": Command(
            summary="split the requests between versions that are deployed; those that are not named get none",
            arguments=(
                _ENDPOINT,
                Argument(
                    name="shares",
                    metavar="VERSION=PERCENT",
                    is_repeatable=True,
                    help="percents that add up to 100, such as taxi@1=90 taxi@2=10",
                ),
            ),
            options=(_NO_WAIT,),
        ),
        "rollback": Command(
            summary="end the roll-out that is under way, and serve what was served before it",
            arguments=(_ENDPOINT,),
            options=(_NO_WAIT,),
        ),
        "undeploy": Command(
            summary="take a version away; the others share its requests",
            arguments=(_ENDPOINT, Argument(name="version", metavar="VERSION", help="a version, such as taxi@1")),
            options=(_NO_WAIT,),
        ),
        "stop": Command(summary="end its processes; its name, port and versions stay", arguments=(_ENDPOINT,)),
        "start": Command(
            summary="start it after it was stopped, or the machine was", arguments=(_ENDPOINT,), options=(_NO_WAIT, YES)
        ),
        "delete": Command(summary="stop and forget it; the model's versions stay", arguments=(_ENDPOINT,)),
        "token": Command(
            summary="show the token that requests need; token = %endpoints token ENDPOINT shows nothing",
            arguments=(_ENDPOINT,),
        ),
        "logs": Command(
            summary="show what its processes have to say",
            arguments=(_ENDPOINT,),
            options=(Option(name="tail", metavar="N", kind=Kind.COUNT, help="only the last lines"),),
        ),
    },
)


def endpoints(extension: Extension, line: Parsed) -> Any:
    """Do what the subcommand says."""
    from mlmagic.api import endpoints as api

    if line.subcommand == "list":
        return api.endpoints()
    endpoint = api.endpoint(line["endpoint"])
    match line.subcommand:
        case "describe":
            return endpoint
        case "traffic":
            shares = _shares(line["shares"])
            return _waited(extension, line, lambda wait, look: endpoint.set_traffic(shares, wait=wait, on_look=look))
        case "rollback":
            return _waited(extension, line, lambda wait, look: endpoint.roll_back(wait=wait, on_look=look))
        case "undeploy":
            version = line["version"]
            return _waited(extension, line, lambda wait, look: endpoint.undeploy(version, wait=wait, on_look=look))
        case "start":
            return _waited(extension, line, lambda wait, look: endpoint.start(yes=line["yes"], wait=wait, on_look=look))
        case "stop":
            return endpoint.stop()
        case "delete":
            watchers = endpoint.watchers
            endpoint.delete()
            sys.stdout.write(f"Deleted the endpoint {endpoint.name}.{_ending(watchers)}\n")
            return None
        case "token":
            return endpoint.token
        case _:
            text = endpoint.logs(line["tail"])
            if text:
                return text
            sys.stdout.write(f"The processes of {endpoint.name} have said nothing.\n")
            return None


def _ending(watchers: Sequence[str]) -> str:
    is_one = len(watchers) == 1
    return (
        f" {', '.join(watchers)} monitored it, and {'ends by itself' if is_one else 'end by themselves'}."
        if watchers
        else ""
    )


def _waited(extension: Extension, line: Parsed, change: Callable[[bool, Look], Endpoint]) -> Endpoint:
    from mlmagic.magics.live_endpoints import Progress

    with Progress(extension.panels) as progress:
        return change(not line["no_wait"], progress)


def _shares(words: Sequence[str]) -> dict[int | str, int]:
    """Return what `taxi@1=90 taxi@2=10` says; all words that say nothing are told."""
    found: dict[int | str, int] = {}
    problems = []
    for word in words:
        version, equals, share = word.rpartition("=")
        digits = share.strip().removesuffix("%").strip()
        if not equals or not version or not digits.isdecimal():
            problems.append(f"{word!r} has not the form VERSION=PERCENT")
        elif version in found:
            problems.append(f"{version} is given two shares")
        else:
            found[version] = int(digits)
    if problems:
        raise UsageError(
            "%endpoints traffic cannot read these shares:", problems=problems, hint="For example: taxi@1=90 taxi@2=10"
        )
    return found
