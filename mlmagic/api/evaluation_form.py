"""Which outputs of a version hold its answers, and what its classes are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlmagic.errors import UsageError, nearest
from mlmagic.spec import codec
from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec
from mlmagic.spec.statistics import DatasetStatistics

if TYPE_CHECKING:
    from mlmagic.session import Session

_FLOATS = ("float", "bfloat", "half", "double")
_LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Where the answers of a version stand among its outputs."""

    score: str | None
    """The output with numbers: predictions, or what speaks for each class."""
    label: str | None
    """The output with the name of the class."""
    is_vector: bool = False
    """The score has a number for each class."""
    labels: tuple[str, ...] = ()
    """The classes, if the version knows in which order these are."""


def find_form(version: ModelVersion, signature: Signature, target: str, output: str | None) -> Form:
    """Return where the answers stand.

    Raises:
        UsageError: there are several outputs that may be meant, none, or not the one that is named.
    """
    handed_on = {spec.name for spec in signature.inputs}
    outputs = {spec.name: spec for spec in signature.outputs if spec.name not in handed_on}
    if output is not None and output not in outputs:
        near = nearest(output, outputs) or f"Outputs: {_told(outputs)}."
        raise UsageError(f"{version} has no output {output!r}. {near}")
    floats = {name: spec for name, spec in outputs.items() if spec.dtype.startswith(_FLOATS)}
    others = [name for name in outputs if name not in floats]
    label = _LABEL if _LABEL in others else others[0] if len(others) == 1 else None
    if output is not None:
        return _form(floats[output], label) if output in floats else Form(score=None, label=output)
    if len(floats) > 1:
        if target not in floats:
            raise UsageError(
                f"{version} returns several numbers: {_told(floats)}.",
                hint=f"Say which of them tells {target}: --output {next(iter(floats))}",
            )
        return _form(floats[target], label)
    if floats:
        return _form(next(iter(floats.values())), label)
    if label is None:
        raise UsageError(
            f"{version} returns {_told(outputs) or 'nothing that could be compared'}.",
            hint=f"Say which output tells {target}: --output NAME" if outputs else None,
        )
    return Form(score=None, label=label)


def known_labels(session: Session, version: ModelVersion, target: str) -> tuple[str, ...]:
    """Return the classes of a target of text in the order of the outputs of a model that was trained on a dataset."""
    path = session.workspace.version(version.model, version.number).statistics
    try:
        statistics = codec.loads(DatasetStatistics, path.read_bytes())
    except (OSError, codec.DecodeError):
        return ()
    split = statistics.splits.get("train")
    column = split.column(target) if split else None
    if column is None or column.type is not ColumnType.STRING or column.vocabulary is None:
        return ()
    return tuple(value.value for value in column.vocabulary.values) if column.vocabulary.is_complete else ()


def _form(spec: TensorSpec, label: str | None) -> Form:
    is_vector = len(spec.shape) > 1 and spec.shape[1:] != (1,)
    return Form(score=spec.name, label=label, is_vector=is_vector, labels=spec.labels)


def _told(outputs: dict[str, TensorSpec]) -> str:
    return ", ".join(f"{name} ({spec.dtype})" for name, spec in outputs.items())
