"""Datasets: list them, look at their versions, read rows, compare, delete."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from mlmagic.api.arguments import read_reference
from mlmagic.api.dataset_columns import Columns
from mlmagic.api.dataset_deletion import DatasetDeletion, delete_dataset
from mlmagic.api.dataset_views import DatasetDescription, DatasetPlot, describe, plot
from mlmagic.errors import UsageError, nearest
from mlmagic.spec.dataset import DatasetOrigin, DatasetSchema, DatasetVersion
from mlmagic.spec.statistics import DatasetStatistics

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.api.dataset_difference import DatasetDifference
    from mlmagic.session import Session
    from mlmagic.workspace.datasets import DatasetStore


def datasets(*, session: Session | None = None) -> DatasetList:
    """Return the datasets of the workspace, each as its newest version."""
    session = _session(session)
    newest = session.datasets.list()
    return DatasetList(tuple(Dataset(version=version, session=session) for version in newest))


def dataset(reference: str, *, session: Session | None = None) -> Dataset:
    """Return the version that is meant: `taxi` is the newest now, `taxi@3` is that one.

    Raises:
        NotFoundError: there is none; names the nearest.
    """
    read_reference(reference, "a dataset's name")
    session = _session(session)
    return Dataset(version=session.datasets.resolve(reference), session=session)


def diff_datasets(first: str, second: str | None = None, *, session: Session | None = None) -> DatasetDifference:
    """Return what two versions have differently; of one, what it has differently from the version before it.

    Raises:
        NotFoundError: there is no such version.
        UsageError: it is the first of its dataset, and no other is named.
    """
    one = dataset(first, session=session)
    return one.diff() if second is None else one.diff(dataset(second, session=session))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A handle on one version of a dataset, which never changes."""

    version: DatasetVersion
    session: Session = field(repr=False)

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.version.dataset

    @property
    def number(self) -> int:
        """The version's number."""
        return self.version.number

    @property
    def schema(self) -> DatasetSchema:
        """Columns, target, key, features, and how many rows each split has."""
        return self.version.schema

    @property
    def origin(self) -> DatasetOrigin:
        """The job that made it and the files that it read."""
        return self.version.origin

    @property
    def statistics(self) -> DatasetStatistics:
        """What is known about its values, by split."""
        return self._store.statistics(self.version)

    @property
    def features(self) -> dict[str, object]:
        """The declaration of its features, to be changed and given to `train(features=…)`."""
        return copy.deepcopy(dict(self.schema.features))

    @property
    def path(self) -> Path:
        """The folder with its Parquet files."""
        return self._store.path(self.version)

    @property
    def versions(self) -> tuple[Dataset, ...]:
        """All versions of the dataset, the oldest first."""
        return tuple(Dataset(version=each, session=self.session) for each in self._store.versions(self.name))

    def read(self, split: str = "train", *, limit: int | None = None, columns: Columns = None) -> pd.DataFrame:
        """Return the rows of a split, or the first few of them.

        Args:
            split: `train`, `eval`, `test`, or what they are called in this dataset.
            limit: how many rows at most.
            columns: only these: names or patterns.

        Raises:
            UsageError: there is no such split or column, or the limit is none.
            MissingDependencyError: pyarrow or pandas is not installed.
        """
        from mlmagic.api.dataset_columns import choose_columns
        from mlmagic.api.dataset_frames import read_frame

        if split not in self.schema.rows:
            known = list(self.schema.rows)
            raise UsageError(
                f"{self.version} has no split {split!r}. {nearest(str(split), known)}".rstrip(),
                hint=f"Splits: {', '.join(known)}.",
            )
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise UsageError(f"limit is a number of rows from 0, not {limit!r}.")
        count = len(self.schema.columns)
        names = choose_columns(self.schema, columns, first=count, most=count)
        return read_frame(self._store.shards(self.version, split), names, limit)

    def describe(self, columns: Columns = None) -> DatasetDescription:
        """Return the page of this version; `columns` names those to show, by default the first fifty."""
        return describe(self._store, self.version, columns)

    def plot(self, columns: Columns = None) -> DatasetPlot:
        """Return charts of columns, `train` and `eval` in one; `columns` names them, by default the first 24."""
        return plot(self._store, self.version, columns)

    def diff(self, other: Dataset | str | None = None) -> DatasetDifference:
        """Return what `other` has differently from this version; without it, what this has from the one before.

        Raises:
            UsageError: there is none before it.
        """
        from mlmagic.api.dataset_difference import difference

        if other is not None:
            second = dataset(other, session=self.session) if isinstance(other, str) else other
            return difference(self.session, self.version, second.version)
        before = [version for version in self._store.versions(self.name) if version.number < self.number]
        if not before:
            raise UsageError(
                f"{self.version} is the first version of {self.name}: there is none before it to compare it with.",
                hint=f"%datasets diff {self.version} OTHER@VERSION",
            )
        return difference(self.session, before[-1], self.version)

    def delete(self, *, yes: bool = False, keep_files: bool = False) -> DatasetDeletion:
        """Remove this version. Models that were trained on it keep what they learned, and its statistics.

        Args:
            yes: of one that Dataflow made, delete its files in the bucket unasked.
            keep_files: leave those.

        Raises:
            ConflictError: a job that has not ended reads it.
            UsageError: it has files in a bucket, and the user does not agree, or nobody can be asked.
            BackendError: Google refused, or did not answer; the next call goes on.
        """
        return delete_dataset(self.session, self.version, yes=yes, keep_files=keep_files)

    def __str__(self) -> str:
        return str(self.version)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self.describe()._repr_mimebundle_()

    @property
    def _store(self) -> DatasetStore:
        return self.session.datasets


@dataclass(frozen=True, slots=True, repr=False)
class DatasetList(Sequence[Dataset]):
    """The datasets of a workspace, shown and printed as a table."""

    handles: tuple[Dataset, ...]

    @overload
    def __getitem__(self, index: int) -> Dataset: ...
    @overload
    def __getitem__(self, index: slice) -> DatasetList: ...
    def __getitem__(self, index: int | slice) -> Dataset | DatasetList:
        return DatasetList(self.handles[index]) if isinstance(index, slice) else self.handles[index]

    def __len__(self) -> int:
        return len(self.handles)

    def __repr__(self) -> str:
        return f"<DatasetList of {len(self)}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import datasets_bundle

        versions = [tuple(each.version for each in handle.versions) for handle in self.handles]
        # A dataset that was deleted meanwhile is still in this list.
        return datasets_bundle(
            [found or (handle.version,) for found, handle in zip(versions, self.handles, strict=True)]
        )


def _session(session: Session | None) -> Session:
    from mlmagic.session import current_session

    return session or current_session()
