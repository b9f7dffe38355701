"""The flags of reading."""

from __future__ import annotations

import argparse

import pytest

from mlmagic.errors import UsageError
from mlmagic.preprocessing.read_arguments import add_read_arguments, read_options
from mlmagic.preprocessing.reading.options import NULL_VALUES, Format, ReadOptions
from mlmagic.spec.dataset import ColumnType


def parsed(*words: str) -> ReadOptions:
    parser = argparse.ArgumentParser()
    add_read_arguments(parser)
    return read_options(parser.parse_args(words))


def test_no_flag_leaves_all_open():
    assert parsed() == ReadOptions()


def test_all_flags():
    words = "--format csv --no-header --column-names a,b --types a=int,b=string --delimiter tab --null-values ?,-"
    options = parsed(*words.split(), "--quoted-newlines", "yes")
    assert options.format is Format.CSV
    assert options.types == {"a": ColumnType.INTEGER, "b": ColumnType.STRING}
    assert (options.has_header, options.column_names, options.delimiter) == (False, ("a", "b"), "\t")
    assert (options.null_values, options.has_quoted_newlines) == (("", "?", "-"), True)
    assert not NULL_VALUES[0]


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(UsageError) as caught:
        parsed("--types", "a,b=sting,c=int,c=float", "--column-names", "a,,a", "--delimiter", "ab")
    assert caught.value.problems == (
        "--column-names a,,a: name 2 is empty",
        "--column-names a,,a: a stands there twice",
        "--types a: write it as COLUMN=TYPE",
        f"--types b=sting: sting is not among {', '.join(ColumnType)}. Did you mean string or integer?",
        "--types c=float: c stands there twice",
        "--delimiter 'ab': is one ASCII character, and neither a quote nor a line break; or tab",
    )
