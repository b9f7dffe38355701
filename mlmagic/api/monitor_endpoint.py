"""What an endpoint was asked, by the version that answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlmagic.api.monitor_apart import versions_apart
from mlmagic.api.monitor_arguments import Wanted
from mlmagic.api.monitor_baseline import Baseline, check_thresholds, training_baseline
from mlmagic.api.monitor_files import FileRows
from mlmagic.api.monitor_log_line import log_line
from mlmagic.api.monitor_truth import Judged, Truth, quality, read_truth
from mlmagic.api.monitor_views import Monitoring
from mlmagic.api.monitor_windows import Reader, compare_with_training, compare_with_window
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.spec.endpoint import EndpointSpec
from mlmagic.spec.monitoring_report import Against, MonitoredWindow
from mlmagic.spec.names import ModelReference

if TYPE_CHECKING:
    from mlmagic.api.monitor_log import Period
    from mlmagic.session import Session


def monitor_endpoint(session: Session, wanted: Wanted, name: str, *, since: datetime | None = None) -> Monitoring:
    """Compare what an endpoint was asked; see `mlmagic.monitor`. What came until `since` has been looked at."""
    import pyarrow.compute as pc

    from mlmagic.api.monitor_log import newest_periods, tables_in

    record = session.endpoints.get(name)
    spec = record.spec
    if not record.is_local:
        raise UsageError(f"{name} serves in the cloud; only the request log of an endpoint of this machine is read.")
    root = session.location.endpoint(name).requests
    periods = newest_periods(root, seconds=wanted.seconds, rows=wanted.rows, since=since)
    if periods is None:
        raise _nothing_logged(spec)
    numbers: set[str] = set()
    times: list[datetime] = []
    requests = 0
    for table in tables_in(root, periods[0], ["logging_time", "deployed_model_id"]):
        numbers |= set(table.column("deployed_model_id").unique().to_pylist())
        times.append(pc.min(table.column("logging_time")).as_py())
        requests += table.num_rows
    baselines, notes = _baselines(session, wanted, spec, sorted(map(int, numbers)))
    check_thresholds(wanted.spec, list(baselines.values()))
    truth = _truth(session, wanted, baselines)
    notes += [] if truth is None else truth.notes
    windows: list[MonitoredWindow] = []
    judged: dict[int, Judged] = {}
    for number, known in baselines.items():
        reader = Reader.of(root, known, number, wanted.by)
        notes += _compare(session, reader, periods, wanted, windows)
        if truth is not None and known.version is not None:
            found, told = quality(session, reader, known.version, periods[0], truth)
            judged |= {number: found} if found is not None else {}
            notes += told
    verdicts, told = versions_apart(spec, judged)
    notes += told
    return Monitoring(
        subject=name,
        against=wanted.against,
        start=min(times, default=periods[0].ends[0]),
        end=periods[0].ends[1],
        requests=requests,
        windows=tuple(windows),
        quality=tuple(each.report for each in judged.values()),
        verdicts=verdicts,
        notes=(*notes, *_age(periods[0])),
    )


def deployed_versions(spec: EndpointSpec) -> tuple[str, ...]:
    """Return the versions that answer, such as `taxi@3`, as windows call them."""
    return tuple(f"{spec.model}@{each.number}" for each in spec.deployed if each.traffic)


def _compare(
    session: Session,
    reader: Reader,
    periods: tuple[Period, Period],
    wanted: Wanted,
    windows: list[MonitoredWindow],
) -> list[str]:
    """Compare the rows of a version, and return what there is to say."""
    known = reader.baseline
    version = known.version
    if wanted.against is Against.WINDOW:
        found, skipped = compare_with_window(reader, periods, wanted.spec)
    else:
        found, skipped = compare_with_training(session, reader, periods, wanted.spec)
    notes = []
    if found.report.current_count:
        windows.append(found)
    if skipped:
        notes.append(
            f"{version}: {skipped:,} request{'s' * (skipped != 1)} whose values have no names, or are serialized, "
            "are left out."
        )
    if not found.baseline and wanted.against is Against.WINDOW:
        notes.append(f"{version}: nothing that it answered before is logged, so there is nothing to compare with.")
    elif not found.baseline:
        notes.append(
            f"{version} keeps no statistics of what it was trained on, so its inputs are not compared: give a "
            "dataset's statistics.json with --statistics, or compare with --against window."
        )
    return notes


def _baselines(
    session: Session, wanted: Wanted, spec: EndpointSpec, numbers: Sequence[int]
) -> tuple[dict[int, Baseline], list[str]]:
    key = wanted.key or (spec.log.key if spec.log is not None else None)
    found, notes = {}, []
    for number in numbers:
        try:
            version = session.models.resolve(ModelReference(spec.model, version=number))
        except NotFoundError:
            notes.append(f"{spec.model}@{number} is deleted, so what it answered is left out.")
            continue
        found[number] = training_baseline(session, version, wanted.statistics, wanted.statistics_name, key=key)
    return found, notes


def _truth(session: Session, wanted: Wanted, baselines: Mapping[int, Baseline]) -> Truth | None:
    from mlmagic.api.batch_words import trained_schema

    if wanted.truth is None or wanted.key is None:
        return None
    schemas = [trained_schema(each.version, session) for each in baselines.values() if each.version is not None]
    targets = [schema.target for schema in schemas if schema is not None and schema.target is not None]
    return read_truth(FileRows(wanted.truth, {}, "truth"), wanted.key, wanted.target, targets, wanted.output)


def _age(period: Period) -> list[str]:
    seconds = datetime.now(UTC).timestamp() - period.last / 1e6
    days, hours = divmod(int(seconds // 3600), 24)
    if not days and not hours:
        return []
    told = f"{days} day{'s' * (days != 1)}" if days else f"{hours} hour{'s' * (hours != 1)}"
    return [f"The newest request is {told} old."]


def _nothing_logged(spec: EndpointSpec) -> UsageError:
    if spec.log is None:
        return UsageError(
            f"the endpoint {spec.name!r} does not log its requests.",
            hint=f"Switch the log on: {log_line(spec, '0.1')}",
        )
    kept = f"{spec.log.sampling_rate * 100:.4g} %"
    ask = f"Ask it something first: %predict {spec.model} $data"
    more = f"To keep more: {log_line(spec, '1')}"
    return UsageError(
        f"the endpoint {spec.name!r} has logged nothing yet: it keeps {kept} of its requests.",
        hint=ask if spec.log.sampling_rate >= 1 else f"{ask}. {more}",
    )
