"""What a docstring says of each parameter, in Google's, NumPy's and reST's styles."""

from __future__ import annotations

import inspect
import re

_GOOGLE_SECTION = re.compile(
    r"(args|arguments|parameters|params|keyword args|keyword arguments|hyperparameters):\s*$", re.IGNORECASE
)
_GOOGLE_ITEM = re.compile(r"(?P<names>\*{0,2}\w+(?:\s*,\s*\w+)*)\s*(?:\([^)]*\))?\s*:\s*(?P<text>.*)$")
_NUMPY_SECTION = re.compile(r"(other )?parameters\s*$", re.IGNORECASE)
_NUMPY_ITEM = re.compile(r"(?P<names>\*{0,2}\w+(?:\s*,\s*\w+)*)\s*(?::.*)?$")
_REST_ITEM = re.compile(
    r":(?:param|parameter|arg|argument|keyword|key)\s+(?:[^:]*\s)?(?P<name>\w+)\s*:\s*(?P<text>.*)$"
)


def summary(docstring: str | None) -> str | None:
    """Return the first paragraph as one line."""
    paragraph = inspect.cleandoc(docstring or "").partition("\n\n")[0]
    return " ".join(paragraph.split()) or None


def parameter_help(docstring: str | None) -> dict[str, str]:
    """Return the description of each parameter that has one, as one line."""
    lines = inspect.cleandoc(docstring or "").split("\n")
    found: dict[str, list[str]] = {}
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else ""
        if _GOOGLE_SECTION.match(line):
            found.update(_items(_section(lines[index + 1 :]), _GOOGLE_ITEM))
        elif _NUMPY_SECTION.match(line) and set(following.strip()) == {"-"}:
            found.update(_items(_numpy_section(lines[index + 2 :]), _NUMPY_ITEM))
        elif match := _REST_ITEM.match(line.strip()):
            found[match["name"]] = [match["text"], *_deeper(lines[index + 1 :], _indent(line))]
    return {name: text for name, parts in found.items() if (text := " ".join(" ".join(parts).split()))}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _section(lines: list[str]) -> list[str]:
    """Return the indented lines at the start."""
    end = next((i for i, line in enumerate(lines) if line.strip() and not _indent(line)), len(lines))
    return lines[:end]


def _numpy_section(lines: list[str]) -> list[str]:
    """Return the lines up to the next underlined heading."""
    for index, line in enumerate(lines):
        if len(line) >= 3 and set(line.strip()) == {"-"}:
            return lines[: max(index - 1, 0)]
    return lines


def _items(lines: list[str], pattern: re.Pattern[str]) -> dict[str, list[str]]:
    """Return the lines of text below each name; an item begins at the indentation of the first line."""
    found: dict[str, list[str]] = {}
    base = next((_indent(line) for line in lines if line.strip()), 0)
    names: list[str] = []
    for line in lines:
        match = pattern.match(line.strip()) if _indent(line) == base else None
        if match:
            names = [name.strip().lstrip("*") for name in match["names"].split(",")]
            found.update({name: [match.groupdict().get("text") or ""] for name in names})
        elif line.strip():
            for name in names:
                found[name].append(line.strip())
    return found


def _deeper(lines: list[str], indent: int) -> list[str]:
    """Return the lines that continue an item: those indented more, up to a blank one."""
    end = next((i for i, line in enumerate(lines) if not line.strip() or _indent(line) <= indent), len(lines))
    return [line.strip() for line in lines[:end]]
