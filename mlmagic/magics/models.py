"""`%models`: list and describe models, choose the default version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.tables import Argument, Command, Magic, Parsed

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension

MODELS = Magic(
    name="models",
    default="list",
    command=Command(
        summary="The models of this workspace. A model has numbered versions; MODEL alone means its default version.",
        examples=(
            ("%models", "all models"),
            ("%models describe taxi", "the versions of taxi, and what it takes and returns"),
            ("%models set-default taxi@2", "let version 2 answer for taxi from now on"),
        ),
    ),
    subcommands={
        "list": Command(summary="list models"),
        "describe": Command(
            summary="show a model's versions, default and signature",
            arguments=(Argument(name="model", metavar="MODEL", help="a model's name"),),
        ),
        "set-default": Command(
            summary="let this version answer when none is named",
            arguments=(Argument(name="version", metavar="MODEL@VERSION", help="a version, such as taxi@2"),),
        ),
    },
)


def models(extension: Extension, line: Parsed) -> Any:  # noqa: ARG001 - all magics are called alike
    """Do what the subcommand says."""
    from mlmagic.api import models as api

    match line.subcommand:
        case "list":
            return api.models()
        case "describe":
            return _describe(line["model"])
        case _:
            return _set_default(line["version"])


def _describe(name: str) -> Any:
    from mlmagic.api import models as api

    if "@" in name:
        model = name.partition("@")[0]
        raise UsageError(f"{name} is a version; its model has the page.", hint=f"%models describe {model}")
    return api.model(name)


def _set_default(text: str) -> Any:
    from mlmagic.api import models as api
    from mlmagic.spec.names import parse_model_reference

    reference = parse_model_reference(text)
    model = api.model(reference.model)
    if "@" not in text:
        newest = f" Its newest is {model.versions[-1]}." if model.versions else ""
        raise UsageError(f"which version of {text}?{newest}", hint=f"%models set-default {text}@NUMBER")
    number = reference.version
    return model.set_default(number if number is not None else model.version(reference.alias or "").number)
