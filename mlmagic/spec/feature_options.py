"""The options of one feature, read from the mapping in which they were written."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from mlmagic.errors import nearest
from mlmagic.spec.feature_kinds import (
    DEFAULTS,
    LEAST,
    MOST,
    OPTIONS,
    OPTIONS_ELSEWHERE,
    TIME_PARTS,
    find_kind,
    find_part,
    find_scale,
)
from mlmagic.spec.features import Feature, FeatureKind, Scale, Tunable

_TUNABLE = re.compile(r"\s*-{0,2}([A-Za-z][A-Za-z0-9_-]*)\s*=\s*([0-9]+)\s*", re.ASCII)
_REPLACED_BY = {"buckets": "boundaries", "vocabulary": "values"}


def read_feature(name: str, written: Mapping[object, object], problems: list[str]) -> Feature | None:
    """Return the feature, or None if not even its kind is known; what is wrong goes to `problems`."""
    given = {OPTIONS_ELSEWHERE.get(str(option), str(option)): value for option, value in written.items()}
    kind = _kind(given, problems)
    if kind is None:
        return None
    _sort_out(kind, given, problems)
    values: dict[str, Any] = {
        option: value for option, value in DEFAULTS[kind].items() if given.get(_REPLACED_BY.get(option, option)) is None
    }
    for option, value in given.items():
        if value is None and option != "scale":
            continue
        try:
            values[option] = _READERS[option](value)
        except ValueError as error:
            problems.append(f"{option} is {error}, not {value!r:.60}")
    columns = values.pop("of", None) or (values.pop("column", name),)
    if kind is FeatureKind.CROSSED and not problems:
        problems.extend(_problems_of_members(name, given.get("of"), columns))
    return Feature(name=name, kind=kind, columns=columns, is_log=values.pop("log", False), **values)


def _kind(given: dict[str, object], problems: list[str]) -> FeatureKind | None:
    """Return what `type` says, take it out, and put in what it implies."""
    word = given.pop("type", None)
    found = find_kind(word) if isinstance(word, str) else None
    if found is None:
        kinds = [kind.value for kind in FeatureKind]
        near = nearest(word, kinds) if isinstance(word, str) else ""
        said = "no `type`" if word is None else f"an unknown type {word!r:.60}"
        problems.append(f"it has {said}. " + (near or f"Types are {', '.join(kinds)}."))
        return None
    kind, implied = found
    given |= {option: value for option, value in implied.items() if option not in given}
    return kind


def _sort_out(kind: FeatureKind, given: dict[str, object], problems: list[str]) -> None:
    """Take out options that the kind does not have, and note those that say the same thing twice."""
    if kind is FeatureKind.CATEGORICAL and isinstance(given.get("vocabulary"), list | tuple):
        given.setdefault("values", given.pop("vocabulary"))
    allowed = OPTIONS[kind]
    for option in [option for option in given if option not in allowed]:
        near = nearest(option, allowed) or f"It has {', '.join(allowed)}."
        problems.append(f"{kind.value} has no option {option!r}. {near}")
        del given[option]
    for option, other in _REPLACED_BY.items():
        if given.get(option) is not None and given.get(other) is not None:
            problems.append(f"it has both {option} and {other}: keep one of them")


def _problems_of_members(name: str, given: object, members: tuple[str, ...]) -> list[str]:
    if given is None:
        return ["`of` is missing: it lists the features that are crossed, such as [a, b]"]
    if len(members) < 2 or len(set(members)) < len(members):
        return [f"`of` takes two or more different features, not {', '.join(members) or 'none'}"]
    return ["it cannot be crossed with itself: give the cross another name"] if name in members else []


def _name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("the name of a column")
    return value


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of features")
    return tuple(value)


def _scale(value: object) -> Scale:
    scale = Scale.NONE if value is None else find_scale(value)
    if scale is None:
        raise ValueError(f"one of {', '.join(Scale)}")
    return scale


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - all readers fail alike
    return value


def _clip(value: object) -> tuple[float, float]:
    numbers = _numbers(value)
    if len(numbers) != 2 or not 0 <= numbers[0] < numbers[1] <= 1:
        raise ValueError("two quantiles from 0 to 1, such as [0.01, 0.99]")
    return numbers[0], numbers[1]


def _boundaries(value: object) -> tuple[float, ...]:
    numbers = _numbers(value)
    if not numbers or any(one >= other for one, other in pairwise(numbers)):
        raise ValueError("a list of ascending numbers")
    return numbers


def _numbers(value: object) -> tuple[float, ...]:
    items = value if isinstance(value, list | tuple) else ()
    if any(isinstance(item, bool) or not isinstance(item, int | float) or not math.isfinite(item) for item in items):
        return ()
    return tuple(float(item) for item in items)


def _whole(option: str, value: object) -> int:
    least, most = LEAST[option], MOST[option]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"a whole number from {least} to {most:,}")
    return value


def _whole_or_flag(option: str, value: object) -> int | Tunable:
    if not isinstance(value, str):
        return _whole(option, value)
    matched = _TUNABLE.fullmatch(value)
    flag = matched[1].replace("-", "_") if matched else ""
    if matched is None or keyword.iskeyword(flag) or len(matched[2]) > 9:
        raise ValueError(f"a whole number, or a flag with its default such as n{option}=16")
    return Tunable(flag=flag, default=_whole(option, int(matched[2])))


def _values(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else ()
    texts = [item if isinstance(item, str) else str(item) for item in items if isinstance(item, str | int)]
    texts = [text.lower() if isinstance(item, bool) else text for text, item in zip(texts, items, strict=False)]
    if not texts or len(texts) < len(items) or len(set(texts)) < len(texts) or "" in texts:
        raise ValueError("a list of different values, as text or whole numbers")
    return tuple(texts)


def _parts(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    parts = [part for item in items if (part := find_part(item))]
    if not parts or len(parts) < len(items) or len(set(parts)) < len(parts):
        raise ValueError(f"a list of different ones of {', '.join(TIME_PARTS)}")
    return tuple(parts)


_READERS: Mapping[str, Callable[[object], object]] = {
    "column": _name,
    "of": _names,
    "scale": _scale,
    "log": _truth,
    "clip": _clip,
    "boundaries": _boundaries,
    "values": _values,
    "parts": _parts,
    "oov": partial(_whole, "oov"),
    **{option: partial(_whole_or_flag, option) for option in ("buckets", "vocabulary", "length", "embedding")},
}
