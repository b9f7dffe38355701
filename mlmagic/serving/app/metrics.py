"""`GET /metrics`: what all workers of the endpoint did, in the text format of Prometheus.

A scrape is answered by any worker, so none tells of itself alone: the numbers are those that the supervisor adds up
about once a second. They begin again at 0 with another supervisor, as counters may.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from mlmagic.serving.app.deployed import Table
from mlmagic.spec.endpoint import EndpointStatus, VersionStatus
from mlmagic.spec.rollout import LATENCY_BOUNDS
from mlmagic.spec.shadow import ShadowStatus

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]


def metrics_text(table: Table, status: EndpointStatus) -> str:
    """Return the page."""
    versions = [({"version": f"{table.model}@{version.number}"}, version) for version in status.versions]
    workers = Counter(worker.state for worker in status.workers)
    shares = [({"version": f"{table.model}@{number}"}, share) for number, share in sorted(table.traffic.items())]
    log = status.log
    families = [
        _family(
            "requests_total", "counter", "Requests for predictions.", [(labels, v.requests) for labels, v in versions]
        ),
        _family(
            "instances_total", "counter", "Instances predicted.", [(labels, v.instances) for labels, v in versions]
        ),
        _family(
            "errors_total",
            "counter",
            "Requests that were well-formed and yet got no prediction.",
            [(labels, v.errors) for labels, v in versions],
        ),
        _histogram("latency_seconds", "From the whole body to the answer.", versions),
        _family("traffic_percent", "gauge", "Share of the requests that name no version.", shares),
        _family("in_flight", "gauge", "Requests that wait for their answer.", [({}, status.in_flight)]),
        _family("workers", "gauge", "Processes.", [({"state": state}, workers[state]) for state in sorted(workers)]),
        _family("log_sampled_total", "counter", "Requests logged.", [] if log is None else [({}, log.sampled)]),
        _family("log_dropped_total", "counter", "Requests not logged.", [] if log is None else [({}, log.dropped)]),
        *_shadow_families(table.model, status.shadow),
        _family("updated_timestamp_seconds", "gauge", "When this was true.", [({}, status.update_time.timestamp())]),
    ]
    return "".join(families)


def _shadow_families(model: str, shadow: ShadowStatus | None) -> list[str]:
    """Return what the shadow did, by output where its answers are compared."""
    if shadow is None:
        return []
    version, counts = {"version": f"{model}@{shadow.version}"}, shadow.counts
    requests = {"compared": counts.compared, "failed": counts.failed, "dropped": shadow.dropped}
    by_output = [({**version, "output": name}, answers) for name, answers in counts.outputs.items()]
    numbers = [(labels, answers) for labels, answers in by_output if answers.numbers]
    classes = [(labels, answers) for labels, answers in by_output if answers.classes]
    latencies = ((version, shadow.latency_ms), ({"version": "served"}, shadow.served_latency_ms))
    return [
        _family(
            "shadow_requests_total",
            "counter",
            "Copies of requests.",
            [({**version, "result": result}, count) for result, count in requests.items()],
        ),
        _family("shadow_unusable_total", "counter", "Instances without a finite number.", [(version, counts.unusable)]),
        _family("shadow_numbers_total", "counter", "Numbers compared.", [(labels, a.numbers) for labels, a in numbers]),
        _family(
            "shadow_difference_total", "counter", "Their differences.", [(labels, a.absolute) for labels, a in numbers]
        ),
        _family(
            "shadow_largest_difference", "gauge", "The largest of them.", [(labels, a.largest) for labels, a in numbers]
        ),
        _family("shadow_classes_total", "counter", "Classes compared.", [(labels, a.classes) for labels, a in classes]),
        _family("shadow_equal_total", "counter", "Equal ones.", [(labels, a.equal) for labels, a in classes]),
        _family(
            "shadow_latency_seconds",
            "gauge",
            "Of the requests compared.",
            [
                ({**labels, "quantile": f"0.{name[1:]}"}, value / 1000)
                for labels, latency in latencies
                for name, value in latency.items()
            ],
        ),
    ]


def _family(name: str, kind: str, told: str, samples: Iterable[tuple[Labels, float]]) -> str:
    return _lines(name, kind, told, [("", labels, value) for labels, value in samples])


def _histogram(name: str, told: str, versions: Iterable[tuple[Labels, VersionStatus]]) -> str:
    samples: list[Sample] = []
    for labels, version in versions:
        seen = 0
        counts = [*version.latency_counts, *([0] * len(LATENCY_BOUNDS))]
        for bound, count in zip(LATENCY_BOUNDS, counts, strict=False):
            seen += count
            samples.append(("_bucket", {**labels, "le": f"{bound:g}"}, seen))
        whole = sum(version.latency_counts)
        samples.append(("_bucket", {**labels, "le": "+Inf"}, whole))
        samples += [("_sum", labels, version.latency_seconds), ("_count", labels, whole)]
    return _lines(name, "histogram", told, samples)


def _lines(name: str, kind: str, told: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP mlmagic_{name} {told}", f"# TYPE mlmagic_{name} {kind}"]
    found = [f"mlmagic_{name}{suffix}{_braced(labels)} {value:.16g}" for suffix, labels, value in samples]
    return "\n".join([*lines, *found, ""]) if found else ""


def _braced(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(value: str) -> str:
    # Names of outputs are the model's own.
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
