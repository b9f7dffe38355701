"""Declarations of features: what may be written, what is made of it, and what is said of what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.errors import UsageError
from mlmagic.spec.dataset import Column, ColumnType
from mlmagic.spec.feature_declaration import declaration, read_features
from mlmagic.spec.features import FeatureKind, Scale, Tunable

TYPES = {"miles": "float", "lon": "float", "count": "integer", "night": "boolean", "payment": "string"}
TYPES |= {"review": "string", "pickup": "timestamp", "day": "date", "fare": "float", "key": "string"}
COLUMNS = [Column(name=name, type=ColumnType(kind)) for name, kind in TYPES.items()]


def read(declared: object) -> Any:
    return read_features(declared, COLUMNS, target="fare", key="key")


def only(**declared: object) -> Any:
    (feature,) = read(declared)
    return feature


def problems(declared: object) -> list[str]:
    with pytest.raises(UsageError) as raised:
        read(declared)
    return list(raised.value.problems)


@pytest.mark.parametrize("written", ["numeric", {"type": "numeric"}, {"numeric": {}}, {"numeric": None}, "number"])
def test_forms_of_a_feature(written: object) -> None:
    feature = only(miles=written)
    assert (feature.kind, feature.columns, feature.scale) == (FeatureKind.NUMERIC, ("miles",), Scale.STANDARD)
    assert read({"features": {"miles": written}}) == (feature,)


def test_a_number_may_be_a_flag() -> None:
    assert only(lon={"bucketized": {"buckets": "n-buckets=8"}}).buckets == Tunable(flag="n_buckets", default=8)
    assert declaration([only(lon={"bucketized": {"buckets": "nbuckets = 8"}})]) == {
        "lon": {"type": "bucketized", "buckets": "nbuckets=8"}
    }


def test_defaults_are_written_down() -> None:
    features = read({"payment": "categorical", "review": "text", "pickup": "time", "day": "time", "count": "hashed"})
    assert declaration(features) == {
        "payment": {"type": "categorical", "vocabulary": 1000, "oov": 1},
        "review": {"type": "text", "vocabulary": 1000, "length": 64},
        "pickup": {"type": "time", "parts": ["month", "weekday", "hour"]},
        "day": {"type": "time", "parts": ["month", "weekday"]},
        "count": {"type": "hashed", "buckets": 100},
    }


def test_other_tools_words_are_understood() -> None:
    assert only(miles="float").scale is Scale.NONE
    assert only(miles={"type": "float_discretized", "bin_boundaries": [1, 2]}).boundaries == (1.0, 2.0)
    assert only(payment={"type": "string_categorical", "num_oov_indices": 3, "vocabulary": ["a", "b"]}).values == (
        "a",
        "b",
    )
    assert only(pickup={"type": "time", "parts": "day_of_year"}).parts == ("dayOfYear",)
    assert only(miles={"type": "numeric", "scale": None}).scale is Scale.NONE


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert problems(
        {
            "fare": "numeric",
            "key": "hashed",
            "mile": "numeric",
            "miles": "nummeric",
            "payment": {"type": "bucketized", "bukets": 3},
            "lon": {"type": "bucketized", "buckets": 1, "boundaries": [2, 1]},
            "count": {},
            "review": 3,
        }
    ) == [
        "fare: fare is the target, and a model that sees it learns nothing else",
        "key: key is the key, which names a row and tells nothing about it",
        "mile: there is no column 'mile'. Did you mean miles?",
        "miles: it has an unknown type 'nummeric'. Did you mean numeric?",
        "payment: bucketized has no option 'bukets'. Did you mean buckets or boundaries?",
        "lon: it has both buckets and boundaries: keep one of them",
        "lon: buckets is a whole number from 2 to 1,000,000, not 1",
        "lon: boundaries is a list of ascending numbers, not [2, 1]",
        "count: it has no `type`. Types are numeric, bucketized, categorical, hashed, crossed, text, time.",
        "review: expected a kind or a mapping with a `type`, got 3",
    ]


def test_kinds_that_do_not_fit_their_columns() -> None:
    advice = "make it whole numbers or text in `clean`, or use bucketized"
    assert problems({"miles": "categorical", "payment": "numeric", "pickup": "numeric"}) == [
        f"miles: categorical does not work for miles, which is float: {advice}",
        "payment: numeric does not work for payment, which is string: use categorical, hashed or text",
        "pickup: numeric does not work for pickup, which is timestamp: use time",
    ]
    assert problems({"day": {"type": "time", "parts": ["hour"]}}) == [
        "day: day is a date, so it has no hour; it has year, month, day, weekday, dayOfYear, seconds"
    ]
    assert problems({"count": {"type": "categorical", "values": ["1", "two"]}}) == [
        "count: values of count are whole numbers, not 'two'"
    ]


def test_crosses_take_what_has_ids() -> None:
    assert read({"x": {"type": "crossed", "of": ["payment", "review"]}})[0].columns == ("payment", "review")
    declared = {"miles": "numeric", "x": {"type": "crossed", "of": ["miles", "lon", "paymet", "count", "payment"]}}
    assert problems(declared) == [
        "x: miles is numeric; crosses take features that are bucketized, categorical or hashed",
        "x: lon is no feature, and only columns of text are crossed as they are: declare `lon: bucketized`",
        "x: there is no feature and no column 'paymet'. Did you mean payment?",
        "x: count is no feature, and only columns of text are crossed as they are: declare `count: categorical`",
    ]
    assert problems({"x": {"type": "crossed", "of": ["payment"]}, "y": "crossed"}) == [
        "x: `of` takes two or more different features, not payment",
        "y: `of` is missing: it lists the features that are crossed, such as [a, b]",
    ]


def test_a_flag_has_one_default() -> None:
    declared = {name: {"type": "bucketized", "buckets": f"n={size}"} for name, size in (("lon", 8), ("miles", 9))}
    assert problems(declared) == ["miles: n=9, but lon has n=8"]


@pytest.mark.parametrize("declared", [None, [], "numeric", ["miles"], {}, {1: "numeric"}, {"": "numeric"}])
def test_what_is_no_declaration(declared: object) -> None:
    with pytest.raises(UsageError, match=r"A feature is `name: kind`"):
        read(declared)


NUMBERS = st.integers(2, 99) | st.integers(2, 99).map(lambda number: f"flag{number}={number}")
FEATURES = st.one_of(
    st.builds(dict, type=st.just("numeric"), column=st.sampled_from(["miles", "count", "night"]), log=st.booleans()),
    st.builds(
        dict, type=st.just("numeric"), column=st.just("lon"), clip=st.just([0.1, 0.9]), scale=st.sampled_from(Scale)
    ),
    st.builds(dict, type=st.just("bucketized"), column=st.just("lon"), buckets=NUMBERS, embedding=NUMBERS),
    st.builds(dict, type=st.just("categorical"), column=st.just("payment"), vocabulary=NUMBERS, oov=st.integers(1, 9)),
    st.builds(
        dict,
        type=st.just("categorical"),
        column=st.just("count"),
        values=st.lists(st.integers(-9, 9), min_size=1, unique=True),
    ),
    st.builds(dict, type=st.just("text"), column=st.just("review"), length=NUMBERS),
    st.builds(dict, type=st.just("crossed"), of=st.just(["payment", "review"]), buckets=NUMBERS),
)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.text(min_size=1).filter(lambda name: name.strip() and name not in TYPES), FEATURES, min_size=1)
)
def test_the_normal_form_reads_as_the_same_features(declared: dict[str, object]) -> None:
    features = read(declared)
    assert read(declaration(features)) == features
    assert declaration(read(declaration(features))) == declaration(features)
