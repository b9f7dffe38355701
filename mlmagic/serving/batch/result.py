"""What came of a run, or of a part of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.arguments import RejectLimit
from mlmagic.serving.batch.work import UnitRecord
from mlmagic.spec.batch import BatchResult
from mlmagic.spec.statistics import RejectedRow

_SAMPLES = 5
_REASONS = 10
_ROWS_VARY = 1.5
"""Rows of one part of the input may be so much longer than those of another."""


def sum_up(label: str, output: object, errors: object, records: Sequence[UnitRecord]) -> BatchResult:
    """Return what these units come to."""
    reasons: Counter[str] = Counter()
    for record in records:
        reasons.update(record.rejected)
    samples = [sample for record in records for sample in record.samples]
    return BatchResult(
        model_version=label,
        output=str(output),
        errors=str(errors),
        read=sum(record.read for record in records),
        written=sum(record.written for record in records),
        size_bytes=sum(record.size_bytes for record in records),
        rejected=dict(reasons.most_common()),
        samples=tuple(samples[:_SAMPLES]),
    )


def check_limit(limit: RejectLimit, result: BatchResult) -> None:
    """Check how many rows were rejected.

    Raises:
        MlmagicError: more than the limit allows; with the most frequent reasons, and the first such rows.
    """
    if not limit.allows(result.rejected_rows, result.read):
        raise MlmagicError(
            f"{result.rejected_rows:,} of {result.read:,} rows were rejected: more than --max-rejected {limit} allows.",
            problems=_reasons(result),
            hint=f"They are in {result.errors}. With a higher --max-rejected the others are kept, and nothing is "
            "predicted twice.",
        )


def check_early(limit: RejectLimit, result: BatchResult, size_bytes: int) -> None:
    """Check the same of a part of the input, of which there are so many bytes: more than enough is enough.

    Raises:
        MlmagicError: even if no other row is rejected, there will have been too many.
    """
    rows = round(result.read * max(1.0, _ROWS_VARY * size_bytes / max(1, result.size_bytes)))
    if not limit.allows(result.rejected_rows, rows):
        check_limit(limit, result)


def cannot_write(output: object, error: OSError) -> MlmagicError:
    """Return what is said of an error of the system, such as a disk that is full."""
    where = f" ({error.filename})" if error.filename else ""
    return MlmagicError(
        f"cannot predict into {output}: {error.strerror or error}{where}.",
        hint="What is finished stays: once that is mended, the same run goes on.",
    )


def summary(result: BatchResult) -> str:
    """Return the last words of a run."""
    return "\n".join([str(result), *(f"  {line}" for line in _reasons(result))])


def _reasons(result: BatchResult) -> list[str]:
    reasons = [f"{count:,} times {reason}" for reason, count in result.rejected.items()]
    return [*reasons[:_REASONS], *(f"such as {_sample(sample)}" for sample in result.samples)]


def _sample(sample: RejectedRow) -> str:
    place = f"{sample.file}:{sample.line}" if sample.line is not None else sample.file
    return f"{place}: {sample.reason}" + (f" in {sample.text:.120}" if sample.text else "")
