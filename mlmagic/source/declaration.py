"""A declaration of features as text: YAML or JSON, in a file or in the body of a cell."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from typing import Any, cast

from mlmagic.errors import UsageError
from mlmagic.source.yaml_document import read_document
from mlmagic.spec.feature_declaration import read_features

KEY = "features"
"""What a cell calls its declaration, in Python and in YAML."""

# No line of YAML that declares features begins so.
_PYTHON = re.compile(
    r"\s*(?:def|class|async|import|from|return|raise|with|for|while|if|try|print|pass|@|[A-Za-z_][\w.]*\s*(?:\(|=))"
    r"(?![\w-]*\s*:)"
)
_EXAMPLE = "  fare: numeric\n  payment: {type: categorical, vocabulary: 100}"
_ENTRY = re.compile(r"""\s*(?:["'{]|[^\s:#=(){}]+[^:=()]*:(?:\s|$))""")


def is_declaration(body: str) -> bool:
    """Say whether a cell's body is a declaration and not a program. YAML such as `fare: numeric` is Python too."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of invalid escapes, which are not our business
            statements = ast.parse(body).body
    except (SyntaxError, ValueError):
        lines = [line for line in body.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        return bool(lines) and _ENTRY.match(lines[0]) is not None and not any(map(_PYTHON.match, lines))
    return bool(statements) and all(
        (isinstance(item, ast.AnnAssign) and item.value is None)
        or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Dict | ast.Set))
        for item in statements
    )


def parse_declaration(text: str, place: str, first_line: int = 1) -> Mapping[object, object]:
    """Return the features that a text declares, as they stand there.

    Args:
        text: YAML or JSON: the features, or a mapping in which they are `features`.
        place: what the text is called in errors: `Cell [3]`, a file's name.
        first_line: the line on which the text begins there.

    Raises:
        UsageError: it is neither, names a feature twice, or holds something else beside `features`.
    """
    document = _load(text, place, first_line)
    if not isinstance(document, Mapping):
        raise UsageError(f"{place} declares no features: it holds {document!r:.60}.", hint=f"For example:\n{_EXAMPLE}")
    others = [str(key) for key in document if key != KEY]
    if isinstance(document.get(KEY), Mapping) and others and "type" not in document[KEY]:
        raise UsageError(
            f"{place} declares features, and says {', '.join(map(repr, others))} beside them.",
            hint="Whatever is not a feature goes on the line of the magic, such as --target fare.",
        )
    return document


def check_declaration(declaration: object, *, target: str | None = None, key: str | None = None) -> dict[str, Any]:
    """Return a declaration as JSON can hold it, checked as far as that is possible without the columns.

    It is not brought to its normal form, which depends on the columns.

    Raises:
        UsageError: what is wrong; all of it.
    """
    if isinstance(declaration, Mapping) and all(isinstance(name, str) for name in declaration):
        try:
            declaration = json.loads(json.dumps(dict(declaration), allow_nan=False, default=_item))
        except (TypeError, ValueError) as error:
            raise UsageError(f"features are declared by text and numbers: {error}.") from None
    read_features(declaration, target=target, key=key)
    return cast("dict[str, Any]", declaration)


def declaration_json(declaration: Mapping[str, Any]) -> bytes:
    """Return `features.json`."""
    return (json.dumps(declaration, indent=2, ensure_ascii=False) + "\n").encode()


def _item(value: Any) -> Any:
    """Return a NumPy number or array as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, range | set | frozenset):
        return sorted(value)
    raise TypeError(f"{value!r:.60} is a {type(value).__name__}")


def _load(text: str, place: str, first_line: int) -> object:
    import yaml

    try:
        return read_document(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        # What is not closed ends behind the last line.
        last = text.rstrip().count("\n")
        line = f", line {first_line + min(mark.line, last)}" if mark is not None else ""
        problem = getattr(error, "problem", None) or error
    except RecursionError:
        line, problem = "", "it is nested too deeply"
    except ValueError as error:  # of a date such as 2013-99-99, or of a number with thousands of digits
        line, problem = "", error
    raise UsageError(f"{place}{line}: not YAML: {problem}.", hint=f"A feature on each line, for example\n{_EXAMPLE}")
