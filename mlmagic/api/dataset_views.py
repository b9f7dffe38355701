"""What `describe` and `plot` of a dataset return: objects that show themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlmagic.api.dataset_columns import Columns, choose_columns
from mlmagic.api.dataset_leaks import find_leaks
from mlmagic.api.dataset_warnings import dataset_warnings
from mlmagic.errors import MlmagicError
from mlmagic.spec.dataset import DatasetVersion
from mlmagic.spec.dataset_report import DatasetReport, Leak
from mlmagic.spec.statistics import DatasetStatistics

if TYPE_CHECKING:
    from mlmagic.workspace.datasets import DatasetStore

_DESCRIBED, _MOST_DESCRIBED = 50, 300
_PLOTTED, _MOST_PLOTTED = 24, 60


class DatasetDescription(DatasetReport):
    """The page of a version, shown as a panel."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<DatasetDescription of {self.version}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import dataset_bundle

        return dataset_bundle(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPlot:
    """Charts of columns. The extension shows the table below them, which is `.table` elsewhere."""

    version: DatasetVersion
    statistics: DatasetStatistics
    columns: tuple[str, ...]

    @property
    def table(self) -> DatasetPlotTable:
        """The same as numbers."""
        return DatasetPlotTable(version=self.version, statistics=self.statistics, columns=self.columns)

    def __repr__(self) -> str:
        return f"<DatasetPlot of {self.version}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import dataset_chart_bundle

        return dataset_chart_bundle(self.version, self.statistics, self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPlotTable:
    """What charts of columns show, as a table."""

    version: DatasetVersion
    statistics: DatasetStatistics
    columns: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<DatasetPlotTable of {self.version}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import dataset_plot_table_bundle

        return dataset_plot_table_bundle(self.version, self.statistics, self.columns)


def describe(store: DatasetStore, version: DatasetVersion, columns: Columns) -> DatasetDescription:
    """Return the page of a version."""
    names = choose_columns(version.schema, columns, first=_DESCRIBED, most=_MOST_DESCRIBED)
    statistics = store.statistics(version)
    leaks, unchecked = _find_leaks(store, version)
    newest = max((other.number for other in store.versions(version.dataset)), default=version.number)
    return DatasetDescription(
        version=version,
        statistics=statistics,
        columns=names,
        warnings=dataset_warnings(version.schema, statistics, leaks),
        unchecked=unchecked,
        newest=newest if newest != version.number else None,
    )


def plot(store: DatasetStore, version: DatasetVersion, columns: Columns) -> DatasetPlot:
    """Return charts of a version."""
    names = choose_columns(version.schema, columns, first=_PLOTTED, most=_MOST_PLOTTED)
    return DatasetPlot(version=version, statistics=store.statistics(version), columns=names)


def _find_leaks(store: DatasetStore, version: DatasetVersion) -> tuple[tuple[Leak, ...], str | None]:
    """Return the leaks, or why they could not be looked for: the rest of the page does not need the rows."""
    split = next((split for split in ("train", *version.schema.rows) if version.schema.rows.get(split)), None)
    if split is None:
        return (), None
    try:
        return find_leaks(store.shards(version, split), version.schema), None
    except (MlmagicError, OSError, ValueError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        return (), f"Whether a column leaks the target was not looked into: {reason}"
