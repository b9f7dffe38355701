"""The flags that all magics have which start a job."""

from __future__ import annotations

from mlmagic.magics.tables import Kind, Option

LABEL = Option(name="label", metavar="KEY=VALUE", kind=Kind.PAIR, is_repeatable=True, help="a label to find the job by")
TIMEOUT = Option(name="timeout", metavar="TIME", kind=Kind.TEXT, help="end the job after 90, 90s, 15m, 2h or 1d")
MEMORY = Option(name="memory", metavar="SIZE", kind=Kind.TEXT, help="the same, such as 2GB: 1GB by default")
PRIORITY = Option(
    name="priority", metavar="N", kind=Kind.INTEGER, default=0, help="a waiting job with more starts first"
)
WAIT = Option(name="wait", help="wait until the job has ended; fail if it fails")
INTO = Option(name="into", metavar="VAR", kind=Kind.VARIABLE, help="assign the job to this variable")
EXPORT = Option(name="export", metavar="DIR", kind=Kind.TEXT, help="write the package into this folder; start nothing")
BACKEND = Option(name="backend", metavar="BACKEND", kind=Kind.TEXT, help="where to run, if not on the backend in use")
