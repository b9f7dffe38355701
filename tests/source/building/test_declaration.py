"""Declarations of features: told from programs, read from YAML and JSON, checked."""

from __future__ import annotations

import numpy as np
import pytest

from mlmagic.errors import UsageError
from mlmagic.source.declaration import check_declaration, is_declaration, parse_declaration


@pytest.mark.parametrize(
    "body",
    [
        "fare: numeric",
        "features:\n  fare: numeric\n  pay: {type: categorical}\n",
        "# what models see\nfeatures:\n  fare: numeric",
        '{"features": {"fare": "numeric"}}',
        "{fare: numeric, pay: categorical}",
        "trip miles: numeric",
        "'fare': numeric",
        "return: numeric",
        "fare:\n  type: numeric\n  clip: [0.01, 0.99]\n",
    ],
)
def test_what_is_a_declaration(body: str) -> None:
    assert is_declaration(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "# nothing\n",
        "def clean(batch):\n    retrn batch",
        "features = {'fare': 'numeric'}",
        "features: dict = {}",
        "import pandas as pd\nfares: pd.Series = None",
        "def clean(batch)\n    return batch",
        "x = 1\ny: int",
        "@cached\ndef clean(batch: x):\n  :",
        "for row in rows: pass\n  x",
        "print(1",
    ],
)
def test_what_is_a_program(body: str) -> None:
    assert not is_declaration(body)


def test_features_may_stand_below_their_word() -> None:
    assert check_declaration(parse_declaration("features:\n  fare: numeric", "Cell [3]")) == {
        "features": {"fare": "numeric"}
    }
    assert check_declaration(parse_declaration('{"fare": {"type": "numeric"}}', "f.json")) == {
        "fare": {"type": "numeric"}
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fare: numeric\nfare: text", "Cell [3], line 5: not YAML: 'fare' stands there twice."),
        ("fare: [numeric", "Cell [3], line 4: not YAML: expected ',' or ']'"),
        ("- fare", "Cell [3] declares no features: it holds ['fare'].\nFor example:\n  fare: numeric"),
        ("features: {a: text}\ntarget: fare", "Cell [3] declares features, and says 'target' beside them.\nWhatever"),
    ],
)
def test_texts_that_declare_nothing(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_declaration(text, "Cell [3]", first_line=4)
    assert str(caught.value).startswith(message)


BOMB = "a0: &a0 [numeric]\n" + "".join(f"a{n}: &a{n} [{', '.join(9 * [f'*a{n - 1}'])}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "Cell [3]: not YAML: by its aliases, it grows beyond 1,000,000 values."),
        ("a: " + 2_000 * "[", "Cell [3]: not YAML: it is nested too deeply."),
        ("a: 2013-99-99", "Cell [3]: not YAML: month must be in 1..12."),
        (f"a: {5000 * '9'}", "Cell [3]: not YAML: Exceeds the limit (4300 digits)"),
        ("a: !!python/name:os.system", "Cell [3], line 1: not YAML: could not determine a constructor"),
    ],
)
def test_texts_that_are_no_declaration_at_any_size(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_declaration(text, "Cell [3]")
    assert str(caught.value).startswith(message)


def test_features_may_share_options() -> None:
    text = "a: &shared {type: numeric, log: true}\nb: {<<: *shared, log: false}\nc: *shared"
    assert parse_declaration(text, "Cell [3]") == {
        "a": {"type": "numeric", "log": True},
        "b": {"type": "numeric", "log": False},
        "c": {"type": "numeric", "log": True},
    }


def test_numbers_of_numpy_are_numbers() -> None:
    given = {
        "fare": {"type": "bucketized", "boundaries": np.array([1.0, 2.0])},
        "pay": {"hashed": {"buckets": np.int64(9)}},
    }
    assert check_declaration(given)["fare"] == {"type": "bucketized", "boundaries": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fare": object()}, "features are declared by text and numbers: <object object at"),
        ({"fare": {"clip": [float("nan"), 1]}}, "features are declared by text and numbers: Out of range"),
        ({False: "numeric"}, "names of features are text:\n  - False"),
        ({"fare": "numeric"}, "the features cannot be used as they are declared:\n  - fare: fare is the target"),
        ({"id": "hashed"}, "the features cannot be used as they are declared:\n  - id: id is the key"),
        ([1], "features are declared by a mapping from their names, not by list [1]."),
    ],
)
def test_declarations_that_cannot_be_used(given: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_declaration(given, target="fare", key="id")
    assert str(caught.value).startswith(message)
