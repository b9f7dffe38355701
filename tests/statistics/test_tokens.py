"""Words as Keras takes them."""

import numpy as np
import pyarrow as pa

from mlmagic.statistics.tokens import tokens_of


def _words(*texts: str) -> list[str]:
    return tokens_of(pa.array(texts), None)[0].to_pylist()


def test_letters_are_lowered_and_punctuation_is_gone() -> None:
    assert _words("Great ride, GREAT driver!") == ["great", "ride", "great", "driver"]
    assert _words("It's a (very) well-known [cab] \\o/ @home {x|y}~ #1 100%") == [
        *("its", "a", "very", "wellknown", "cab", "o", "home", "xy", "1", "100")
    ]  # fmt: skip


def test_only_letters_of_ascii_are_lowered() -> None:
    assert _words("ÉCOLE Ünder «Straße»") == ["École", "Ünder", "«straße»"]


def test_any_white_space_parts_words_and_none_is_a_word() -> None:
    assert _words("  one\ttwo\n three  ", "   ", "...") == ["one", "two", "three"]


def test_words_have_the_weight_of_their_text() -> None:
    words, weights = tokens_of(pa.array(["a b", " ! ", "c"]), np.array([2, 5, 3]))
    assert words.to_pylist() == ["a", "b", "c"]
    assert weights is not None
    assert weights.tolist() == [2, 2, 3]
