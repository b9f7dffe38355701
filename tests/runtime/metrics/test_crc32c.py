"""Checksums are those of the standard, one by one and many at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mlmagic.runtime.crc32c import masked_crc32c, masked_crc32c_of_each


def test_the_check_value_of_the_standard() -> None:
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@settings(deadline=None, max_examples=30)
@given(first=st.binary(min_size=0, max_size=60), seed=st.randoms(use_true_random=False), varying=st.integers(0, 60))
def test_many_at_once_have_the_checksums_that_they_have_alone(first: bytes, seed: object, varying: int) -> None:
    records = [first] * 150
    for number in range(len(records)):
        changed = bytearray(first)
        for at in range(min(varying, len(first))):
            changed[at] = seed.randrange(256)
        records[number] = bytes(changed)
    assert masked_crc32c_of_each(records) == [masked_crc32c(record) for record in records]
