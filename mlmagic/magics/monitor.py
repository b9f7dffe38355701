"""`%monitor`: skew and drift of what an endpoint was asked, or of rows of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.job_options import INTO, WAIT, YES
from mlmagic.magics.own_display import OwnDisplay
from mlmagic.magics.submission import input_items, show
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.api.monitor_views import Monitoring
    from mlmagic.magics.extension import Extension

_RUN = ("runner", "workers", "yes")

MONITOR = Magic(
    name="monitor",
    command=Command(
        summary=(
            "Compare what an endpoint was asked with what the model was trained on (skew) or with what it was asked "
            "before (drift), and its answers with what came true. %deploy MODEL --log-sample 0.1 keeps the requests. "
            "With --every a job does so again and again."
        ),
        arguments=(
            Argument(name="endpoint", metavar="ENDPOINT", is_required=False, help="an endpoint that logs requests"),
        ),
        options=(
            Option(
                name="against",
                metavar="WHAT",
                kind=Kind.TEXT,
                default="training",
                choices=("training", "window"),
                help="what the model was trained on, or the requests of the window before",
            ),
            Option(
                name="last",
                metavar="TIME",
                kind=Kind.TEXT,
                help="back from the newest request: 1h, 2d; 1d if not given",
            ),
            Option(name="rows", metavar="N", kind=Kind.COUNT, help="in place of that, the newest N rows"),
            Option(
                name="threshold",
                metavar="FEATURE=X",
                kind=Kind.TEXT,
                is_repeatable=True,
                help="the distance that is an alert, from 0 to 1; X alone is for all features; 0.3 if not given",
            ),
            Option(name="by", metavar="COLUMN", kind=Kind.TEXT, help="compare the rows of each of its values, too"),
            Option(
                name="truth",
                metavar="FILE",
                kind=Kind.OBJECT,
                help="what came true, a file or $df: how well each version answered",
            ),
            Option(name="key", metavar="COLUMN", kind=Kind.TEXT, help="what joins truth and requests"),
            Option(name="target", metavar="COLUMN", kind=Kind.TEXT, help="the column of truth that holds what was so"),
            Option(
                name="output",
                metavar="NAME",
                kind=Kind.TEXT,
                help="of a model with several outputs, the one that tells the target",
            ),
            Option(
                name="model",
                metavar="MODEL[@VERSION]",
                kind=Kind.TEXT,
                help="with --input: the model that files are for",
            ),
            Option(
                name="input",
                metavar="PATTERN…",
                kind=Kind.OBJECT,
                is_repeatable=True,
                takes_several=True,
                help="files of rows, 'rides-*.csv', or $df, in place of an endpoint's requests",
            ),
            Option(
                name="runner",
                metavar="RUNNER",
                kind=Kind.TEXT,
                choices=("direct", "dataflow"),
                help="with --input: a pipeline of Beam counts the files, here or on Google Cloud's Dataflow",
            ),
            Option(name="workers", metavar="N", kind=Kind.COUNT, help="of Dataflow: machines at most"),
            YES,
            Option(
                name="statistics",
                metavar="FILE",
                kind=Kind.TEXT,
                help="a dataset's statistics.json, in place of what the model keeps",
            ),
            Option(
                name="every",
                metavar="TIME",
                kind=Kind.TEXT,
                help="start a job that looks so often, at what came since; %jobs cancel ends it",
            ),
            Option(
                name="webhook",
                metavar="URL",
                kind=Kind.TEXT,
                help="with --every: send each alert there once, as JSON",
            ),
            Option(name="name", metavar="NAME", kind=Kind.TEXT, help="the job's; ENDPOINT-monitoring if not given"),
            *(WAIT, INTO),
        ),
        examples=(
            ("%monitor taxi", "the newest day of requests, against training"),
            ("%monitor taxi --last 1h --against window --threshold fare=0.2", "the last hour, against the one before"),
            ("%monitor taxi --truth fares.csv --key ride_id", "how well each version answered"),
            ("%monitor taxi --every 5m --webhook $url", "a job that goes on by itself, and sends its alerts"),
            ("%monitor --model taxi --input 'may-*.csv' --by zone", "files, by zone"),
        ),
    ),
)


def monitor(extension: Extension, line: Parsed) -> Monitoring | Job:
    """Return what is found, or the job that looks again and again."""
    from mlmagic.api import monitor as api

    names = ("model", "statistics", "against", "last", "rows", "by", "truth", "key", "target", "output", *_RUN)
    inputs = input_items(line, extension.namespace) or None
    options = {name: line[name] for name in names}
    options |= {"input": inputs, "threshold": _thresholds(line["threshold"])}
    if line["every"] is not None:
        own = {"webhook": line["webhook"], "name": line["name"], "invocation": line.invocation}
        return show(extension, line, api.monitor(line["endpoint"], every=line["every"], **own, **options))
    if only := [f"--{name}" for name in ("webhook", "name", "wait") if line[name]]:
        raise UsageError(f"{', '.join(only)}: only with --every, which makes a job.")
    found: Monitoring = api.monitor(line["endpoint"], invocation=line.invocation, **options)
    if line["into"]:
        extension.assign(line["into"], found)
    return found


def _thresholds(words: list[str]) -> dict[str | None, Any] | None:
    """Return what `fare=0.2` and `0.2` say; the api tells what is no number."""
    found: dict[str | None, Any] = {}
    for word in words:
        name, equals, value = word.rpartition("=")
        key = name if equals else None
        if key in found:
            raise UsageError(f"--threshold {word}: {'all features have' if key is None else f'{key} has'} one already.")
        found[key] = value
    return found or None


class MonitoringDisplay(OwnDisplay):
    """Shows what was found with its charts before it, as two outputs: of one, JupyterLab shows a part only."""

    module, name = "mlmagic.api.monitor_views", "Monitoring"

    def show(self, shown: Monitoring) -> None:
        """Show charts and page."""
        for part in (shown.charts, shown):
            self._shell.display_pub.publish(part._repr_mimebundle_(), {})
