"""Names of models: `projects/P/locations/R/models/ID`, perhaps with `@VERSION` or `@ALIAS`."""

from __future__ import annotations

import hashlib
import re

from mlmagic.emulator.errors import Violation, bad_request, invalid

DEFAULT = "default"
"""The alias that every model has."""

_NAME = re.compile(r"(projects/[^/]+/locations/[^/]+/models/[^/@]+)(?:@([^/@]+))?")
_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}", re.ASCII)
_ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9-]", re.ASCII)


def split_name(name: str, field: str = "name") -> tuple[str, str | None]:
    """Return the model's name, and the version or alias after `@`.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        expected = "projects/{project}/locations/{location}/models/{model}"
        raise invalid(field, f"Invalid resource name {name!r}: expected {expected}, perhaps with @{{version}}.")
    return match[1], match[2]


def check_model_id(model_id: str) -> None:
    """Check an id that the client has chosen.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    if not _ID.fullmatch(model_id):
        raise invalid(
            "model_id",
            f"Invalid model_id {model_id!r}: up to 63 of [a-z0-9_-], and the first is neither a digit nor a hyphen.",
        )


def check_aliases(aliases: list[str], field: str) -> None:
    """Check aliases; a `-` before one, which removes it, is not looked at.

    Raises:
        ApiError: INVALID_ARGUMENT, with all that are wrong.
    """
    wrong = [alias for alias in aliases if not _ALIAS.fullmatch(alias.removeprefix("-"))]
    if wrong:
        why = f"Invalid version aliases {', '.join(wrong)}: an alias matches [a-z][a-zA-Z0-9-]{{0,126}}[a-z0-9-]."
        raise bad_request(why, [Violation(field=field, description=why)])


def engine_name(name: str) -> str:
    """Return what a model is called in the engine's workspace: as its id, told apart from that id elsewhere."""
    parent, _, model_id = name.rpartition("/")
    return f"m-{model_id}-{hashlib.sha256(parent.encode()).hexdigest()[:8]}"
