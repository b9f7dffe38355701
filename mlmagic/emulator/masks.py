"""Field masks, as they come with updates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlmagic.emulator.errors import invalid


def read_mask(request: Mapping[str, Any]) -> list[str]:
    """Return the fields of `update_mask` in snake_case; a mask comes as `displayName,labels`.

    Raises:
        ApiError: INVALID_ARGUMENT: there is none.
    """
    fields = [field.strip() for field in str(request.get("update_mask", "")).split(",") if field.strip()]
    if not fields:
        raise invalid("update_mask", "Required field update_mask is not set.")
    return [re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", field) for field in fields]
