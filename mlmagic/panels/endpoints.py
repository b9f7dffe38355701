"""The list of endpoints, and what a deployment would do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.endpoint_shadow import shadow_name
from mlmagic.panels.endpoint_state import badge, bar, icon, place, served
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import folded, one_line, table
from mlmagic.panels.times import ago, duration, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.endpoint import EndpointRecord, EndpointSpec

MIME_TYPE = "application/vnd.mlmagic.endpoints+json"
DEPLOYMENT_MIME_TYPE = "application/vnd.mlmagic.deployment+json"
_EMPTY = "No endpoints yet."
_EMPTY_COMMAND = "%deploy MODEL"
_DRY_RUN = "Dry run: nothing was deployed."


def endpoints_bundle(
    records: Sequence[EndpointRecord], problems: Sequence[str] = (), *, now: datetime | None = None
) -> Bundle:
    """Return the list of endpoints, and below it what keeps others from being in it."""
    now = now or utc_now()
    payload: dict[str, Any] = {"endpoints": [{**encode(record), "url": record.url} for record in records]}
    payload |= {"problems": list(problems)} if problems else {}
    notices = [theme.notice(one_line(problem), colour=theme.RED) for problem in problems]
    told = [line for problem in problems for line in folded(one_line(problem))]
    if problems and not records:
        return document(MIME_TYPE, payload, html=theme.card(*notices), text="\n".join(told))
    if not records:
        html = theme.card(theme.faint(_EMPTY), " A model is served with ", theme.code(_EMPTY_COMMAND), ".")
        return document(MIME_TYPE, payload, html=html, text=f"{_EMPTY} A model is served with {_EMPTY_COMMAND}.")
    command = f"%endpoints describe {records[0].spec.name}"
    rows = [
        [
            join(
                [
                    element("strong", record.spec.name),
                    element("br"),
                    theme.copyable(record.url) if record.is_local else theme.faint(f"on {place(record.spec)}"),
                ]
            ),
            badge(record.status.state),
            _served(record),
            f"{record.status.requests_per_second:g}",
            _last(record, now),
        ]
        for record in records
    ]
    header = ["Endpoint", "State", "Serves", "Requests/s", "Last request"]
    html = theme.card(theme.table(header, rows, right=[3], wraps=[0, 2]), *notices, theme.hints("Next", [command]))
    lines = [
        [r.spec.name, f"{icon(r.status.state)} {r.status.state}", _served(r), _where(r), _last(r, now)] for r in records
    ]
    text = table(["ENDPOINT", "STATE", "SERVES", "URL", "ASKED"], lines, flexible=2)
    return document(MIME_TYPE, payload, html=html, text="\n".join([text, *told, f"Next: {command}"]))


def deployment_bundle(before: EndpointSpec | None, after: EndpointSpec, notes: Sequence[str]) -> Bundle:
    """Return what a deployment would do: how the requests would be split, and what is to be known of it."""
    payload = {"before": None if before is None else encode(before), "after": encode(after), "notes": list(notes)}
    old = {version.number: version.traffic for version in before.deployed} if before else {}
    new = {version.number: version.traffic for version in after.deployed}
    numbers = sorted(old.keys() | new.keys())
    engines = {version.number: version.engine.value for version in after.deployed}
    shares = [[f"{after.model}@{n}", _share(old.get(n)), _share(new.get(n)), engines.get(n, "—")] for n in numbers]
    heading = theme.heading(
        theme.title(after.name), theme.pill("new" if before is None else "changes", theme.GREY), right=_DRY_RUN
    )
    rows: list[list[str]] = [
        [name, now, bar(new[n]) if n in new else then, engine]
        for n, (name, now, then, engine) in zip(numbers, shares, strict=True)
    ]
    html = theme.card(
        heading,
        theme.table(["Version", "Now", "Then", "Engine"], rows),
        theme.facts(_facts(after)),
        *(theme.row(theme.faint("Note "), note) for note in notes),
    )
    lines = [_DRY_RUN, f"Endpoint {after.name}, {'which would be new' if before is None else 'which is there'}", ""]
    lines += [table(["VERSION", "NOW", "THEN", "ENGINE"], shares, flexible=0)]
    lines += [f"{name}: {value}" for name, value in _facts(after)]
    lines += [line for note in notes for line in folded(f"Note: {note}")]
    return document(DEPLOYMENT_MIME_TYPE, payload, html=html, text="\n".join(lines))


def _share(percent: int | None) -> str:
    return "—" if percent is None else f"{percent} %"


def _served(record: EndpointRecord) -> str:
    shadow = shadow_name(record)
    return f"{served(record.spec)}; {shadow}" if shadow else served(record.spec)


def _where(record: EndpointRecord) -> str:
    return record.url if record.is_local else f"on {place(record.spec)}"


def _last(record: EndpointRecord, now: datetime) -> str:
    return ago(record.status.last_request, now) if record.status.last_request else "—"


def _facts(spec: EndpointSpec) -> list[tuple[str, Html | str]]:
    scaling, limits = spec.scaling, spec.limits
    if where := place(spec):
        return [
            ("Serves on", where),
            ("Machine", spec.machine or "n1-standard-2"),
            ("Container", spec.image or "the newest prebuilt one of TensorFlow"),
            ("Replicas", f"{scaling.min_replicas} to {scaling.max_replicas} of each version"),
        ]
    return [
        ("Listens on", f"{spec.host}, " + (f"port {spec.port}" if spec.port else "any port that is free")),
        ("Token", "needed" if spec.needs_token else "none"),
        (
            "Workers",
            f"{scaling.min_replicas} to {scaling.max_replicas}, fewer after {duration(scaling.idle_seconds)} idle",
        ),
        ("Largest request", f"{size_text(limits.body_bytes)}, {limits.instances:,} instances"),
    ]
