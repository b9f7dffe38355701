"""Hashes that splits rely on for ever: pinned values, and the same ones whatever Arrow's form of a value."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.statistics.hashing import hash_array, hash_rows, unit_interval

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15

# Datasets have been split with these: a change here is a mistake in the code.
TEXTS = [
    5197578548964807871,
    2185829743027908093,
    5656382455704513723,
    11221545536153797325,
    8505895088908474965,
    6364136223846793005,
    4621117203576589989,
]
INTEGERS = [16294208416658607535, 10451216379200822465, 16490336266968443936, 3055647633038352039, 6364136223846793005]
FLOATS = [16294208416658607535, 15481881892811333770, 2638638862653029785, 6364136223846793005]
MOMENT = 15067525508302927311
ROWS = [8828418174994515220, 5077731852006531993]
UNITS = [0.18824153709715818, 0.21149284048794903]


def _mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def _text_hash(data: bytes) -> int:
    """The definition, a word at a time."""
    total = _mix((len(data) + 1) * GOLDEN & MASK)
    for place in range(-(-len(data) // 8)):
        word = int.from_bytes(data[8 * place : 8 * place + 8], "little")
        total += _mix(word + _mix((place + 1) * GOLDEN & MASK) & MASK)
    return _mix(total & MASK)


def test_hashes_of_texts_never_change() -> None:
    hashes = hash_array(pa.array(["", "a", "Cash", "Credit Card", "né à Łódź", None, "x" * 100]))
    assert hashes.tolist() == TEXTS


def test_hashes_of_other_values_never_change() -> None:
    moments = pa.array([0, 1_385_856_000_000_000], pa.timestamp("us"))
    assert hash_array(pa.array([0, 1, -1, 2**63 - 1, None])).tolist() == INTEGERS
    assert hash_array(pa.array([0.0, 1.5, float("inf"), None])).tolist() == FLOATS
    assert hash_array(pa.array([False, True])).tolist() == INTEGERS[:2]
    assert hash_array(moments).tolist() == [INTEGERS[0], MOMENT]


def test_a_column_that_becomes_one_of_floats_keeps_its_hashes() -> None:
    whole = [0, 1, -1, 2**40, -(2**53), None]
    floats = pa.array([None if value is None else float(value) for value in whole])
    assert hash_array(floats).tolist() == hash_array(pa.array(whole)).tolist()
    assert hash_array(pa.array([-0.0, 1e300, 2.0**63])).tolist()[0] == INTEGERS[0]


def test_hashes_of_rows_never_change() -> None:
    batch = pa.record_batch({"a": [1, 2], "b": ["x", None], "c": [0.5, float("nan")]})
    assert hash_rows(batch).tolist() == ROWS
    assert unit_interval(hash_rows(batch)).tolist() == UNITS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12) | st.text("ab", min_size=60, max_size=200), max_size=30), st.integers(0, 5))
def test_a_text_hashes_as_defined_in_whatever_form(texts: list[str], skipped: int) -> None:
    plain = pa.array(texts, pa.string())
    expected = [_text_hash(text.encode()) for text in texts]
    for form in (plain, plain.cast(pa.large_string()), plain.cast(pa.string_view()), plain.dictionary_encode()):
        assert hash_array(form).tolist() == expected
        assert hash_array(form[skipped:]).tolist() == expected[skipped:]


def test_missing_values_hash_alike_in_whatever_form() -> None:
    texts = pa.array(["a", None, "b"])
    missing = hash_array(pa.nulls(1))[0]
    for values in (texts, texts.dictionary_encode(), pa.array([1, None]), pa.array([1.0, float("nan")])):
        assert hash_array(values)[1] == missing
    odd = pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", None]))
    assert hash_array(odd).tolist() == hash_array(texts[:2]).tolist()


def test_what_is_written_where_a_value_is_missing_has_no_effect() -> None:
    text = pa.array(["abc", "hidden", "d"])
    valid = pa.array([True, False, True]).buffers()[1]
    hidden = pa.StringArray.from_buffers(3, text.buffers()[1], text.buffers()[2], valid, 1)
    assert hash_array(hidden).tolist() == hash_array(pa.array(["abc", None, "d"])).tolist()


def test_equal_numbers_of_a_kind_hash_alike() -> None:
    assert len(set(hash_array(pa.array([0.0, -0.0])).tolist())) == 1
    assert hash_array(pa.array([7], pa.int8())) == hash_array(pa.array([7]))
    assert hash_array(pa.array([1.5], pa.float32())) == hash_array(pa.array([1.5]))
    seconds, micros = pa.array([60], pa.timestamp("s")), pa.array([60_000_000], pa.timestamp("us", "UTC"))
    assert hash_array(seconds) == hash_array(micros)


def test_rows_hash_alike_in_whatever_order_the_columns_stand() -> None:
    batch = pa.record_batch({"a": [1, 2], "b": ["x", "y"]})
    turned = batch.select(["b", "a"])
    assert hash_rows(turned).tolist() == hash_rows(batch).tolist()
    assert hash_rows(batch, ["a"]).tolist() == hash_rows(batch.select(["a"])).tolist()
    assert hash_rows(batch, ["a"]).tolist() != hash_rows(batch).tolist()


def test_columns_with_each_others_values_make_another_row() -> None:
    batch = pa.record_batch({"a": [1, 2], "b": [2, 1]})
    assert len(set(hash_rows(batch).tolist())) == 2


@pytest.mark.parametrize(
    "values",
    [
        pa.array(range(200_000)),
        pa.array(np.arange(200_000) / 100),
        pa.array([f"2013-{number}" for number in range(200_000)]),
        pa.array([f"{number:040x}"[::-1] for number in range(200_000)]),
    ],
    ids=["integers", "cents", "texts", "long texts"],
)
def test_similar_values_spread_evenly_and_never_meet(values: pa.Array) -> None:
    hashes = hash_array(values)
    shares = np.bincount((unit_interval(hashes) * 20).astype(int), minlength=20) / len(values)
    assert len(np.unique(hashes)) == len(values)
    assert np.abs(shares - 0.05).max() < 0.0025
    assert np.abs(np.corrcoef(unit_interval(hashes)[:-1], unit_interval(hashes)[1:])[0, 1]) < 0.01


def test_nothing_hashes_to_nothing() -> None:
    assert hash_array(pa.array([], pa.string())).tolist() == []
    assert hash_rows(pa.record_batch({"a": pa.array([], pa.float64())})).tolist() == []
    assert hash_array(pa.array([], pa.string()).dictionary_encode()).tolist() == []
