"""How the values of a parameter are typed: `log:1e-4..1e-1`, `16..256`, `relu|tanh`, `32;64;128`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.study import Parameter, ParameterKind, Scale

FORMS = (
    "VALUES are 16..256 (whole numbers), 0.0..0.5 or double:0..1 (any), log:1e-4..1e-1 or reverse_log: (searched by "
    "their logarithm), relu|tanh (words; 'a,b'|c), 32;64;128 (numbers, in their order)."
)
"""What is allowed, for the hint of an error."""

_QUOTES = "'\""
# Where a value begins, so that a quote there is one: the apostrophe of `it's` is none.
_STARTS = "=|;,[:\n"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_PREFIX = re.compile(r"\s*([A-Za-z][\w-]*)\s*:(.*)", re.ASCII | re.DOTALL)
_LONGEST_NUMBER = 400

_SCALES = {"linear": Scale.LINEAR, "log": Scale.LOG, "reverse_log": Scale.REVERSE_LOG}
_KINDS = {
    "int": ParameterKind.INTEGER,
    "integer": ParameterKind.INTEGER,
    "double": ParameterKind.DOUBLE,
    "float": ParameterKind.DOUBLE,
}
_SCALE_WORDS = {scale: word for word, scale in _SCALES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prefixes:
    """What stands before the values."""

    scale: Scale | None
    kind: ParameterKind | None
    told: str
    """As it was typed, for errors."""


def parse_values(name: str, text: str) -> Parameter:
    """Read the values of a parameter; whether they make sense is told by `spec.space_rules`.

    Raises:
        UsageError: they have no form that there is; the message is what is wrong with them, alone.
    """
    if len(split_unquoted(f"{text}\n", "\n")) == 1:
        raise UsageError("its quote is not closed")
    prefixes, body = _prefixes(text)
    words = split_unquoted(body, "|")
    if len(words) > 1:
        if prefixes.told:
            raise UsageError(
                f"{prefixes.told} does not go with words; leave it out, or quote the word that it belongs to"
            )
        return Parameter(
            name=name, kind=ParameterKind.CATEGORICAL, categories=tuple(parse_word(word) for _, word in words)
        )
    if ";" in body:
        if prefixes.kind is not None:
            raise UsageError(f"{prefixes.told} is for a range, not for numbers one by one")
        numbers = tuple(parse_number(word) for word in body.split(";"))
        return Parameter(name=name, kind=ParameterKind.DISCRETE, numbers=numbers, scale=prefixes.scale)
    if ".." in body:
        return _range(name, body, prefixes)
    if not body.strip():
        raise UsageError("there are no values")
    told = body.strip()
    raise UsageError(f"{told!r:.60} is nothing to choose from; a fixed value is given after --, as --{name}={told:.60}")


def parse_number(text: str) -> float:
    """Read a number as it is typed: `16`, `0.5`, `1e-4`.

    Raises:
        UsageError: it is none; the message is what is wrong with it, alone.
    """
    word = text.strip()
    if not word:
        raise UsageError("a number is missing")
    if len(word) > _LONGEST_NUMBER or not _NUMBER.fullmatch(word):
        raise UsageError(f"{word!r:.60} is not a number")
    return float(word)


def parse_word(text: str) -> str:
    """Read a word, which may stand in quotes; within them, a quote is typed twice.

    Raises:
        UsageError: it is none; the message is what is wrong with it, alone.
    """
    word = text.strip()
    quote = word[:1]
    if not word:
        raise UsageError("a word is missing between the bars; the empty one is ''")
    if quote not in _QUOTES:
        return word
    inner = word[1:-1].replace(quote * 2, "")
    if len(word) < 2 or word[-1] != quote or quote in inner:
        raise UsageError(f"the quote of {word!r:.60} does not end where the word does")
    return word[1:-1].replace(quote * 2, quote)


def split_unquoted(text: str, separators: str) -> list[tuple[int, str]]:
    """Return the parts between separators that do not stand in quotes, each with where it begins."""
    parts: list[tuple[int, str]] = []
    begin, quote, can_open = 0, "", True
    for position, letter in enumerate(text):
        if quote:
            # A second quote opens again what the first one closed, so that the two stand for one.
            can_open = letter == quote
            quote = "" if can_open else quote
        elif letter in _QUOTES and can_open:
            quote = letter
        elif letter in separators:
            parts.append((begin, text[begin:position]))
            begin, can_open = position + 1, True
        else:
            can_open = letter in _STARTS or (can_open and letter.isspace())
    return [*parts, (begin, text[begin:])]


def values_text(parameter: Parameter) -> str:
    """Return how the values of a parameter are typed."""
    prefix = f"{_SCALE_WORDS[parameter.scale]}:" if parameter.scale else ""
    if parameter.kind is ParameterKind.CATEGORICAL:
        return "|".join(map(quoted, parameter.categories))
    if parameter.kind is ParameterKind.DISCRETE:
        return prefix + ";".join(map(number_text, parameter.numbers))
    low, high = parameter.minimum or 0.0, parameter.maximum or 0.0
    return f"{prefix}{parameter.text(low)}..{parameter.text(high)}"


def name_text(parameter: Parameter) -> str:
    """Return how a parameter is called, with its condition: `momentum[optimizer=sgd|rmsprop]`."""
    condition = parameter.condition
    if condition is None:
        return parameter.name
    return f"{parameter.name}[{condition.parameter}={'|'.join(map(quoted, condition.values))}]"


def number_text(number: float) -> str:
    """Return a number without the `.0` of a whole one."""
    return repr(float(number)).removesuffix(".0")


def quoted(word: str) -> str:
    """Return a word as it is typed among others."""
    if word and word == word.strip() and not re.search(r"[][|;,='\":\n\r]", word):
        return word
    quote = '"' if "'" in word and '"' not in word else "'"
    return f"{quote}{word.replace(quote, quote * 2)}{quote}"


def _prefixes(text: str) -> tuple[_Prefixes, str]:
    scale: Scale | None = None
    kind: ParameterKind | None = None
    told: list[str] = []
    while match := _PREFIX.fullmatch(text):
        word = match[1].lower().replace("-", "_")
        if word in _SCALES and scale is None:
            scale = _SCALES[word]
        elif word in _KINDS and kind is None:
            kind = _KINDS[word]
        elif "|" in match[2]:
            break  # it belongs to a word
        else:
            if word in _SCALES or word in _KINDS:
                raise UsageError(f"{match[1]}: is too much behind {''.join(told)}")
            raise UsageError(f"{match[1]}: is not known. {nearest(word, [*_SCALES, *_KINDS], limit=1)}".rstrip())
        told.append(f"{match[1]}:")
        text = match[2]
    return _Prefixes(scale=scale, kind=kind, told="".join(told)), text


def _range(name: str, body: str, prefixes: _Prefixes) -> Parameter:
    low, high = (word.strip() for word in body.split("..", 1))
    if not low or not high:
        raise UsageError(f"the {'upper' if low else 'lower'} bound of {body.strip()!r:.60} is missing")
    if ".." in high:
        raise UsageError(f"{body.strip()!r:.60} has more than two bounds; numbers one by one are 16;32;64")
    bounds = (parse_number(low), parse_number(high))
    is_whole = all(_WHOLE.fullmatch(word) for word in (low, high))
    kind = prefixes.kind or (ParameterKind.INTEGER if is_whole else ParameterKind.DOUBLE)
    return Parameter(name=name, kind=kind, minimum=bounds[0], maximum=bounds[1], scale=prefixes.scale)
