"""What is usual: drawn from the statistics of the training rows, or rows that the user gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.spec import codec
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec
from mlmagic.spec.statistics import ColumnStatistics, DatasetStatistics, SplitStatistics

if TYPE_CHECKING:
    import numpy as np

    from mlmagic.explanation.players import Columns, Player
    from mlmagic.session import Session

_TRAIN = "train"
_WAYS = "Give rows that are usual: --baseline FILE, or --baseline $df."


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Rows to draw from, or the statistics of rows."""

    label: str
    notes: tuple[str, ...] = ()
    rows: Columns | None = None
    statistics: Mapping[str, ColumnStatistics] = field(default_factory=dict)
    """Without rows: of each input that contributes."""

    def draws(self, inputs: Sequence[TensorSpec], count: int, chance: np.random.Generator) -> Columns:
        """Return `count` rows; of fewer rows that were given, all of them as often, so that it may be a few more."""
        from mlmagic.explanation.draws import draw
        from mlmagic.serving.values import missing_value

        if self.rows is not None:
            chosen = _chosen(len(next(iter(self.rows.values()))), count, chance)
            return {spec.name: self.rows[spec.name][chosen] for spec in inputs}
        found = {}
        for spec in inputs:
            values = draw(self.statistics[spec.name], spec, count, chance, missing_value(spec.dtype))
            found[spec.name] = values.reshape(-1, *(1 for _ in spec.shape[1:]))
        return found

    def means(self, inputs: Sequence[TensorSpec]) -> Columns | None:
        """Return the mean of each input as one row; None where something is not known or missing."""
        import numpy as np

        found = {}
        for spec in inputs:
            if self.rows is not None:
                mean = np.nanmean(self.rows[spec.name].astype(np.float64), axis=0, keepdims=True)
            else:
                numeric = self.statistics[spec.name].numeric
                mean = np.full((1, *(1 for _ in spec.shape[1:])), np.nan if numeric is None else numeric.mean)
            if not np.isfinite(mean).all():
                return None
            found[spec.name] = mean
        return found


def find_baseline(
    session: Session, version: ModelVersion, signature: Signature, players: Sequence[Player], given: Any
) -> Baseline:
    """Return what the user gave, or what the version's statistics tell.

    Raises:
        UsageError: neither will do; says what would.
        PredictionError: the rows that were given do not fit the model.
    """
    if given is not None:
        return _given(version, signature, given)
    from mlmagic.explanation.draws import why_not

    statistics = _statistics(session, version)
    wanted = {player.input for player in players}
    inputs = [spec for spec in signature.inputs if spec.name in wanted]
    known = {spec.name: column for spec in inputs if (column := statistics.column(spec.name)) is not None}
    problems = [told for spec in inputs if (told := why_not(known.get(spec.name), spec))]
    if problems:
        raise UsageError(
            f"the statistics of what {version} was trained on do not tell what is usual:", problems=problems, hint=_WAYS
        )
    return Baseline(
        label=f"the training statistics of {version}",
        statistics=known,
        notes=tuple(_left_out(known)),
    )


def _statistics(session: Session, version: ModelVersion) -> SplitStatistics:
    path = session.workspace.version(version.model, version.number).statistics
    try:
        known = codec.loads(DatasetStatistics, path.read_bytes()).splits.get(_TRAIN)
    except FileNotFoundError:
        known = None
    except (OSError, codec.DecodeError) as error:
        raise UsageError(f"the statistics of {version} cannot be read from {path}: {error}.", hint=_WAYS) from None
    if known is None:
        raise UsageError(
            f"{version} has no statistics of its training rows, so nothing is known of what is usual.",
            hint=f"{_WAYS} A model that is trained with --data DATASET keeps its statistics.",
        )
    return known


def _left_out(statistics: Mapping[str, ColumnStatistics]) -> list[str]:
    """Return what is not drawn: the values that are too rare to be listed."""
    told = []
    for name, column in statistics.items():
        if column.vocabulary is not None and not column.vocabulary.is_complete:
            listed = sum(value.count for value in column.vocabulary.values)
            part = max(0.0, 1 - listed / max(1, column.count))
            told.append(f"{name} has rare values that the statistics do not list: {part:.1%} of its rows.")
    return told


def _given(version: ModelVersion, signature: Signature, given: Any) -> Baseline:
    from mlmagic.serving.rows import read_rows
    from mlmagic.serving.texts import read_instances

    label = "the rows given as its baseline"
    if isinstance(given, str | Path):
        path = Path(given).expanduser()
        label, given = str(path), read_instances(path, signature)
    rows = read_rows(given, signature, f"{version} (baseline)")
    if not rows.count:
        raise UsageError(f"the baseline, {label}, has no rows.", hint="Give one at least.")
    return Baseline(label=f"{label}, {rows.count:,} row{'s' * (rows.count != 1)}", rows=_plain(rows.columns))


def _plain(columns: Mapping[str, Any]) -> Columns:
    import numpy as np

    return {name: np.asarray(column) for name, column in columns.items()}


def _chosen(rows: int, count: int, chance: np.random.Generator) -> np.ndarray[Any, Any]:
    import numpy as np

    if rows >= count:
        return chance.choice(rows, count, replace=False)
    # All as often: their mean is what it is.
    return chance.permutation(np.tile(np.arange(rows), -(-count // rows)))
