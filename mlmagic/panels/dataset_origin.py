"""Where a dataset came from: the files that were read, the job, and the rows that were rejected."""

from __future__ import annotations

from mlmagic.panels import theme
from mlmagic.panels.dataset_values import share
from mlmagic.panels.markup import Html, join
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import fit, one_line, table
from mlmagic.spec.dataset import DatasetVersion, InputFile
from mlmagic.spec.statistics import RowCounts

_MOST_FILES, _MOST_LINES = 20, 10
_MOST_REASONS = 10
_DIGEST = 12
_SAMPLE_WIDTH = 200


def origin_html(version: DatasetVersion) -> Html | None:
    """Return the files that were read, with sizes and digests, and the job; None where nothing is known."""
    origin = version.origin
    job = (
        theme.row(theme.faint("By job "), theme.copyable(origin.job_id), _package(origin.package_digest))
        if origin.job_id
        else None
    )
    cell = theme.folded("Cleaned by this cell", theme.block(origin.cell, wrap=False)) if origin.cell else None
    if not origin.inputs:
        return join([job or "", cell or ""]) if job or cell else None
    rows = [[file.path, size_text(file.size_bytes), _digest(file)] for file in origin.inputs[:_MOST_FILES]]
    files = theme.table(["File", "Size", "Digest"], rows, wraps=[0], right=[1])
    more = _more(version, _MOST_FILES)
    return theme.folded(
        f"Made from {_inputs(version)}", job, files, theme.row(theme.faint(more)) if more else None, cell
    )


def origin_text(version: DatasetVersion) -> list[str]:
    """Return the same as lines of text."""
    origin = version.origin
    lines = [f"By job {origin.job_id}"] if origin.job_id else []
    if not origin.inputs:
        return lines
    rows = [[file.path, size_text(file.size_bytes), _digest(file)] for file in origin.inputs[:_MOST_LINES]]
    lines += [f"Made from {_inputs(version)}:", table(["FILE", "SIZE", "DIGEST"], rows, flexible=0, right=[1])]
    more = _more(version, _MOST_LINES)
    return [*lines, more] if more else lines


def rejected_html(rows: RowCounts) -> Html | None:
    """Return what became of the rows that were read; None where all were written."""
    if not rows.rejected and not rows.removed:
        return None
    if not rows.rejected:
        return theme.row(theme.faint(_fate(rows)))
    reasons = [[f"{count:,}", one_line(reason)] for reason, count in _reasons(rows)]
    samples = [
        [_place(sample.file, sample.line), one_line(sample.reason), _text(sample.text)] for sample in rows.samples
    ]
    return theme.folded(
        _fate(rows),
        theme.table(["Rows", "Rejected because"], reasons, right=[0]),
        theme.table(["Where", "Reason", "Row"], samples, wraps=[0, 1, 2]) if samples else None,
    )


def rejected_text(rows: RowCounts) -> list[str]:
    """Return the same as lines of text, without the samples."""
    if not rows.rejected and not rows.removed:
        return []
    return ["", _fate(rows), *(f"  {count:>9,}  {fit(reason, 66)}" for reason, count in _reasons(rows))]


def _fate(rows: RowCounts) -> str:
    rejected = rows.rejected_rows
    told = [f"{rejected:,} rejected ({share(rejected, rows.read)})"] if rejected else []
    told += [f"{rows.removed:,} removed by clean"] if rows.removed > 0 else []
    told += [f"{-rows.removed:,} added by clean"] if rows.removed < 0 else []
    return f"{rows.read:,} rows read, {', '.join(told)}, {rows.written:,} written"


def _reasons(rows: RowCounts) -> list[tuple[str, int]]:
    ordered = sorted(rows.rejected.items(), key=lambda reason: (-reason[1], reason[0]))
    rest = sum(count for _, count in ordered[_MOST_REASONS:])
    return [*ordered[:_MOST_REASONS], *([("(other reasons)", rest)] if rest else [])]


def _place(file: str, line: int | None) -> str:
    return file if line is None else f"{file}:{line}"


def _text(text: str | None) -> Html:
    return theme.mono(fit(text or "", _SAMPLE_WIDTH))


def _inputs(version: DatasetVersion) -> str:
    count, size = len(version.origin.inputs), sum(file.size_bytes for file in version.origin.inputs)
    return f"{count:,} file{'' if count == 1 else 's'}, {size_text(size)}"


def _more(version: DatasetVersion, shown: int) -> str | None:
    left = len(version.origin.inputs) - shown
    return f"and {left:,} more, in .version.origin.inputs" if left > 0 else None


def _package(digest: str | None) -> Html | None:
    return theme.faint(f" · package {digest[:_DIGEST]}", title=digest) if digest else None


def _digest(file: InputFile) -> str:
    if file.digest is None:
        return "—"
    kind, colon, value = file.digest.rpartition(":")
    return f"{kind}{colon}{value[:_DIGEST]}"
