"""The page of an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.endpoint_rollout import rollout_sentence
from mlmagic.panels.endpoint_shadow import shadow_lines
from mlmagic.panels.endpoint_state import badge, bar, bar_text, icon, place, sentence
from mlmagic.panels.endpoint_use import curl_lines, python_lines
from mlmagic.panels.markup import Html, element
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import folded, one_line, spread, table
from mlmagic.panels.times import absolute, ago, duration, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointState, VersionStatus
from mlmagic.spec.endpoint_page import EndpointPage

MIME_TYPE = "application/vnd.mlmagic.endpoint+json"
_HEADER = ("Version", "Traffic", "Engine", "Requests", "Errors", "p50", "p99")


def endpoint_bundle(page: EndpointPage, *, now: datetime | None = None) -> Bundle:
    """Return the page: its state, how requests are split, what serves them, how it is asked, what to do next."""
    now = now or utc_now()
    payload = {**encode(page), "url": page.record.url, "curl": curl_lines(page), "python": python_lines(page)}
    return document(MIME_TYPE, payload, html=_html(page, now), text=_text(page, now))


def next_commands(record: EndpointRecord) -> list[str]:
    """Return the magics that make sense now."""
    spec, name = record.spec, record.spec.name
    match record.status.state:
        case EndpointState.DOWN:
            return [f"%endpoints start {name}", f"%endpoints delete {name}"]
        case EndpointState.FAILED:
            return [f"%endpoints logs {name}", f"%endpoints start {name}", f"%endpoints delete {name}"]
        case _:
            if spec.rollout is not None:
                return [f"%endpoints describe {name}", f"%endpoints rollback {name}", f"%endpoints logs {name}"]
            if spec.shadow is not None:
                reference = f"{spec.model}@{spec.shadow.version}"
                ends = f"%deploy {reference} --endpoint {name} --shadow off"
                return [f"%deploy {reference} --endpoint {name} --canary 5,25,100", ends, f"%endpoints stop {name}"]
            waiting = [version.number for version in spec.deployed if not version.traffic]
            back = [f"%endpoints traffic {name} {spec.model}@{waiting[-1]}=100"] if waiting else []
            return [f"%predict {spec.model} $data", *back, f"%endpoints stop {name}"]


def _html(page: EndpointPage, now: datetime) -> Html:
    record = page.record
    spec, status = record.spec, record.status
    heading = theme.heading(
        badge(status.state),
        theme.title(spec.name),
        theme.pill(f"follows {spec.model}@{spec.follows}", theme.GREY) if spec.follows else None,
        theme.copyable(record.url) if record.url else None,
        # Where it is stands in the sentence, and an address of Google's leaves no room here.
        right=_pace(record, now) if record.is_local else None,
    )
    rows = [
        [element("strong", name), bar(version.traffic), *cells]
        for version in spec.deployed
        for name, cells in [(_name(record, version), _cells(record, version))]
    ]
    header = _HEADER if record.is_local else _HEADER[:2]
    error = element("div", one_line(status.error)) if status.error else None
    return theme.card(
        heading,
        theme.row(sentence(record), top="6px"),
        theme.notice(_complaint(record), error, colour=theme.RED) if error else None,
        theme.row(rollout, top="6px") if (rollout := rollout_sentence(record)) else None,
        *(theme.row(line, top="2px" if at else "6px") for at, line in enumerate(shadow_lines(record, now))),
        theme.table(header, rows, right=range(3, len(header))),
        _workers_html(record, now),
        theme.folded("Ask it", theme.block(curl_lines(page)), theme.block(python_lines(page)), is_open=True)
        if record.url
        else None,
        theme.hints("Next", next_commands(record)),
        theme.folded("Details", theme.facts(_facts(page))),
    )


def _text(page: EndpointPage, now: datetime) -> str:
    record = page.record
    spec, status = record.spec, record.status
    follows = f"  follows {spec.model}@{spec.follows}" if spec.follows else ""
    lines = [spread(f"{icon(status.state)} {status.state.value}  {spec.name}{follows}", _pace(record, now))]
    lines += [record.url] if record.url else []
    lines += folded(sentence(record))
    lines += folded(f"{_complaint(record)} {one_line(status.error)}") if status.error else []
    lines += folded(rollout) if (rollout := rollout_sentence(record)) else []
    lines += [part for line in shadow_lines(record, now) for part in folded(line)]
    rows = [[_name(record, v), bar_text(v.traffic), *_cells(record, v)] for v in spec.deployed]
    header = [name.upper() for name in (_HEADER if record.is_local else _HEADER[:2])]
    lines += ["", table(header, rows, flexible=0, right=range(3, len(header)))]
    lines += [_workers_told(record)] if status.workers else []
    lines += ["", curl_lines(page)] if record.url else []
    lines += ["", f"Next: {'   '.join(next_commands(record))}"]
    return "\n".join(lines)


def _complaint(record: EndpointRecord) -> str:
    if record.status.state is EndpointState.FAILED:
        return "It has failed:"
    return "The last change was refused, and what was served before is served on:"


def _pace(record: EndpointRecord, now: datetime) -> str:
    status = record.status
    if where := place(record.spec):
        return f"on {where}"
    if status.requests_per_second:
        return f"{status.requests_per_second:g} requests/s"
    return f"last request {ago(status.last_request, now)}" if status.last_request else "no request yet"


def _name(record: EndpointRecord, version: DeployedVersion) -> str:
    return f"{record.spec.model}@{version.number}"


def _cells(record: EndpointRecord, version: DeployedVersion) -> list[str]:
    if not record.is_local:
        return []  # Vertex AI counts elsewhere
    status = _status(record, version.number)
    latency = [f"{status.latency_ms[name]:.3g} ms" if name in status.latency_ms else "—" for name in ("p50", "p99")]
    return [status.engine or "—", f"{status.requests:,}", f"{status.errors:,}", *latency]


def _status(record: EndpointRecord, number: int) -> VersionStatus:
    known = {version.number: version for version in record.status.versions}
    return known.get(number) or VersionStatus(number=number)


def _workers_told(record: EndpointRecord) -> str:
    workers = record.status.workers
    memory = size_text(sum(worker.memory_bytes for worker in workers))
    connections = sum(worker.connections for worker in workers)
    count = f"{len(workers)} worker{'' if len(workers) == 1 else 's'}"
    return f"{count} · {memory} · {connections} connection{'' if connections == 1 else 's'}"


def _workers_html(record: EndpointRecord, now: datetime) -> Html | None:
    workers = record.status.workers
    if not workers:
        return None
    rows: Sequence[Sequence[str]] = [
        [
            theme.mono(str(worker.pid)),
            worker.state,
            duration((now - worker.start_time).total_seconds()),
            f"{worker.cpu_percent:.0f} %",
            size_text(worker.memory_bytes),
            str(worker.connections),
        ]
        for worker in workers
    ]
    header = ["Process", "State", "Up", "CPU", "Memory", "Connections"]
    return theme.folded(_workers_told(record), theme.table(header, rows, right=[3, 4, 5]))


def _log(page: EndpointPage) -> str | None:
    """Return how much is logged and what became of it; None if nothing is."""
    logging, status = page.record.spec.log, page.record.status.log
    if logging is None:
        return None
    told = f"{logging.sampling_rate * 100:g} % of the requests, in {size_text(logging.budget_bytes)} at most"
    if status is not None:
        told += f"; {status.sampled:,} kept"
        told += f", {status.dropped:,} dropped" if status.dropped else ""
        told += f": {status.error}" if status.error else ""
    return told


def _facts(page: EndpointPage) -> list[tuple[str, str | None]]:
    spec, status = page.record.spec, page.record.status
    scaling, limits = spec.scaling, spec.limits
    if where := place(spec):
        return _cloud_facts(page, where)
    high = f" to {scaling.max_replicas}" if scaling.max_replicas != scaling.min_replicas else ""
    idle = f"; down after {duration(scaling.idle_seconds)} without a request" if high else ""
    return [
        ("Model", spec.model),
        ("Listens on", f"{spec.host}, port {spec.port}"),
        ("Workers", f"{scaling.min_replicas}{high}{idle}"),
        ("Largest request", f"{size_text(limits.body_bytes)}, {limits.instances:,} instances"),
        ("Queue", f"{limits.queue:,} requests of a worker"),
        ("Time for a request", duration(limits.timeout_seconds)),
        ("Request log", _log(page)),
        ("Token", page.token_file or "none is asked for (--no-auth)"),
        ("Generation", f"{spec.generation}, served is {status.generation}" if status.generation else None),
        ("Made", absolute(spec.create_time)),
        ("Changed", absolute(spec.update_time) if spec.update_time != spec.create_time else None),
        ("Up since", absolute(status.start_time) if status.state is not EndpointState.DOWN else None),
    ]


def _cloud_facts(page: EndpointPage, where: str) -> list[tuple[str, str | None]]:
    spec, status = page.record.spec, page.record.status
    low, high = spec.scaling.min_replicas, spec.scaling.max_replicas
    return [
        ("Model", spec.model),
        ("Serves on", where),
        ("Machine", spec.machine or "n1-standard-2"),
        ("Container", spec.image or "the newest prebuilt one of TensorFlow"),
        ("Replicas", f"{low} of each version" if low == high else f"{low} to {high} of each version"),
        ("Generation", f"{spec.generation}, served is {status.generation}" if status.generation else None),
        ("Made", absolute(spec.create_time)),
        ("Changed", absolute(spec.update_time) if spec.update_time != spec.create_time else None),
        ("Last heard", absolute(status.update_time)),
    ]
