"""Which of a model's numbers is explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.errors import PredictionError, UsageError, nearest
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An output with a number for each row, or one with a number for each class."""

    tensor: str
    """What the model calls the output."""
    name: str
    """What a DataFrame of predictions calls it."""
    version: str
    labels: tuple[str, ...] = ()
    is_vector: bool = False
    place: int | None = None
    """Of a vector: which number; None means the greatest of each row."""

    @property
    def text(self) -> str:
        """What is explained, in words."""
        if not self.is_vector:
            return self.name
        return f"the most likely class of {self.name}" if self.place is None else self.called(self.place)

    def called(self, place: int) -> str:
        """Return the name of one of its numbers."""
        if not self.is_vector:
            return self.name
        return f"{self.name}_{self.labels[place] if place < len(self.labels) else place}"

    def numbers(self, outputs: Mapping[str, Any], rows: int) -> Array:
        """Return its numbers, (rows, numbers).

        Raises:
            PredictionError: it has not some for each row.
        """
        import numpy as np

        output = outputs[self.tensor]
        if isinstance(output, list) or np.ndim(output) == 0 or len(output) != rows:
            raise PredictionError(f"the output {self.tensor!r} of {self.version} does not have one value for each row.")
        return np.asarray(output, np.float64).reshape(rows, -1)

    def chosen(self, numbers: Array) -> Array:
        """Return which number of each row is explained."""
        import numpy as np

        if self.place is not None:
            if self.place >= numbers.shape[1]:
                raise UsageError(f"{self.version} returns {numbers.shape[1]} numbers, and none of place {self.place}.")
            return np.full(len(numbers), self.place)
        found: Array = np.where(np.isnan(numbers), -np.inf, numbers).argmax(axis=1)
        return found


def find_target(version: ModelVersion, signature: Signature, wanted: str | None) -> Target:
    """Return what is explained.

    Args:
        version: what is asked.
        signature: its own.
        wanted: an output, or one of the columns of predictions, such as `prediction_late`.

    Raises:
        UsageError: there is no such output, it has no numbers, or there are several and none is named.
    """
    from mlmagic.serving.results import ANONYMOUS, PREDICTION

    handed_on = {spec.name for spec in signature.inputs}
    outputs = [spec for spec in signature.outputs if spec.name not in handed_on]
    is_lone = len(signature.outputs) == 1
    targets = []
    for spec in outputs:
        if spec.dtype.startswith(("float", "bfloat")) and len(spec.shape) <= 2:
            is_unnamed = is_lone and (spec.name == ANONYMOUS or version.origin.artifact == "keras")
            name = PREDICTION if is_unnamed else spec.name
            is_vector = len(spec.shape) == 2 and spec.shape[1] != 1
            targets.append(
                Target(tensor=spec.name, name=name, version=str(version), labels=_labels(spec), is_vector=is_vector)
            )
    told = ", ".join(target.name for target in targets)
    if not targets:
        raise UsageError(
            f"{version} returns {', '.join(f'{spec.name} ({spec.dtype})' for spec in outputs) or 'nothing'}: "
            "no number that features could move."
        )
    if wanted is None:
        if len(targets) > 1:
            raise UsageError(
                f"{version} returns several numbers: {told}.",
                hint=f"Say which of them to explain: --output-name {targets[0].name}",
            )
        return targets[0]
    return _named(version, targets, signature, wanted)


def _named(version: ModelVersion, targets: list[Target], signature: Signature, wanted: str) -> Target:
    import dataclasses

    sizes = {spec.name: spec.shape[-1] if spec.shape else None for spec in signature.outputs}
    names: dict[str, Target] = {}
    for target in targets:
        names |= {target.tensor: target, target.name: target}
        for place in range((sizes[target.tensor] or 0) if target.is_vector else 0):
            names.setdefault(target.called(place), dataclasses.replace(target, place=place))
    if wanted not in names:
        near = nearest(wanted, names) or f"It has {', '.join(list(names)[:10])}{', …' * (len(names) > 10)}."
        raise UsageError(f"{version} has no number called {wanted!r}. {near}")
    return names[wanted]


def _labels(spec: TensorSpec) -> tuple[str, ...]:
    return spec.labels if len(spec.shape) == 2 and len(spec.labels) == spec.shape[1] else ()
