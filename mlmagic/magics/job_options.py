"""The flags that all magics have which start a job."""

from __future__ import annotations

from typing import Any

from mlmagic.magics.tables import Kind, Option, Parsed

LABEL = Option(name="label", metavar="KEY=VALUE", kind=Kind.PAIR, is_repeatable=True, help="a label to find the job by")
TIMEOUT = Option(name="timeout", metavar="TIME", kind=Kind.TEXT, help="end the job after 90, 90s, 15m, 2h or 1d")
MEMORY = Option(name="memory", metavar="SIZE", kind=Kind.TEXT, help="the same, such as 2GB: 1GB by default")
PRIORITY = Option(
    name="priority", metavar="N", kind=Kind.INTEGER, default=0, help="a waiting job with more starts first"
)
WAIT = Option(name="wait", help="wait until the job has ended; fail if it fails")
INTO = Option(name="into", metavar="VAR", kind=Kind.VARIABLE, help="assign the job to this variable")
EXPORT = Option(name="export", metavar="DIR", kind=Kind.TEXT, help="write the package into this folder; start nothing")
WITH = Option(
    name="with",
    metavar="VAR",
    kind=Kind.VARIABLE,
    is_repeatable=True,
    help="ship this DataFrame or array, which the cell uses, as a data file",
)
BACKEND = Option(name="backend", metavar="BACKEND", kind=Kind.TEXT, help="where to run, if not on the backend in use")

VERTEX = (
    Option(name="spot", help="on Vertex AI: on machines that cost less, and may be taken away"),
    Option(name="service-account", metavar="ADDRESS", kind=Kind.TEXT, help="on Vertex AI: as whom the program runs"),
    Option(
        name="network", metavar="NETWORK", kind=Kind.TEXT, help="on Vertex AI: projects/NUMBER/global/networks/NAME"
    ),
    Option(name="image", metavar="IMAGE", kind=Kind.TEXT, help="on Vertex AI: the container image that it runs in"),
    Option(
        name="persistent-resource", metavar="ID", kind=Kind.TEXT, help="on Vertex AI: machines that are there already"
    ),
)
"""What is asked of Vertex AI alone."""
BUDGET = Option(
    name="budget",
    metavar="AMOUNT",
    kind=Kind.TEXT,
    help="in the cloud, the most that it may take: 10h of machines, or 20USD by your prices.toml; none",
)
YES = Option(name="yes", help="start it in the cloud although it costs money")

CHANGES = (
    Option(name="priority", metavar="N", kind=Kind.INTEGER, help="a higher one is started first"),
    Option(name="max-retries", metavar="N", kind=Kind.INTEGER, help="how often it is tried again if it fails"),
    Option(name="timeout", metavar="TIME", kind=Kind.TEXT, help="end an attempt after 90, 90s, 15m, 2h or 1d"),
    Option(name="scale-tier", metavar="TIER", kind=Kind.TEXT, help="such as BASIC or STANDARD_1"),
    Option(name="machine-type", metavar="TYPE", kind=Kind.TEXT, help="of all replicas, such as n1-standard-8"),
    Option(name="accelerator", metavar="TYPE[:N]", kind=Kind.TEXT, help="of all replicas, such as T4:1"),
    Option(name="replicas", metavar="COUNTS", kind=Kind.TEXT, help="a number, or worker=2,ps=1"),
    Option(name="cores", metavar="N", kind=Kind.TEXT, help="what one replica takes of this machine"),
    Option(name="memory", metavar="SIZE", kind=Kind.TEXT, help="the same, such as 8GB"),
    Option(
        name="label", metavar="KEY=VALUE", kind=Kind.PAIR, is_repeatable=True, help="a label more, or another value"
    ),
    Option(name="fresh", help="start the program from nothing, never by a fork"),
    BUDGET,
    YES,
)
"""What a job that runs a package once more can have differently; what is not given is as it was."""


def changes(line: Parsed) -> dict[str, Any]:
    """Return what a line says by the flags of CHANGES, as arguments of `Job.rerun` and of `promote`."""
    given = {option.key: line[option.key] for option in CHANGES}
    return {"labels": given.pop("label"), **given}
