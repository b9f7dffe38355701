"""Rows of files beside what a model was trained on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mlmagic.api.monitor_arguments import DATAFLOW, Wanted
from mlmagic.api.monitor_baseline import Baseline, check_thresholds, training_baseline, training_rows
from mlmagic.api.monitor_dataflow import count_on_dataflow
from mlmagic.api.monitor_files import FileRows, types_of
from mlmagic.api.monitor_views import Monitoring
from mlmagic.api.monitor_windows import compare_all_slices, compared_columns, known_thresholds
from mlmagic.errors import UsageError
from mlmagic.spec.monitoring import SliceComparison
from mlmagic.spec.monitoring_files import Counting, FileCounts
from mlmagic.spec.monitoring_report import Against, MonitoredWindow
from mlmagic.spec.statistics import SplitStatistics

if TYPE_CHECKING:
    from mlmagic.api.inputs import Inputs
    from mlmagic.monitoring.slices import Slices
    from mlmagic.session import Session

_SHOWN = 3


def monitor_files(session: Session, wanted: Wanted, invocation: str | None = None) -> Monitoring:
    """Compare rows of files; see `mlmagic.monitor`. `invocation` is the line that was typed."""
    from mlmagic.monitoring.compare import report
    from mlmagic.monitoring.file_window import window_values

    assert wanted.inputs is not None  # noqa: S101 - one is missing otherwise
    version = None if wanted.model is None else session.models.resolve(wanted.model)
    name, key = wanted.statistics_name, wanted.statistics_key
    known = training_baseline(session, version, wanted.statistics, name, key=key)
    baseline = known.statistics
    if baseline is None:
        raise UsageError(
            f"{version} keeps no statistics of what it was trained on, as models do that were trained on a dataset.",
            hint="Give those of a dataset: --statistics .mlmagic/datasets/NAME/NUMBER/statistics.json",
        )
    check_thresholds(wanted.spec, [known])
    # Before anything is read: whether the slices of the baseline can be told.
    trained = _trained_slices(session, known, baseline, wanted.by)
    files = FileRows(wanted.inputs, types_of(baseline))
    counts = _count(session, files, known, baseline, wanted, invocation=invocation)
    slices: tuple[SliceComparison, ...] = ()
    if wanted.by is not None and trained is not None:
        slices = compare_all_slices(wanted.by, trained.statistics, counts.slices, wanted.spec, known.skipped)
    found = MonitoredWindow(
        version=None if version is None else str(version),
        baseline=known.told,
        report=report(baseline, window_values(counts), known_thresholds(wanted.spec, baseline), slices=slices),
        columns=compared_columns(baseline, counts.statistics),
    )
    lacking = ", ".join(counts.lacking)
    notes = [f"Not compared, for the files do not have it: {lacking}."] if lacking else []
    subject = _subject(wanted.inputs)
    return Monitoring(subject=subject, against=Against.TRAINING, windows=(found,), notes=(*files.notes, *notes))


def _trained_slices(session: Session, known: Baseline, baseline: SplitStatistics, by: str | None) -> Slices | None:
    from mlmagic.monitoring.slices import Slices, slices_of

    if by is None:
        return None
    trained = Slices(baseline, by, slices_of(baseline, by))
    for batch in training_rows(session, known.version):
        trained.add(batch)
    return trained


def _count(
    session: Session,
    files: FileRows,
    known: Baseline,
    baseline: SplitStatistics,
    wanted: Wanted,
    *,
    invocation: str | None,
) -> FileCounts:
    """Return what is counted of the rows, here or by a pipeline.

    Raises:
        UsageError: there are none.
    """
    from mlmagic.monitoring.file_window import FileWindow
    from mlmagic.monitoring.slices import slices_of

    counting = Counting(
        baseline=baseline,
        skipped=tuple(sorted(known.skipped)),
        # What a model takes and the files lack is missing; without a model nobody knows what it takes.
        skips_lacking=known.version is None,
        by=wanted.by,
        values=() if wanted.by is None else slices_of(baseline, wanted.by),
    )
    if wanted.runner == DATAFLOW:
        assert wanted.inputs is not None  # noqa: S101 - one is missing otherwise
        what = "files" if known.version is None else known.version.model
        reading = count_on_dataflow(
            session,
            wanted.inputs,
            counting,
            types_of(baseline),
            name=f"{what[:88]}-monitoring",
            workers=wanted.workers,
            yes=wanted.yes,
            invocation=invocation,
        )
        files.rejected, counts = reading.reading.rejected, reading.counts
    elif wanted.runner is not None:
        counts = files.counts(counting)
    else:
        window = None
        for batch in files.batches():
            window = window or FileWindow(counting, batch.schema.names)
            window.add(batch)
        counts = None if window is None else window.counts
    if counts is None or not counts.statistics.rows:
        raise UsageError("no row of the input could be read.", problems=files.notes)
    empty = [column.name for column in counts.statistics.columns if column.missing == counts.statistics.rows]
    if empty and len(empty) == len(counts.statistics.columns):
        raise UsageError(
            f"no row of the input has a value to compare: of {', '.join(sorted(empty))}.",
            hint="Its columns are called otherwise, or it is another file.",
        )
    return counts


def _subject(inputs: Inputs) -> str:
    words, frames = inputs.words, set(map(str, inputs.files))  # whose names are digests
    names = ["DataFrame" if word in frames else os.path.basename(word) for word in words[:_SHOWN]]  # noqa: PTH119 - an address, too
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return f"{', '.join(names)}{more}"
