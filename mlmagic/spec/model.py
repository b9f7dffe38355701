"""A model groups immutable numbered versions; aliases point at versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec(Noun):
    """One input or output. `shape` has None where any size goes; `dtype` is TensorFlow's name, such as `float32`."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    optional: bool = False
    """Of an input: values may be missing. To the model, NaN, the smallest integer and the empty text are."""
    labels: tuple[str, ...] = ()
    """Of an output with a number for each class: what they are called, where that is known."""
    example: str | bool | int | float | None = field(default=None, compare=False)
    """Of an input: a usual value, for requests to copy."""

    @property
    def example_value(self) -> str | bool | int | float:
        """The example, or some value of the type if none is known."""
        if self.example is not None:
            return self.example
        if self.dtype == "string":
            return "text"
        if self.dtype == "bool":
            return True
        return 1 if "int" in self.dtype else 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature(Noun):
    """What a version takes and returns; the first dimension of every tensor counts instances."""

    name: str = "serving_default"
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()

    def without_labels(self) -> Signature:
        """Return it as if nothing were known of classes."""
        outputs = tuple(dataclasses.replace(spec, labels=()) for spec in self.outputs)
        return dataclasses.replace(self, outputs=outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOrigin(Noun):
    """`origin.json`: where a version came from."""

    create_time: datetime | None = None
    """When the version was registered."""
    job_id: str | None = None
    package_digest: str | None = None
    dataset: str | None = None
    """The version that it was trained on, such as `taxi@3`."""
    study: str | None = None
    """The study whose best trial it is."""
    source: str | None = None
    """The file or folder that it was imported from."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of the job that made it."""
    framework: str = "tensorflow"
    framework_version: str | None = None
    artifact: str = "savedmodel"
    """`savedmodel`, `keras` or `onnx`."""
    artifact_path: str = "."
    """Where the artifact lies, relative to the version's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion(Noun):
    """An immutable version."""

    model: str
    number: int
    create_time: datetime
    origin: ModelOrigin = field(default_factory=ModelOrigin)
    signature: Signature | None = None
    size_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Noun):
    """`model.json`: a model's name and aliases; `default` is among them as soon as there is a version."""

    name: str
    aliases: Mapping[str, int] = field(default_factory=dict)
    create_time: datetime

    def aliases_of(self, number: int) -> tuple[str, ...]:
        """Return the aliases that point at a version, `default` first."""
        names = [alias for alias, target in self.aliases.items() if target == number]
        return tuple(sorted(names, key=lambda alias: (alias != "default", alias)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary(Noun):
    """A model as lists show it."""

    model: Model
    versions: int
    """How many there are."""
    latest: ModelVersion
    default: ModelVersion | None
    """None where `model.json` names one that is not there."""
    endpoints: tuple[str, ...] = ()
    """Those that serve it."""
