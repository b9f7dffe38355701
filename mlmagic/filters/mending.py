"""How the usual mistakes in filters are mended."""

from __future__ import annotations

import re

MIXED = "Put what belongs together in parentheses: (state=FAILED AND priority>0) OR labels.keep:*"

_OPERATORS = {
    "==": "Equal is a single =.",
    "===": "Equal is a single =.",
    "=>": "Write >= for at least.",
    "=<": "Write <= for at most.",
    "<>": "Write != for unequal.",
    "=!": "Write != for unequal.",
    "=~": "A regular expression follows a single ~.",
    "~=": "A regular expression follows a single ~.",
    "!:": "Write -key:word for what does not have the word.",
    "!": "Write != for unequal; before a term, write NOT or -.",
}
_SIGNS = {"&": "AND", "&&": "AND", "|": "OR", "||": "OR", "!": "NOT"}
_WORDS = ("AND", "OR", "NOT")


def instead_of_operator(found: str) -> str:
    """Say what to write instead of an operator that does not exist."""
    if found in _OPERATORS:
        return _OPERATORS[found]
    return "Operators are : = != < <= > >= ~ and !~; a value that begins with such a character is quoted."


def instead_of_term(rest: str) -> str | None:
    """Say what to write where something else than a key stands."""
    sign = re.match(r"[&|!]*", rest)
    if sign and sign[0] in _SIGNS:
        return f"Write {_SIGNS[sign[0]]}."
    if not rest:
        return "Complete it, or remove the word before."
    return "Remove it." if rest.startswith(")") else None


def without_operator(text: str, key: str, at: int) -> str:
    """Say what a word that has no operator may have been meant for."""
    if key in _SIGNS:
        return f"Write {_SIGNS[key]}."
    if key in _WORDS:
        return f"{key} stands between terms." if key != "NOT" else "NOT stands before a term."
    if key.upper() in _WORDS:
        return f"Logical operators are upper-case: write {key.upper()}."
    before = re.search(r"[\w.-]+ *[:=!<>~]+ *([^\s()\"']+)\s+$", text[:at])
    if before:
        return f'A value with spaces needs quotes: "{before[1]} {key}". Or did you mean displayName:{key}?'
    return f"Did you mean displayName:{key}?"
