"""Numbers of features that a study tunes: which flags there are for them, and what cannot be tuned."""

from __future__ import annotations

from typing import Any

import pytest
from support.rides import COLUMNS, rides, statistics_of

from mlmagic.api.search_space import read_space
from mlmagic.errors import UsageError
from mlmagic.source.feature_tuning import tuned_features
from mlmagic.source.features import FeatureFiles, features_module
from mlmagic.spec.dataset import DatasetSchema
from mlmagic.spec.feature_declaration import declaration, read_features
from mlmagic.spec.features import Tunable
from mlmagic.spec.package import Flag
from mlmagic.spec.study import Parameter

KNOWN = statistics_of(rides(400))
DECLARED: dict[str, Any] = {
    "miles": {"type": "bucketized", "buckets": 16},
    "edges": {"type": "bucketized", "column": "miles", "boundaries": [1, 2]},
    "shared": {"type": "bucketized", "column": "miles", "buckets": "nbuckets=8"},
    "passengers": "numeric",
    "company": {"type": "categorical", "vocabulary": 30, "embedding": 4},
    "payment": {"type": "categorical", "values": ["Cash", "Card"]},
    "review": "text",
    "both": {"type": "crossed", "of": ["miles", "company"], "buckets": 50},
    "pickup": "time",
}


def tuned(space: str | list[Parameter], declared: dict[str, Any] | None = None, known: Any = KNOWN) -> Any:
    features = read_features(declared or DECLARED, COLUMNS, target="fare", key="key")
    return tuned_features(features, read_space(space), known)


def files_of(space: str) -> FeatureFiles:
    return features_module(DatasetSchema(columns=COLUMNS, key="key"), KNOWN, tuned(space), "fare")


def test_a_parameter_of_a_feature_is_a_flag_with_the_declared_number() -> None:
    made = files_of("lr=0.1..0.2,miles.buckets=4..64,company.vocabulary=5;10;30,both.buckets=10..100")
    flags = {flag.option: flag for flag in made.flags}
    assert flags["--miles.buckets"] == Flag(
        name="miles_buckets", option="--miles.buckets", type="int", default=16, help="of miles"
    )
    assert [flags[option].default for option in ("--company.vocabulary", "--both.buckets", "--nbuckets")] == [30, 50, 8]
    program = made.files["trainer/features.py"].decode()
    assert 'boundaries=quantile_boundaries(known["miles"]["quantiles"], miles_buckets)' in program
    assert 'vocabulary=known["company"]["values"][:company_vocabulary]' in program


@pytest.mark.parametrize(
    ("parameter", "option", "default"),
    [
        ("company.embedding=2..8", "embedding", 4),
        ("review.vocabulary=10..20", "vocabulary", 1000),
        ("review.length=8;16", "length", 64),
    ],
)
def test_all_numbers_that_may_be_flags_can_be_tuned(parameter: str, option: str, default: int) -> None:
    name = parameter.partition(".")[0]
    feature = next(feature for feature in tuned(parameter) if feature.name == name)
    assert getattr(feature, option) == Tunable(flag=f"{name}_{option}", default=default, option=f"--{name}.{option}")


def test_other_parameters_and_features_stay() -> None:
    features = tuned("units=1..8,payment=a|b,miles.buckets=4..64")
    assert declaration(features) | {"miles": None} == declaration(tuned("units=1..8")) | {"miles": None}
    assert [feature.name for feature in features] == list(DECLARED)


def test_flags_have_different_names_that_python_takes() -> None:
    declared = {name: {"type": "bucketized", "column": "miles"} for name in ("a-b", "a.b")}
    declared["other"] = {"type": "bucketized", "column": "miles", "buckets": "a_b_buckets=3"}
    features = tuned("a-b.buckets=2..9,a.b.buckets=2..9", declared)
    assert [feature.buckets.flag for feature in features] == ["a_b_buckets_", "a_b_buckets__", "a_b_buckets"]


@pytest.mark.parametrize(
    ("space", "told"),
    [
        ("mile.buckets=2..9", "there is no feature 'mile'. Did you mean miles?"),
        ("night.buckets=2..9", "there is no feature 'night'."),
        ("miles.bucket=2..9", "bucketized has buckets and embedding to tune, not 'bucket'"),
        ("pickup.parts=2..9", "time has nothing to tune, not 'parts'"),
        (
            "passengers.buckets=2..9",
            "passengers is numeric, which has no buckets: declare a bucketized feature of its column",
        ),
        (
            "miles.vocabulary=2..9",
            "miles is bucketized, which has no vocabulary: declare a categorical feature of its column",
        ),
        ("company.length=2..9", "company is categorical, which has no length: only text has one"),
        (
            "pickup.embedding=2..9",
            "pickup is time, which has no embedding: features of numbers and times have none",
        ),
        ("edges.buckets=2..9", "its boundaries are declared one by one: declare `buckets` in their place"),
        ("payment.vocabulary=2..9", "its values are declared one by one: declare `vocabulary` in their place"),
        ("shared.buckets=2..9", "it is the flag --nbuckets already: tune nbuckets"),
        ("miles.embedding=2..9", "it is declared without one: `embedding: 8` lets its size be tuned"),
        ("miles.buckets=2.0..9.0", "buckets is a whole number: LOW..HIGH, or some with ; between"),
        ("miles.buckets=2.5;9", "buckets is a whole number: LOW..HIGH, or some with ; between"),
        ("miles.buckets=few|many", "buckets is a whole number: LOW..HIGH, or some with ; between"),
        ("miles.buckets=1..9", "buckets is a whole number from 2 to 1,000,000, not 1"),
        ("company.vocabulary=0..9", "vocabulary is a whole number from 1 to 1,000,000, not 0"),
        ("review.length=8;20000", "length is a whole number from 1 to 10,000, not 20000"),
    ],
)
def test_what_cannot_be_tuned_is_told(space: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        tuned(space)
    assert caught.value.problems == (f"{space.partition('=')[0]}: {told}",)
    assert caught.value.message == "features cannot be tuned so:"


def test_a_column_is_told_with_the_features_that_are_made_of_it() -> None:
    declared = {"distance": {"type": "bucketized", "column": "miles"}, "far": {"type": "numeric", "column": "miles"}}
    with pytest.raises(UsageError) as caught:
        tuned("miles.buckets=2..9,distance.bucket=2..3", declared)
    assert str(caught.value) == (
        "features cannot be tuned so:\n"
        "  - miles.buckets: there is no feature 'miles'; made of that column: distance.buckets, far.buckets\n"
        "  - distance.bucket: bucketized has buckets and embedding to tune, not 'bucket'\n"
        "FEATURE.OPTION=LOW..HIGH tunes a number of a feature, without preprocessing again: buckets, vocabulary, "
        "length or embedding, such as fare.buckets=4..64 or company.vocabulary=10;100;1000."
    )


def test_a_vocabulary_is_no_longer_than_what_the_dataset_lists() -> None:
    texts = [f"company {number}" for number in [*range(12_000), *range(100)] * 2]
    known = statistics_of({"key": texts, "company": texts, "miles": [1.0] * len(texts)})
    listed = known.column("company").vocabulary
    assert not listed.is_complete
    count = len(listed.values)
    assert len(tuned(f"company.vocabulary=10..{count}", {"company": "categorical"}, known)) == 1
    with pytest.raises(UsageError) as caught:
        tuned(f"company.vocabulary=10..{count + 1}", {"company": "categorical"}, known)
    assert caught.value.problems == (
        f"company.vocabulary: the dataset lists {count:,} values of company, so there cannot be more",
    )
