"""What a model's version gets from the dataset that it was trained on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import MlmagicError
from mlmagic.spec.job import JobSpec
from mlmagic.spec.model import Signature, TensorSpec
from mlmagic.workspace.layout import DatasetVersionFolder

if TYPE_CHECKING:
    from mlmagic.workspace.datasets import DatasetStore

_TYPES_WITH_MISSING = frozenset({"float32", "float64", "int64", "string"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """What is known of a dataset when a model's version is made."""

    statistics: bytes | None = None
    """The file, as it is."""
    optional: frozenset[str] = frozenset()
    """The columns that the model's own layers take missing values for."""
    remarks: tuple[str, ...] = ()

    def mark(self, signature: Signature | None) -> Signature | None:
        """Return the signature with those inputs marked whose values may be missing."""
        if signature is None:
            return None
        return dataclasses.replace(signature, inputs=tuple(self._marked(tensor) for tensor in signature.inputs))

    def _marked(self, tensor: TensorSpec) -> TensorSpec:
        is_column = tensor.name in self.optional and tensor.shape == (None,) and tensor.dtype in _TYPES_WITH_MISSING
        return dataclasses.replace(tensor, optional=True) if is_column else tensor


def read_trained_on(spec: JobSpec, package_dir: Path, datasets: DatasetStore) -> TrainedOn:
    """Return what a training job's model gets; a dataset that is gone costs no version."""
    if spec.dataset is None:
        return TrainedOn()
    try:
        version = datasets.resolve(spec.dataset)
        statistics = DatasetVersionFolder(datasets.path(version)).statistics.read_bytes()
    except (MlmagicError, OSError) as error:
        return TrainedOn(remarks=(f"without the statistics of {spec.dataset}: {str(error).splitlines()[0]}",))
    # A program that encodes by itself may take NaN for a number.
    encodes = (package_dir / spec.package.module.partition(".")[0] / "features.py").exists()
    columns = frozenset(column.name for column in version.schema.columns) if encodes else frozenset()
    return TrainedOn(statistics=statistics, optional=columns)
