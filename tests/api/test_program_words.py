"""Command lines taken apart and put together anew."""

from __future__ import annotations

import pytest

from mlmagic.api.program_words import Arity, KnownFlag, merged_words, other_words, told_flags
from mlmagic.api.stored_flags import read_stored_flags
from mlmagic.spec.package import CellShape, TrainerPackage

KNOWN = {
    "--hidden": KnownFlag("hidden", Arity.MANY),
    "--shuffle": KnownFlag("shuffle", Arity.NONE),
    "--no-shuffle": KnownFlag("shuffle", Arity.NONE),
    "--learning-rate": KnownFlag("learning_rate"),
    "--learning_rate": KnownFlag("learning_rate"),
    "-e": KnownFlag("epochs"),
    "--epochs": KnownFlag("epochs"),
}


@pytest.mark.parametrize(
    ("old", "changes", "merged"),
    [
        ("--epochs 5 --shuffle", "--epochs 10", "--epochs 10 --shuffle"),
        ("--epochs 5", "--epochs=10", "--epochs=10"),
        ("--epochs=5 --hidden 64 32", "--hidden 128", "--epochs=5 --hidden 128"),
        ("--hidden 64 --shuffle", "--hidden 8 4 2", "--hidden 8 4 2 --shuffle"),
        ("--learning_rate 0.1", "--learning-rate 0.2", "--learning-rate 0.2"),
        ("--shuffle --epochs 5", "--no-shuffle", "--no-shuffle --epochs 5"),
        ("-e 5", "--epochs 6", "--epochs 6"),
        ("--epochs 5", "--shuffle", "--epochs 5 --shuffle"),
        ("--epochs 5", "", "--epochs 5"),
        ("--scale -0.5 --epochs 5", "--scale -1", "--scale -1 --epochs 5"),
    ],
)
def test_a_changed_flag_takes_the_place_of_what_it_was(old: str, changes: str, merged: str) -> None:
    assert " ".join(merged_words(old.split(), changes.split(), KNOWN)) == merged


@pytest.mark.parametrize(
    ("old", "changes", "merged"),
    [
        ("--layer 64 --layer 32 --x 1", "--layer 8", "--layer 8 --x 1"),
        ("--layer 64 --x 1", "--layer 8 --layer 4", "--layer 8 --layer 4 --x 1"),
        ("--cache --x 1", "--no-cache", "--no-cache --x 1"),
        ("--no-cache data.csv", "--cache", "--cache data.csv"),
        ("train.csv --x 1", "eval.csv", "eval.csv --x 1"),
        ("--x 1 -- a b", "--y 2", "--x 1 --y 2 -- a b"),
        ("--x 1 -- a b", "-- c", "--x 1 -- c"),
    ],
)
def test_flags_that_nobody_knows_are_told_by_their_form(old: str, changes: str, merged: str) -> None:
    assert " ".join(merged_words(old.split(), changes.split(), {})) == merged


def test_words_tell_what_flags_are_set_to() -> None:
    words = ["--epochs", "5", "--rate=0.1", "--cache", "--no-shuffle", "data.csv", "--", "--x"]
    assert told_flags(words) == {"epochs": "5", "rate": "0.1", "cache": "true", "shuffle": "false"}
    assert other_words(words) == ("data.csv", "--", "--x")


def package(source: str) -> TrainerPackage:
    return TrainerPackage(
        shape=CellShape.GIVEN, files={"trainer/cli.py": source.encode(), "a.bin": b"\xff"}, digest="0"
    )


def test_a_package_tells_its_flags_as_far_as_they_are_literal() -> None:
    stored = read_stored_flags(
        package(
            "parser.add_argument('--n-layers', '-n', type=int, nargs='+')\n"
            "parser.add_argument('--cache', action='store_true')\n"
            "parser.add_argument('--fast', action=argparse.BooleanOptionalAction, dest='quick')\n"
            "parser.add_argument('--test', action=Switch)\n"
            "parser.add_argument('file')\nparser.add_argument(name)\n"
        )
    )
    assert stored.flags is None
    assert stored.known["-n"] == stored.known["--n-layers"] == KnownFlag("n_layers", Arity.MANY)
    assert stored.known["--no-fast"] == KnownFlag("quick", Arity.NONE)
    assert stored.known["--test"].arity is Arity.ONE
    switches = {"--cache", "--no-cache", "--fast", "--no-fast", "--test", "--no-test"}
    assert stored.known.keys() == {"--n-layers", "-n", *switches}


def test_what_is_no_python_tells_nothing() -> None:
    assert read_stored_flags(package("def (")).known == {}
