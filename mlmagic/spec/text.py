"""How text is compared where people type what they look for: without case and accents, or by regular expressions.

Filters in Python and in SQLite call the same functions, so that both find the same.
"""

from __future__ import annotations

import re
import unicodedata


def text_of(value: str | float) -> str:
    """Return a value as it is searched: a number without the `.0` of a whole one."""
    return value if isinstance(value, str) else repr(value).removesuffix(".0")


def fold(value: str | float) -> str:
    """Return lower-case text without accents: `Café` becomes `cafe`."""
    text = text_of(value).lower()
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def contains(pattern: str, value: str | float) -> bool:
    """Say whether a regular expression matches somewhere in a value."""
    # `re` keeps the compiled patterns: it is the same one for a hundred thousand rows.
    return re.search(pattern, text_of(value)) is not None
