"""The words of a program's command line, taken apart into flags with their values, and put together anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

_FLAG = re.compile(r"--?[A-Za-z]")
_END = "--"


class Arity(Enum):
    """How many words a flag takes."""

    NONE = 0
    ONE = 1
    MANY = 2


@dataclass(frozen=True, slots=True)
class KnownFlag:
    """What a spelling means to a program: `--no-shuffle` is a spelling of `shuffle`."""

    name: str
    arity: Arity = Arity.ONE


KnownFlags = Mapping[str, KnownFlag]
"""By spelling: `--epochs`, `-e`."""


@dataclass(frozen=True, slots=True)
class WordGroup:
    """A flag as it is typed, with its values; or a word without a flag, then the name is None."""

    name: str | None
    words: tuple[str, ...]


def word_groups(words: Sequence[str], known: KnownFlags) -> Iterator[WordGroup]:
    """Yield the flags and other words of a command line.

    Of a flag that is not known, the next word is its value, unless that is a flag or the flag begins with `--no-`.
    """
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == _END:
            yield WordGroup(_END, tuple(words[position - 1 :]))
            return
        if not _FLAG.match(word):
            yield WordGroup(None, (word,))
            continue
        flag, has_value = _meaning(word, known)
        end = position
        while end < len(words) and not has_value and end - position < _most(flag.arity) and _is_value(words[end]):
            end += 1
        yield WordGroup(flag.name, (word, *words[position:end]))
        position = end


def merged_words(old: Sequence[str], changes: Sequence[str], known: KnownFlags) -> tuple[str, ...]:
    """Return the command line with each changed flag in the place of what it was, and new ones behind.

    A flag that is repeated takes the place of all its occurrences, and words without a flag that of all such words.
    """
    given: dict[str | None, list[str]] = {}
    for group in word_groups(changes, known):
        given.setdefault(group.name, []).extend(group.words)
    result: list[str] = []
    rest: list[str] = []
    placed: set[str | None] = set()
    for group in word_groups(old, known):
        target = rest if group.name == _END else result
        if group.name not in given:
            target += group.words
        elif group.name not in placed:
            placed.add(group.name)
            target += given[group.name]
    for name, words in given.items():
        if name not in placed:
            (rest if name == _END else result).extend(words)
    # What follows a bare -- is no flag to the program, so nothing is put behind it.
    return (*result, *rest)


def told_flags(words: Sequence[str], known: KnownFlags | None = None) -> dict[str, str]:
    """Return what flags are set to by the words of a program of which not all flags are known."""
    values: dict[str, str] = {}
    for group in word_groups(words, known or {}):
        if group.name is not None and group.name != _END:
            _, equals, text = group.words[0].partition("=")
            is_off = group.words[0].startswith("--no-")
            told = text if equals else " ".join(group.words[1:]) or ("false" if is_off else "true")
            values[group.name] = told
    return values


def other_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that are neither flags nor their values, as far as that can be told."""
    return tuple(word for group in word_groups(words, {}) if group.name in {None, _END} for word in group.words)


def _meaning(word: str, known: KnownFlags) -> tuple[KnownFlag, bool]:
    spelling, equals, _ = word.partition("=")
    if spelling in known:
        return known[spelling], bool(equals)
    name = spelling.lstrip("-").replace("-", "_")
    if spelling.startswith("--no-"):
        return KnownFlag(name.removeprefix("no_"), Arity.NONE), bool(equals)
    return KnownFlag(name), bool(equals)


def _most(arity: Arity) -> float:
    return float("inf") if arity is Arity.MANY else arity.value


def _is_value(word: str) -> bool:
    return word != _END and not _FLAG.match(word)
