"""The dataset of a training call, and the features that are made for its model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlmagic.errors import UsageError, nearest
from mlmagic.spec import codec
from mlmagic.spec.dataset import DatasetSchema, DatasetVersion
from mlmagic.spec.noun import Noun
from mlmagic.spec.package import CellShape
from mlmagic.spec.statistics import DatasetStatistics, SplitStatistics

if TYPE_CHECKING:
    from mlmagic.session import Session
    from mlmagic.source.features import FeatureFiles
    from mlmagic.spec.features import Feature
    from mlmagic.spec.package import TrainerPackage
    from mlmagic.spec.study import Parameter

N = TypeVar("N", bound=Noun)

TRAIN = "train"
"""The split that models learn from."""

FLAG = "--data"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """A dataset that is trained on."""

    folder: Path
    schema: DatasetSchema
    statistics: DatasetStatistics
    reference: str | None = None
    """Such as `taxi@3`; None of a folder outside of the workspace."""
    target: str | None = None
    """In place of the one that the dataset names."""
    declaration: Mapping[Any, Any] | None = None
    """Of the features, in place of the dataset's own."""
    tuned: tuple[Parameter, ...] = ()
    """What a study tunes: of `fare.buckets` there is a flag."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.reference or str(self.folder)

    def feature_files(self) -> FeatureFiles:
        """Return the modules of the features that a model is built from.

        Raises:
            UsageError: there is no such target, or the features cannot be used, or not be tuned.
        """
        from mlmagic.source.feature_tuning import tuned_features
        from mlmagic.source.features import features_module

        target = self._target()
        features = tuned_features(self._features(target), self.tuned, self._training)
        return features_module(self.schema, self._training, features, target)

    @property
    def _training(self) -> SplitStatistics:
        known = self.statistics.splits.get(TRAIN)
        if known is None or not known.rows:
            splits = ", ".join(name for name, rows in self.schema.rows.items() if rows) or "none"
            raise UsageError(f"{self.name} has no rows to train on: its splits are {splits}, and none is {TRAIN}.")
        return known

    def _target(self) -> str:
        target = self.target or self.schema.target
        names = [column.name for column in self.schema.columns]
        if target is None:
            raise UsageError(
                f"{self.name} names no column as the target, which the model is to learn.",
                hint=f"Name it: --target COLUMN. Columns: {_some(names)}.",
            )
        if target not in names:
            told = nearest(target, names) or f"Columns: {_some(names)}."
            raise UsageError(f"{self.name} has no column {target!r} for the target.", hint=told)
        for split, known in self.statistics.splits.items():
            column = known.column(target)
            if column is not None and column.missing:
                raise UsageError(
                    f"{self.name} has {column.missing:,} rows in {split} without a value of {target}, the target.",
                    hint=f"`%%preprocess ... --target {target}` leaves them out.",
                )
        return target

    def _features(self, target: str) -> tuple[Feature, ...]:
        from mlmagic.spec.feature_declaration import read_features

        columns, key = self.schema.columns, self.schema.key
        if self.declaration is not None:
            return read_features(self.declaration, columns, target=target, key=key)
        declared = self.schema.features
        if target != self.schema.target and (self.schema.are_features_inferred or not declared):
            from mlmagic.preprocessing.inference import infer_features

            return read_features(infer_features(columns, self._training, target, key), columns, target=target, key=key)
        features = read_features(declared, columns, key=key)
        return without_column(features, target)


def without_column(features: Sequence[Feature], column: str) -> tuple[Feature, ...]:
    """Return the features that are not made of a column, directly or through a cross."""
    kept = [feature for feature in features if column not in feature.columns]
    names = {feature.name for feature in features} - {feature.name for feature in kept}
    kept = [feature for feature in kept if not names & set(feature.columns)]
    if not kept:
        raise UsageError(f"all features are made of {column}, the target.", hint="Declare others: --features FILE")
    return tuple(kept)


def read_training_data(data: object, target: object, features: object, session: Session) -> TrainingData | None:
    """Return the dataset of a training call, or None if it has none.

    Args:
        data: a name such as `taxi` or `taxi@3`, a version of a dataset, or a folder that holds one.
        target: the column that the model learns, if not the dataset's own.
        features: a declaration or a file with one, if not the dataset's own.
        session: whose workspace has the datasets.

    Raises:
        UsageError: they do not fit.
        NotFoundError: there is no such dataset.
    """
    from mlmagic.api.cleaning_source import read_declaration

    if data is None:
        if given := [name for name, value in (("target", target), ("features", features)) if value is not None]:
            told = " and ".join(given)
            raise UsageError(f"{told} {'are' if len(given) > 1 else 'is'} of a dataset, and no data is given.")
        return None
    if target is not None and not isinstance(target, str):
        raise UsageError(f"target must be a column's name, not {type(target).__name__} {target!r:.60}.")
    declaration = read_declaration(features)
    found = _version_of(data)
    if isinstance(found, Path):
        return _read_folder(found, target, declaration)
    version = session.datasets.resolve(found) if isinstance(found, str) else found
    return TrainingData(
        folder=session.datasets.path(version),
        schema=version.schema,
        statistics=session.datasets.statistics(version),
        reference=str(version),
        target=target,
        declaration=declaration,
    )


def _version_of(data: object) -> DatasetVersion | Path | str:
    """Return a version, a folder, or a name to look up."""
    version = getattr(data, "version", data)  # of a handle
    if isinstance(version, DatasetVersion):
        return version
    if isinstance(data, os.PathLike):
        return Path(data)
    if not isinstance(data, str):
        raise UsageError(
            f"data must be a dataset, such as 'taxi@3', or a folder's path, not {type(data).__name__} {data!r:.60}.",
            hint="DataFrames and arrays that the program uses are shipped by ship={'name': value}.",
        )
    is_path = os.sep in data or data.startswith((".", "~"))
    return Path(data) if is_path else data


def _read_folder(path: Path, target: str | None, declaration: Mapping[Any, Any] | None) -> TrainingData:
    folder = path.expanduser().absolute()
    return TrainingData(
        folder=folder,
        schema=_read(DatasetSchema, folder / "schema.json"),
        statistics=_read(DatasetStatistics, folder / "statistics.json"),
        target=target,
        declaration=declaration,
    )


def _read(noun: type[N], path: Path) -> N:
    try:
        return codec.loads(noun, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{path.parent} is no dataset: there is no {path.name}.",
            hint="A dataset of the workspace goes by its name, such as taxi or taxi@3.",
        ) from None
    except (OSError, codec.DecodeError) as error:
        raise UsageError(f"{path.parent} is no dataset: {path.name} cannot be read: {error}.") from None


def training_words(data: TrainingData | None, package: TrainerPackage, words: Sequence[str]) -> tuple[str, ...]:
    """Return the program's arguments, with the folder of its dataset.

    Raises:
        UsageError: the program does not take it, or gets it twice.
    """
    if data is None:
        return tuple(words)
    if given := [word for word in words if word == FLAG or word.startswith(f"{FLAG}=")]:
        raise UsageError(f"the program would get two datasets: {given[0]} is among its arguments, and data is given.")
    is_known = package.flags or package.shape is CellShape.TRAIN
    if is_known and FLAG not in [flag.option for flag in package.flags]:
        what = {CellShape.TRAIN: "`train` has no parameter `data`", CellShape.SCRIPT: "the cell has no constant `DATA`"}
        raise UsageError(
            f"the program does not take a dataset: {what[package.shape]}.",
            hint="`def train(data, epochs=5): ...` gets the dataset's folder; `def build_model(features): ...` is "
            "trained on it.",
        )
    if package.shape is not CellShape.BUILD_MODEL and (data.target is not None or data.declaration is not None):
        raise UsageError("target and features are for a cell with `def build_model(features): ...`.")
    return (FLAG, str(data.folder), *words)


def _some(names: Sequence[str], limit: int = 12) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")
