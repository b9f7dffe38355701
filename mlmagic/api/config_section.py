"""A mapping of a configuration file, whose keys are taken one by one; what is wrong and what is left is told."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.space_text import parse_number

T = TypeVar("T")

_HUGE = 1e308


class Section:
    """What a file says at one place.

    Reading a key takes it; None means that it is not there, or wrong, which is then among the problems. All sections
    of a file add to the same problems.
    """

    def __init__(self, given: object, path: str, problems: list[str]) -> None:
        self.path = path
        self._problems = problems
        self._known: list[str] = []
        self._given: dict[str, Any] = {}
        self._is_mapping = isinstance(given, Mapping)
        if isinstance(given, Mapping):
            self._given.update(given)
        else:
            problems.append(f"{path} must hold keys, not {given!r:.60}")

    def __contains__(self, key: object) -> bool:
        return key in self._given

    def place(self, key: str) -> str:
        """Return how a key is called in errors: `studySpec.metrics`."""
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, problem: str, key: str | None = None) -> None:
        """Note what is wrong with a key, or with the section."""
        self._problems.append(f"{self.place(key) if key else self.path} {problem}".strip())

    def take(self, key: str) -> Any:
        """Return what a key holds, whatever it is."""
        self._known.append(key)
        value = self._given.pop(key, self)
        if value is None:
            self.wrong("has no value: give it one, or take the key out", key)
        return None if value is self else value

    def text(self, key: str) -> str | None:
        """Return a key's text; a number is told as it is written."""
        value = self.take(key)
        return None if value is None else self._word(value, key)

    def word(self, key: str, meanings: Mapping[str, T]) -> T | None:
        """Return what one of some words means."""
        value = self.take(key)
        if value is None or str(value) in meanings:
            return None if value is None else meanings[str(value)]
        near = nearest(str(value).upper(), meanings, limit=1)
        self.wrong(f"is {value!r:.60}: it is one of {', '.join(meanings)}. {near}".rstrip(". "), key)
        return None

    def switch(self, key: str) -> bool | None:
        """Return true or false."""
        value = self.take(key)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(f"must be true or false, not {value!r:.60}", key)
        return None

    def count(self, key: str, least: int) -> int | None:
        """Return a whole number; Google's JSON has them as texts."""
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", str(value), re.ASCII) or int(value) < least:
            self.wrong(f"must be a whole number from {least} on, not {value!r:.60}", key)
            return None
        return int(value)

    def number(self, key: str) -> float | None:
        """Return a number; YAML reads `1e-4` as a text."""
        value = self.take(key)
        return None if value is None else self._number(value, key)

    def numbers(self, key: str) -> tuple[float, ...] | None:
        """Return the numbers of a list; None also if one of them is none."""
        return self._all(key, self._number)

    def words(self, key: str) -> tuple[str, ...] | None:
        """Return the words of a list; None also if one of them is none."""
        return self._all(key, self._word)

    def section(self, key: str) -> Section | None:
        """Return the section below a key."""
        value = self.take(key)
        return None if value is None else Section(value, self.place(key), self._problems)

    def sections(self, key: str) -> list[Section]:
        """Return the sections of a list."""
        return [Section(value, self.place(place), self._problems) for place, value in self._items(key) or ()]

    def has(self, *keys: str) -> bool:
        """Say whether all these keys are there; those that are not are among the problems."""
        missing = [key for key in keys if key not in self._given]
        for key in missing:
            self._known.append(key)
            if self._is_mapping:
                self.wrong("is missing", key)
        return not missing

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Note each of these keys that is there, with what to do instead."""
        for key, reason in reasons.items():
            if self._given.pop(key, None) is not None:
                self.wrong(f"is not supported: {reason}", key)

    def refuse_words(self, key: str, reasons: Mapping[str, str]) -> None:
        """Note it if a key holds one of these words, with what to do instead."""
        word = str(self._given.get(key))
        if word in reasons:
            del self._given[key]
            self.wrong(f"{word} is not supported: {reasons[word]}", key)

    def finish(self) -> None:
        """Note the keys that nobody took."""
        for key in self._given:
            self.wrong(f"is not known. {nearest(key, self._known, limit=1)}".rstrip(), key)

    def _items(self, key: str) -> list[tuple[str, Any]] | None:
        values = self.take(key)
        if values is None or isinstance(values, list):
            return None if values is None else [(f"{key}[{index}]", value) for index, value in enumerate(values)]
        self.wrong(f"must be a list, not {values!r:.60}", key)
        return None

    def _all(self, key: str, read: Callable[[object, str], T | None]) -> tuple[T, ...] | None:
        items = self._items(key)
        found = [read(value, place) for place, value in items or ()]
        kept = tuple(value for value in found if value is not None)
        return kept if items is not None and len(kept) == len(found) else None

    def _number(self, value: object, place: str) -> float | None:
        if isinstance(value, str):
            with contextlib.suppress(UsageError):
                return parse_number(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE:
            return float(value)
        self.wrong(f"must be a number, not {value!r:.60}", place)
        return None

    def _word(self, value: object, place: str) -> str | None:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            # Nobody can tell any more whether it was yes, on or true.
            self.wrong(f"is YAML's {str(value).lower()}, not a word: put it into quotes, as it is meant", place)
        elif isinstance(value, int | float):
            return repr(value)
        else:
            self.wrong(f"must be a word, not {value!r:.60}", place)
        return None
