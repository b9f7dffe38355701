"""The wire nouns of the panels as TypeScript: `python -m tools.panel_types` writes `labextension/src/types.ts`.

A field says what `spec.codec.encode` makes of it: those that are left out while empty have a question mark.
"""

from __future__ import annotations

import ast
import inspect
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from mlmagic.server.openapi_nouns import reachable, wire_fields
from mlmagic.spec import panel_rows
from mlmagic.spec.endpoint_page import EndpointPage
from mlmagic.spec.model import Model, ModelVersion
from mlmagic.spec.model_report import ModelPage, VersionPage
from mlmagic.spec.noun import Noun
from mlmagic.spec.report import Comparison, JobDescription
from mlmagic.spec.study_report import StudyReport
from mlmagic.spec.usage import Usage

TARGET = Path("labextension/src/types.ts")

ANSWERS: tuple[type[Noun], ...] = (
    *(kind for kind in vars(panel_rows).values() if isinstance(kind, type) and kind.__module__ == panel_rows.__name__),
    Comparison,
    EndpointPage,
    JobDescription,
    Model,
    ModelPage,
    ModelVersion,
    StudyReport,
    Usage,
    VersionPage,
)
"""What the routes answer with, and what the payloads of pages are."""

_HEAD = """\
// Written by `python -m tools.panel_types` from the nouns in mlmagic/spec. Do not edit.

/** A moment as RFC 3339 in UTC: `2026-11-21T09:30:00.123456Z`. */
export type Time = string;

/** A number that need not be finite, which JSON has no other way to say. `Number(value)` reads all of them. */
export type Float = number | 'NaN' | 'Infinity' | '-Infinity';
"""

_PLAIN: dict[object, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "Float",
    datetime: "Time",
    object: "unknown",
    Any: "unknown",
    type(None): "null",
}


def render() -> str:
    """Return the text of `types.ts`."""
    parts = (_enum(kind) if issubclass(kind, Enum) else _interface(kind) for kind in reachable(*ANSWERS))
    return "\n".join([_HEAD, *parts])


def _enum(kind: type[Enum]) -> str:
    values = " | ".join(f"'{member.value}'" for member in kind)
    return f"{_doc(inspect.getdoc(kind))}export type {kind.__name__} = {values};\n"


def _interface(kind: Any) -> str:
    told = _field_docs(kind)
    lines = [f"{_doc(inspect.getdoc(kind))}export interface {kind.__name__} {{"]
    for field in wire_fields(kind):
        mark = "?" if field.is_left_out else ""
        lines.append(f"{_doc(told.get(field.name), '  ')}  {field.key}{mark}: {_type(field.hint)};")
    return "\n".join([*lines, "}\n"])


def _type(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin in (types.UnionType, typing.Union):
        return " | ".join(dict.fromkeys(_type(argument) for argument in arguments))
    if origin is tuple:
        item = _type(arguments[0])
        return f"({item})[]" if " | " in item else f"{item}[]"
    if origin is not None and issubclass(origin, Mapping):
        return f"Record<string, {_type(arguments[1])}>"
    return str(hint.__name__)


def _field_docs(kind: type) -> dict[str, str]:
    """Return what is written below the fields of a noun and of those that it builds on."""
    told: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if issubclass(each, Noun):
            body = ast.parse(inspect.cleandoc(inspect.getsource(each))).body[0]
            told |= dict(_docs_below(typing.cast("ast.ClassDef", body)))
    return told


def _docs_below(body: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for one, following in zip(body.body, body.body[1:], strict=False):
        match one, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


def _doc(text: str | None, indent: str = "") -> str:
    if not text:
        return ""
    lines = text.replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return "\n".join([f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */\n"])


def main() -> int:
    """Write the file; with `--check`, say instead whether it is as it would be written."""
    text = render()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.read_text("utf-8") == text:
        return 0
    print(f"{TARGET} is not what the nouns say. Write it anew: python -m tools.panel_types")
    return 1


if __name__ == "__main__":
    sys.exit(main())
