"""Explanations by real models whose contributions are known, in their processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.dataset_tables import rides, statistics_of
from support.explained_models import SIGNATURES, explained_models

from mlmagic.api.explanation import Explanation, explain
from mlmagic.errors import PredictionError, UsageError
from mlmagic.serving.pool import PredictorPool
from mlmagic.session import Session
from mlmagic.spec import codec
from mlmagic.spec.explanation import Method
from mlmagic.spec.model import ModelOrigin
from mlmagic.spec.statistics import DatasetStatistics, RowCounts

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
TRIPS = pd.DataFrame({"miles": [1.0, 4.5, 9.0], "hours": [0.5, 2.0, 0.1]}, index=["a", "b", "c"])
MIXED = pd.DataFrame(
    {"miles": [3.0, np.nan], "passengers": [1, 4], "payment": ["cash", "card"], "shared": [False, True]}
)


def training_rows() -> pa.Table:
    table = rides(4000)
    return table.append_column("hours", pa.array(np.random.default_rng(5).gamma(2.0, 0.5, table.num_rows)))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    frame = training_rows().to_pandas()
    assert isinstance(frame, pd.DataFrame)
    return frame


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session with the models, all but `bare` with the statistics of the training rows."""
    artifacts, start = explained_models(tmp_path_factory), tmp_path_factory.mktemp("explanation")
    session = Session(environ={"MLMAGIC_BACKEND": "memory"}, start=start)
    session._predictors = PredictorPool(session.workspace, limit=len(SIGNATURES) + 1)
    counts = RowCounts(read=4000, written=4000)
    known = DatasetStatistics(splits={"train": statistics_of(training_rows())}, rows=counts)
    for name, signature in [*SIGNATURES.items(), ("bare", SIGNATURES["linear"])]:
        statistics = None if name in {"bare", "vector"} else codec.dumps(known).encode()
        is_keras = name == "vector"
        artifact = _copied(artifacts, "linear" if name == "bare" else name, start / f"artifact-{name}")
        origin = ModelOrigin(
            artifact="keras" if is_keras else "savedmodel", artifact_path="vector.keras" if is_keras else "."
        )
        session.models.register(name, artifact, origin=origin, signature=signature, now=NOW, statistics=statistics)
    yield session
    session.close()


def _copied(artifacts: Path, name: str, into: Path) -> Path:
    if name != "vector":
        return Path(shutil.copytree(artifacts / name, into))
    into.mkdir()
    shutil.copy(artifacts / "vector.keras", into)
    return into


def check_sum(found: Explanation, *, rel: float = 1e-4) -> None:
    """What a row's features moved is all that its prediction is away from the usual one."""
    expected = found.predictions - found.baselines
    np.testing.assert_allclose(found.contributions.sum(axis=1), expected, rtol=rel, atol=1e-4)


def test_shapley_values_of_a_linear_model_are_weight_times_distance_from_the_mean(
    session: Session, table: pd.DataFrame
) -> None:
    found = explain("linear", TRIPS, method="shapley", session=session)
    assert found.report.method is Method.SHAPLEY
    assert list(found.contributions.columns) == ["miles", "hours"]
    assert found.errors is not None
    for name, weight in {"miles": 2.0, "hours": -3.0}.items():
        away = found.contributions[name] - weight * (TRIPS[name] - table[name].mean())
        assert (away.abs() < 3 * found.errors[name]).all()
        assert (away.abs() < 0.25).all()
    check_sum(found)


def test_gradients_of_a_linear_model_are_exact(session: Session, table: pd.DataFrame) -> None:
    found = explain("linear", TRIPS, session=session)
    assert (found.report.method, found.errors) == (Method.GRADIENTS, None)
    assert found.report.baseline == "the means of the training statistics of linear@1"
    np.testing.assert_allclose(found.contributions["miles"], 2.0 * (TRIPS["miles"] - table["miles"].mean()), rtol=1e-4)
    np.testing.assert_allclose(found.contributions["hours"], -3.0 * (TRIPS["hours"] - table["hours"].mean()), rtol=1e-4)
    assert list(found.contributions.index) == ["a", "b", "c"]
    check_sum(found)


def test_rows_that_are_given_are_the_baseline(session: Session, tmp_path: Path) -> None:
    usual = pd.DataFrame({"miles": [2.0, 4.0], "hours": [1.0, 1.0]})
    usual.to_csv(tmp_path / "usual.csv", index=False)
    found = explain("linear", TRIPS, baseline=str(tmp_path / "usual.csv"), method="shapley", session=session)
    np.testing.assert_allclose(found.contributions["miles"], 2.0 * (TRIPS["miles"] - 3.0), rtol=1e-4)
    np.testing.assert_allclose(found.baselines, 1.0 + 2.0 * 3.0 - 3.0, rtol=1e-5)
    assert found.report.baseline == f"64 draws from {tmp_path / 'usual.csv'}, 2 rows"
    same = explain("linear", TRIPS, baseline=usual, session=session)
    np.testing.assert_allclose(same.contributions, found.contributions, rtol=1e-3, atol=1e-3)


def test_what_two_features_do_together_is_shared_by_both(session: Session) -> None:
    one = pd.DataFrame({"miles": [0.0], "hours": [0.0]})
    rows = pd.DataFrame({"miles": [4.0], "hours": [3.0]})
    for method in ("shapley", "gradients"):
        found = explain("several", rows, baseline=one, output="product", method=method, session=session)
        np.testing.assert_allclose(found.contributions.to_numpy(), [[6.0, 6.0]], rtol=1e-4)
    check_sum(found)


def test_features_of_all_kinds_with_missing_values(session: Session, table: pd.DataFrame) -> None:
    found = explain("mixed", MIXED, permutations=256, session=session)
    assert found.report.method is Method.SHAPLEY
    usual = table["miles"].fillna(10.0).mean()
    expected = {
        "miles": [3.0 - usual, 10.0 - usual],
        "passengers": 2.0 * (MIXED["passengers"] - table["passengers"].mean()),
        "payment": 5.0 * (np.array([1, 0]) - (table["payment"] == "cash").mean()),
        "shared": -4.0 * (MIXED["shared"] - table["shared"].mean()),
    }
    for name, amounts in expected.items():
        np.testing.assert_allclose(found.contributions[name], amounts, atol=0.15, err_msg=name)
    check_sum(found)
    assert [each.value for each in found.report.shown[1].contributions if each.feature == "miles"] == ["missing"]


def test_a_seed_gives_the_same_numbers(session: Session) -> None:
    first, again, other = (explain("mixed", MIXED, seed=seed, session=session).contributions for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first, other)


def test_gradients_that_do_not_add_up_give_way(session: Session) -> None:
    found = explain("several", TRIPS, output="steps", session=session)
    assert found.report.method is Method.SHAPLEY
    assert any(note.startswith("Gradients were not used: they do not add up") for note in found.report.notes)
    check_sum(found)


def test_which_of_several_outputs_is_explained(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        explain("several", TRIPS, session=session)
    assert str(caught.value) == (
        "several@1 returns several numbers: product, steps, class.\nSay which of them to explain: --output-name product"
    )
    found = explain("several", TRIPS, output="class_long", session=session)
    np.testing.assert_allclose(found.predictions, TRIPS["hours"], rtol=1e-5)
    assert found.report.output == "class_long"
    with pytest.raises(UsageError, match=r"several@1 has no number called 'class_lng'. Did you mean class_long"):
        explain("several", TRIPS, output="class_lng", session=session)


def test_of_classes_the_most_likely_one_of_each_row(session: Session) -> None:
    rows = pd.DataFrame({"miles": [9.0, 1.0], "hours": [1.0, 5.0]})
    for method in ("shapley", "gradients"):
        found = explain("several", rows, output="class", method=method, session=session)
        assert [row.output for row in found.report.shown] == ["class_near", "class_long"]
        assert found.contributions.loc[0, "hours"] == found.contributions.loc[1, "miles"] == 0
        check_sum(found)


@pytest.mark.slow
def test_a_vector_has_a_feature_for_each_column(session: Session) -> None:
    rows = pd.DataFrame({"red": [1.0], "green": [2.0], "blue": [4.0]})
    for method in ("shapley", "gradients"):
        found = explain("vector", rows, baseline=rows * 0, method=method, session=session)
        assert found.contributions.to_dict("records") == [pytest.approx({"red": 1.0, "green": 2.0, "blue": 4.0})]
    assert explain("vector", [[1.0, 2.0, 4.0]], baseline=[[0.0] * 3], session=session).report.output == "prediction"


@pytest.mark.parametrize(
    ("model", "options", "told"),
    [
        (
            "bare",
            {},
            ("bare@1 has no statistics of its training rows, so nothing is known of what is usual.\n"
            "Give rows that are usual: --baseline FILE, or --baseline $df. "
            "A model that is trained with --data DATASET keeps its statistics."),
        ),
        (
            "linear",
            {"method": "lime", "permutations": 3, "seed": -1},
            ("nothing can be explained so:\n  - method is one of auto, shapley, gradients, not 'lime'\n"
            "  - permutations is an even number from 4 to 10,000, not 3\n  - seed is a whole number from 0, not -1"),
        ),
        (
            "linear",
            {"baseline": TRIPS.head(0)},
            "the baseline, the rows given as its baseline, has no rows.\nGive one at least.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_is_told(session: Session, model: str, options: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(model, TRIPS, session=session, **options)  # type: ignore[arg-type]
    assert str(caught.value) == told


def test_gradients_of_what_is_no_number_are_refused(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        explain("mixed", MIXED, method="gradients", session=session)
    assert str(caught.value) == (
        "mixed@1 cannot be explained by gradients: passengers, payment, shared take no numbers with a fraction.\n"
        "Use --explain shapley."
    )
    with pytest.raises(PredictionError, match="column 'hours' is missing"):
        explain("linear", TRIPS[["miles"]], session=session)


def test_too_many_rows_are_refused(session: Session) -> None:
    many = pd.DataFrame({"miles": np.ones(6_000), "hours": 1.0})
    with pytest.raises(UsageError, match=r"6,000 rows of 2 features ask the model 60,000,000 times") as caught:
        explain("linear", many, method="shapley", permutations=10_000, session=session)
    assert caught.value.hint == "Explain fewer rows: data.sample(100), or with fewer --permutations."


def test_an_explanation_is_frozen_and_shows_itself(session: Session) -> None:
    found = explain("linear", TRIPS, session=session)
    assert repr(found) == "<Explanation of linear@1 for 3 rows by gradients>"
    assert str(found).splitlines()[0].split() == ["Why", "linear@1", "predicts", "so", "3", "rows"]
    with pytest.raises(FrozenInstanceError):
        found.report = None  # type: ignore[misc, assignment]
