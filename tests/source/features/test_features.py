"""The modules that a package gets for its features."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from support.rides import COLUMNS, rides, statistics_of

from mlmagic.errors import UsageError
from mlmagic.source.feature_numbers import float32, number
from mlmagic.source.features import FeatureFiles, features_module
from mlmagic.spec.dataset import Column, ColumnType, DatasetSchema
from mlmagic.spec.feature_declaration import read_features
from mlmagic.spec.package import Flag

KNOWN = statistics_of(rides(400))
PROGRAM = '''\
"""How raw columns become what the model takes, as it is known from 400 rows of training data."""

from trainer.columns import Moment, Number, Text
from trainer.encoding import Features, read_statistics
from trainer.kinds import Bucketized, Categorical, Crossed, Numeric, Time, quantile_boundaries


def make_features(nbuckets=16, size=8):
    """Return features for one model; the arguments are flags of the program."""
    known = read_statistics()
    return Features(
        columns=[
            Text("key"),
            Number("miles", fill=1.5, low=0.5, high=4.0),
            Text("payment", has_missing=True),
            Moment("pickup", fill=1356998400000000),
        ],
        features=[
            Numeric("miles", offset=1.5, scale=1.0897248),
            Bucketized(
                "bucket",
                "miles",
                boundaries=quantile_boundaries(known["miles"]["quantiles"], nbuckets),
            ),
            Categorical("payment", vocabulary=["Cash", "Card"]),
            Crossed("both", of=["bucket", "payment"], buckets=1000, embedding=size),
            Time("pickup", parts=["month", "weekday", "hour"]),
        ],
        target="fare",
        key="key",
    )
'''


def files_of(declared: Mapping[str, Any], target: str = "fare", known: Any = KNOWN) -> FeatureFiles:
    features = read_features(declared, COLUMNS, target=target, key="key")
    return features_module(DatasetSchema(columns=COLUMNS, key="key"), known, features, target)


def program(declared: Mapping[str, Any], **options: Any) -> str:
    return files_of(declared, **options).files["trainer/features.py"].decode()


def test_a_program_that_reads_well() -> None:
    columns = {"miles": [0.5, 1.0, 2.0, 4.0, 0.5, 1.0, 2.0, 1.0] * 50, "fare": [1.0] * 400, "key": ["k"] * 400}
    columns |= {"payment": ["Cash", "Cash", "Card", None] * 100, "pickup": [1_356_998_400_000_000] * 400}
    declared = {"miles": "numeric", "bucket": {"type": "bucketized", "column": "miles", "buckets": "nbuckets=16"}}
    declared |= {"payment": "categorical", "pickup": "time"}
    declared |= {"both": {"type": "crossed", "of": ["bucket", "payment"], "embedding": "size=8"}}
    order = ("miles", "bucket", "payment", "both", "pickup")
    made = files_of({name: declared[name] for name in order}, known=statistics_of(columns))
    assert made.files["trainer/features.py"].decode() == PROGRAM
    assert made.flags == (
        Flag(name="nbuckets", option="--nbuckets", type="int", default=16, help="of bucket"),
        Flag(name="size", option="--size", type="int", default=8, help="of both"),
    )


def test_the_same_statistics_give_the_same_files() -> None:
    declared = {"miles": "numeric", "company": "categorical", "words": {"type": "text", "column": "review"}}
    assert files_of(declared).files == files_of(declared).files
    assert sorted(files_of(declared).files) == [
        f"trainer/{name}"
        for name in (
            "columns.py",
            "encoding.py",
            "export.py",
            "features.py",
            "kinds.py",
            "moments.py",
            "statistics.json",
        )
    ]


def test_long_tables_stand_beside_the_program() -> None:
    declared = {"company": {"type": "categorical", "vocabulary": 30}, "all": {"type": "hashed", "column": "company"}}
    declared |= {"most": {"type": "categorical", "column": "company", "vocabulary": "companies=5", "oov": 2}}
    made = files_of(declared)
    tables = json.loads(made.files["trainer/statistics.json"])
    assert 'Categorical("company", vocabulary=known["company"]["values"])' in made.files["trainer/features.py"].decode()
    assert 'vocabulary=known["most"]["values"][:companies], oov=2' in made.files["trainer/features.py"].decode()
    assert len(tables["company"]["values"]) == 30
    assert len(tables["most"]["values"]) == KNOWN.column("company").unique


def test_given_values_have_the_type_of_their_column() -> None:
    declared = {"passengers": {"type": "categorical", "values": [2, 1]}, "night": "categorical"}
    assert 'Categorical("passengers", vocabulary=[2, 1])' in program(declared)
    assert 'Categorical("night", vocabulary=[0, 1])' in program(declared)


def test_numbers_that_were_changed_are_scaled_as_such() -> None:
    declared = {"miles": {"type": "numeric", "log": True, "clip": [0.25, 0.75]}}
    declared |= {"unscaled": {"type": "numeric", "column": "miles", "scale": "none"}}
    declared |= {"part": {"type": "numeric", "column": "miles", "scale": "minMax"}}
    known = statistics_of({"miles": [float(mile) for mile in range(1, 402)], "fare": [1.0] * 401})
    text = program(declared, known=known)
    assert 'Numeric("miles", clip=(101.0, 301.0), log=True, offset=5.2' in text
    assert 'Numeric("unscaled", "miles")' in text
    assert 'Numeric("part", "miles", offset=1.0, scale=400.0)' in text


def test_classes_of_a_target_of_text() -> None:
    assert 'labels=["Cash", "Credit Card", "ünknown"],' in program({"miles": "numeric"}, target="payment")
    assert "labels" not in program({"miles": "numeric"}, target="night")
    assert 'labels=known["company"]["labels"],' in program({"miles": "numeric"}, target="company")


@pytest.mark.parametrize("target", ["pickup", "faar"])
def test_what_cannot_be_learned(target: str) -> None:
    with pytest.raises(UsageError) as raised:
        files_of({"miles": {"type": "bucketized", "buckets": "known=3"}}, target=target)
    names = ", ".join(column.name for column in COLUMNS)
    flag, learned = raised.value.problems
    assert flag == "--known cannot be called so: choose another name"
    assert (
        learned
        == {
            "pickup": "the target pickup is a timestamp; a model learns numbers, text or booleans",
            "faar": f"there is no column 'faar' to learn; the dataset has {names}",
        }[target]
    )


def test_what_the_dataset_does_not_list() -> None:
    numbers = list(range(10_000))
    columns = {"key": ["k"] * 10_000, "passengers": numbers, "review": [f"good {number}" for number in numbers]}
    known = statistics_of(columns, tokens=())
    declared = {"passengers": "categorical", "few": {"type": "categorical", "column": "passengers", "values": [1, 2]}}
    with pytest.raises(UsageError, match="there can be no model of these features") as raised:
        files_of({**declared, "review": "text"}, known=known)
    listed, counted = raised.value.problems
    assert re.fullmatch(
        r"passengers: the dataset lists none of the [\d,]+ different values of passengers; "
        r"name the `values`, or use hashed",
        listed,
    )
    assert counted == (
        "review: the words of review were not counted when the dataset was made; declare `review: text` in %%preprocess"
    )


def test_a_target_with_too_many_classes() -> None:
    columns = {"key": ["k"] * 10_001, "miles": [1.0] * 10_001, "payment": [f"paid {i}" for i in range(10_001)]}
    with pytest.raises(
        UsageError, match=r"the target payment has [\d,]+ different texts, which is no number of classes"
    ):
        files_of({"miles": "numeric"}, target="payment", known=statistics_of(columns))


def test_names_of_any_kind_and_many_flags() -> None:
    columns = [Column(name=name, type=ColumnType.FLOAT) for name in ("it's", 'a "b"', "ü\n", "a/b\\")]
    declared = {
        f"{column.name} {i}": {"type": "bucketized", "column": column.name, "buckets": f"buckets_of_number_{i}=9"}
        for i, column in enumerate(columns * 3)
    }
    features = read_features(declared, columns)
    made = features_module(DatasetSchema(columns=tuple(columns)), KNOWN, features, columns[0].name)
    text = made.files["trainer/features.py"].decode()
    tree = ast.parse(text)
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert strings >= {column.name for column in columns}
    assert max(map(len, text.splitlines())) <= 100
    assert len(made.flags) == 12


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (3.0, "3.0"),
        (-73.98765432109, "-73.987656"),
        (1e300, "3.40282347e+38"),
        (1e9, "1e+09"),
        (1e-50, "0.0"),
    ],
)
def test_numbers_are_as_short_as_a_float32_is(value: float, text: str) -> None:
    assert number(value) == text
    assert float32(float(number(value))) == float32(value)
