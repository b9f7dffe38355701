"""`--config`: a YAML or JSON file, or a mapping in its place; camelCase and snake_case are the same."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlmagic.errors import UsageError
from mlmagic.source.yaml_document import read_document


def load_config(config: str | os.PathLike[str] | Mapping[str, Any], forms: str) -> tuple[str, Mapping[str, Any]]:
    """Return what errors call the configuration, and its document, with keys in camelCase.

    Args:
        config: a file, or its contents.
        forms: what such a file looks like, for errors.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    if isinstance(config, Mapping):
        return "config", _in_camel_case(config, "config")
    if not isinstance(config, str | os.PathLike):
        raise UsageError(f"config must be a file or a mapping, not {type(config).__name__} {config!r:.60}.")
    place = f"--config {os.fspath(config)}"
    return place, _in_camel_case(_load(Path(config).expanduser(), place, forms), place)


def _load(path: Path, place: str, forms: str) -> Mapping[str, Any]:
    import yaml

    try:
        document = read_document(path.read_text("utf-8"))
    except OSError as error:
        hint = None if path.is_absolute() else f"Relative paths start at {Path.cwd()}."
        raise UsageError(f"{place} cannot be read: {error.strerror}.", hint=hint) from error
    except RecursionError as error:
        raise _too_deep(place) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"{place} is neither YAML nor JSON: {_told(error)}.") from error
    if not isinstance(document, Mapping):
        raise UsageError(f"{place} holds no keys. {forms}")
    return document


def _in_camel_case(document: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    try:
        return {_camel_word(str(key)): _camel(key, value) for key, value in document.items()}
    except RecursionError as error:
        raise _too_deep(place) from error


def _too_deep(place: str) -> UsageError:
    return UsageError(f"{place} is nested too deeply.")


def _told(error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return " ".join(str(problem or error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _camel(key: object, value: Any) -> Any:
    """Return what a key holds; the keys of labels are the user's own."""
    if isinstance(value, Mapping) and key != "labels":
        return {_camel_word(str(inner)): _camel(inner, item) for inner, item in value.items()}
    return [_camel(None, item) for item in value] if isinstance(value, list | tuple) else value


def _camel_word(word: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), word)
