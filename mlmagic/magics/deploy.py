"""`%deploy`: let an endpoint serve a model's version."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mlmagic.magics.job_options import YES
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension

_GIVEN = (
    *("endpoint", "traffic", "min_replicas", "max_replicas", "idle", "port", "host", "engine", "max_body"),
    *("max_instances", "max_queue", "timeout", "backend", "machine", "image", "log_sample", "log_budget", "log_key"),
    *("canary", "hold", "shadow"),
)

DEPLOY = Magic(
    name="deploy",
    command=Command(
        summary=(
            "Serve a model over HTTP, also when the notebook is closed. MODEL follows the model's default version; "
            "MODEL@VERSION stays with that version. An endpoint that is there changes without losing a request."
        ),
        arguments=(Argument(name="model", metavar="MODEL[@VERSION]", help="a model or a version, such as taxi@2"),),
        options=(
            Option(name="endpoint", metavar="NAME", kind=Kind.TEXT, help="the endpoint: called like the model if not"),
            Option(
                name="traffic",
                metavar="PERCENT",
                kind=Kind.INTEGER,
                help="its share of the requests; the others share the rest as they do now. By default it gets all",
            ),
            Option(
                name="canary",
                metavar="PERCENTS",
                kind=Kind.TEXT,
                help="its shares step by step, such as 5,25,100; it is rolled back as soon as it does worse",
            ),
            Option(
                name="hold", metavar="TIME", kind=Kind.TEXT, help="of --canary: how long a step takes at least; 10m"
            ),
            Option(
                name="shadow",
                metavar="SHARE",
                kind=Kind.TEXT,
                bare="1",
                help="only compare its answers: it gets a copy of all requests, or of a share such as 0.1; off ends it",
            ),
            Option(
                name="min-replicas",
                metavar="N",
                kind=Kind.INTEGER,
                help="workers that are kept; 0 by default: without requests none is left, and the next one starts it",
            ),
            Option(name="max-replicas", metavar="N", kind=Kind.INTEGER, help="workers that there may be under load; 1"),
            Option(
                name="idle", metavar="TIME", kind=Kind.TEXT, help="how long without requests until workers end; 15m"
            ),
            Option(name="port", metavar="PORT", kind=Kind.INTEGER, help="where it listens; one that is free if not"),
            Option(
                name="host",
                metavar="ADDRESS",
                kind=Kind.TEXT,
                help="where it listens: 127.0.0.1, for this machine alone; 0.0.0.0 lets other machines ask it",
            ),
            Option(name="no-auth", help="ask requests for no token: then every user who reaches it can ask it"),
            Option(
                name="engine",
                metavar="ENGINE",
                kind=Kind.TEXT,
                choices=("auto", "session", "onnx"),
                help="ONNX Runtime where that agrees with TensorFlow (auto), TensorFlow (session), or onnx",
            ),
            Option(name="max-body", metavar="SIZE", kind=Kind.TEXT, help="bytes of a request at most; 64MB"),
            Option(name="max-instances", metavar="N", kind=Kind.INTEGER, help="instances of a request at most; 100000"),
            Option(name="max-queue", metavar="N", kind=Kind.INTEGER, help="requests of a worker that may wait; 1024"),
            Option(name="timeout", metavar="TIME", kind=Kind.TEXT, help="for a request's body, and its answer; 60s"),
            Option(
                name="log-sample",
                metavar="SHARE",
                kind=Kind.TEXT,
                help="the share of the requests that are kept with their predictions, such as 0.1; 0: none",
            ),
            Option(name="log-budget", metavar="SIZE", kind=Kind.TEXT, help="disk for them; 1GB. The oldest go first"),
            Option(name="log-key", metavar="INPUT", kind=Kind.TEXT, help="the input that names an instance"),
            Option(
                name="backend",
                metavar="BACKEND",
                kind=Kind.TEXT,
                choices=("local", "google", "emulator"),
                help="where a new endpoint serves: by default where work runs, see %mlmagic use",
            ),
            Option(
                name="machine",
                metavar="TYPE",
                kind=Kind.TEXT,
                help="in the cloud: the type of its machines; n1-standard-2",
            ),
            Option(
                name="image",
                metavar="URI",
                kind=Kind.TEXT,
                help="in the cloud: the container that serves; the newest prebuilt one of TensorFlow if not",
            ),
            YES,
            Option(name="dry-run", help="show what would be done; do nothing"),
            Option(name="no-wait", help="return at once, not when it serves"),
        ),
        examples=(
            ("%deploy taxi", "serve the default version of taxi, and follow it"),
            ("%deploy taxi@2 --traffic 10", "let version 2 answer a tenth of the requests"),
            ("%deploy taxi@2", "let version 2 answer all, and keep the others for a roll-back"),
            ("%deploy taxi@2 --canary 5,25,100 --hold 10m", "let version 2 take over by itself, if it behaves"),
            ("%deploy taxi@2 --shadow", "compare what version 2 answers with what is returned"),
            ("%deploy taxi --min-replicas 1 --max-replicas 4", "keep a worker, and start up to 4 under load"),
            ("%deploy taxi --log-sample 0.1", "keep a tenth of its requests, with their predictions"),
        ),
    ),
)


def deploy(extension: Extension, line: Parsed) -> Any:
    """Deploy, or with --dry-run tell what that would do; return the endpoint."""
    from mlmagic.api import deployment as api
    from mlmagic.magics.live import Notice
    from mlmagic.magics.live_endpoints import Progress

    given = {name: line[name] for name in _GIVEN}
    given["auth"] = False if line["no_auth"] else None
    if line["dry_run"]:
        plan = api.plan_deployment(line["model"], **given)
        if plan.cost is not None:
            sys.stdout.write(f"It would take: {plan.cost}.\n")
        return plan
    wait = not line["no_wait"]
    notice = Notice(extension.panels)
    plan = api.plan_deployment(line["model"], wait=wait, on_wait=notice, **given)
    notice.finish(f"the first version of {plan.after.model}")
    for note in plan.notes:
        sys.stdout.write(f"{note}\n")
    with Progress(extension.panels) as progress:
        return plan.carry_out(yes=line["yes"], wait=wait, on_look=progress)
