"""The work of an explanation: rows and what is usual, asked of the version's warm process in few calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.explanation import Explanation
from mlmagic.api.explanation_baseline import Baseline, find_baseline
from mlmagic.api.explanation_target import Target, find_target
from mlmagic.errors import UsageError
from mlmagic.spec.explanation import Method
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlmagic.explanation.players import Columns, Player
    from mlmagic.explanation.shapley import Contributions, Floats, Question
    from mlmagic.serving.predictor import Predictor
    from mlmagic.session import Session

STEPS = 128
_MOST_ASKED = 50_000_000
_LARGEST_GAP = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found for all rows, by whichever method."""

    method: Method
    samples: int
    seed: int | None
    contributions: Contributions
    baseline: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Rows of one version, ready to be explained."""

    version: ModelVersion
    signature: Signature
    predictor: Predictor
    target: Target
    columns: Columns
    players: tuple[Player, ...]
    index: Any
    baseline: Baseline
    predictions: Floats
    """(rows,)"""
    outputs: Any
    """Which number of the target each row is explained for."""

    @classmethod
    def make(
        cls,
        session: Session,
        version: ModelVersion,
        signature: Signature,
        predictor: Predictor,
        *,
        instances: Any,
        file: str | Path | None,
        baseline: Any,
        output: str | None,
    ) -> Work:
        """Read all that is given, and predict."""
        import numpy as np

        from mlmagic.serving.rows import read_rows
        from mlmagic.serving.texts import parse_instances, read_instances

        target = find_target(version, signature, output)
        if file is not None:
            instances = read_instances(Path(file).expanduser(), signature)
        elif isinstance(instances, str | bytes | bytearray):
            instances = parse_instances(instances, signature)
        rows = read_rows(instances, signature, str(version))
        if not rows.count:
            raise UsageError("there are no instances to explain.")
        columns = {name: np.asarray(column) for name, column in rows.columns.items()}
        players = find_players(version, signature, columns, instances)
        known = find_baseline(session, version, signature, players, baseline)
        numbers = target.numbers(_ask(predictor, signature, columns, rows.count), rows.count)
        outputs = target.chosen(numbers)
        return cls(
            version=version,
            signature=signature,
            predictor=predictor,
            target=target,
            columns=columns,
            players=players,
            index=rows.index,
            baseline=known,
            predictions=numbers[np.arange(rows.count), outputs],
            outputs=outputs,
        )

    def explain(self, method: str, *, permutations: int, seed: int) -> Explanation:
        """Return the explanation by a method, `auto` the best that the model allows."""
        from mlmagic.api.explanation_report import make_explanation

        if method == Method.SHAPLEY:
            return make_explanation(self, self._shapley(permutations, seed))
        found, why = self._gradients()
        if method == Method.GRADIENTS:
            if found is None:
                raise UsageError(
                    f"{self.version} cannot be explained by gradients: {why}.", hint="Use --explain shapley."
                )
            return make_explanation(self, found)
        if found is not None and not why:
            return make_explanation(self, found)
        sampled = self._shapley(permutations, seed)
        notes = () if found is None else (f"Gradients were not used: {why}.",)
        return make_explanation(self, replace(sampled, notes=(*sampled.notes, *notes)))

    def answer(self, columns: Columns, outputs: Any) -> Floats:
        """Return the number that is explained, of rows of inputs."""
        import numpy as np

        numbers = self.target.numbers(_ask(self.predictor, self.signature, columns, len(outputs)), len(outputs))
        return np.asarray(numbers[np.arange(len(outputs)), outputs])

    @property
    def _question(self) -> Question:
        from mlmagic.explanation.shapley import Question

        return Question(
            answer=self.answer,
            players=self.players,
            rows=self.columns,
            outputs=self.outputs,
            predictions=self.predictions,
        )

    def _shapley(self, permutations: int, seed: int) -> Found:
        import numpy as np

        from mlmagic.explanation.shapley import shapley

        asked = len(self.predictions) * permutations * max(1, len(self.players) - 1)
        if asked > _MOST_ASKED:
            raise UsageError(
                f"{len(self.predictions):,} rows of {len(self.players):,} features ask the model {asked:,} times, "
                f"and at most {_MOST_ASKED:,} is sensible.",
                hint="Explain fewer rows: data.sample(100), or with fewer --permutations.",
            )
        chance = np.random.default_rng(seed)
        draws = self.baseline.draws(self._inputs(), permutations // 2, chance)
        found = shapley(self._question, draws, chance)
        count = 2 * len(next(iter(draws.values())))
        return Found(
            method=Method.SHAPLEY,
            samples=count,
            seed=seed,
            contributions=found,
            baseline=f"{count // 2} draws from {self.baseline.label}",
            notes=self.baseline.notes,
        )

    def _gradients(self) -> tuple[Found | None, str]:
        """Return what gradients tell, and why they should not be used, if that is so."""
        import numpy as np

        from mlmagic.explanation.paths import integrated_gradients
        from mlmagic.explanation.shapley import Contributions
        from mlmagic.serving.predictor import NoGradientsError

        inputs = self._inputs()
        if others := [spec.name for spec in inputs if not spec.dtype.startswith(("float", "bfloat"))]:
            return None, f"{', '.join(others)} take{'s' * (len(others) == 1)} no numbers with a fraction"
        if gaps := [spec.name for spec in inputs if not np.isfinite(self.columns[spec.name]).all()]:
            return None, f"values of {', '.join(gaps)} are missing"
        means = self.baseline.means(inputs)
        if means is None:
            return None, "the means of its inputs are not known"
        try:
            amounts = integrated_gradients(self._gradient, self._question, means, steps=STEPS)
        except NoGradientsError as error:
            return None, str(error)
        if not np.isfinite(amounts).all():
            return None, "its gradients are not finite"
        usual = {name: column[:1] if name not in means else means[name] for name, column in self.columns.items()}
        baselines = np.empty(len(self.predictions))
        for output in np.unique(self.outputs).tolist():
            baselines[self.outputs == output] = self.answer(usual, np.array([output]))[0]
        found = Found(
            method=Method.GRADIENTS,
            samples=STEPS,
            seed=None,
            contributions=Contributions(amounts=amounts, errors=None, baselines=baselines),
            baseline=f"the means of {self.baseline.label}",
        )
        return found, _too_far(amounts, self.predictions - baselines)

    def _gradient(self, columns: Columns, outputs: Any) -> Mapping[str, Any]:
        """Return the gradients of what is explained, in parts that the process takes at a time."""
        import numpy as np

        from mlmagic.serving.prediction import row_parts
        from mlmagic.serving.rows import Rows

        found = {name: np.zeros(columns[name].shape) for name in {player.input for player in self.players}}
        for output in np.unique(outputs).tolist():
            which = np.flatnonzero(outputs == output)
            rows = Rows(columns={name: column[which] for name, column in columns.items()}, count=len(which))
            start, place = 0, output if self.target.is_vector else None
            for part, count in row_parts(rows, self.signature):
                slopes = self.predictor.gradients(part, self.target.tensor, place)
                for name, into in found.items():
                    into[which[start : start + count]] = slopes[name][:count]
                start += count
        return found

    def _inputs(self) -> list[TensorSpec]:
        wanted = {player.input for player in self.players}
        return [spec for spec in self.signature.inputs if spec.name in wanted]


def find_players(version: ModelVersion, signature: Signature, columns: Columns, instances: Any) -> tuple[Player, ...]:
    """Return the features: all inputs but those that the model only hands on, and of vectors each place.

    Raises:
        UsageError: an input has a table or a picture for each row.
    """
    from mlmagic.explanation.players import Player
    from mlmagic.serving.frame_columns import handed_on_inputs

    handed_on = handed_on_inputs(signature)
    found: list[Player] = []
    for spec in signature.inputs:
        column = columns[spec.name]
        if spec.name in handed_on:
            continue
        if column.ndim > 2:
            raise UsageError(
                f"{version} takes {spec.name} with {column.ndim - 1} dimensions for each row: "
                "features are explained that are single values, or those of a vector."
            )
        if column.ndim == 2 and column.shape[1] != 1:
            names = _vector_names(spec.name, column.shape[1], instances)
            found += [Player(name=name, input=spec.name, place=at) for at, name in enumerate(names)]
        else:
            found.append(Player(name=spec.name, input=spec.name))
    if not found:
        raise UsageError(f"{version} has no features.")
    return tuple(found)


def _vector_names(name: str, width: int, instances: Any) -> Sequence[str]:
    """Return the names of a DataFrame's columns where those are the vector."""
    columns = [str(each) for each in getattr(instances, "columns", ())]
    return columns if len(columns) == width and name not in columns else [f"{name}[{at}]" for at in range(width)]


def _ask(predictor: Predictor, signature: Signature, columns: Columns, count: int) -> dict[str, Any]:
    from mlmagic.serving.prediction import predict_rows
    from mlmagic.serving.rows import Rows

    return predict_rows(predictor, Rows(columns=columns, count=count), signature)


def _too_far(amounts: Floats, wanted: Floats) -> str:
    """Return why gradients do not explain the predictions: what they miss, as a part of all that is to be explained."""
    import numpy as np

    missed = np.abs(amounts.sum(axis=1) - wanted).sum()
    all_of_it = np.abs(wanted).sum()
    if missed <= _LARGEST_GAP * all_of_it or missed < 1e-6:
        return ""
    return f"they do not add up to its predictions, {missed / max(all_of_it, 1e-300):.0%} is missing"
