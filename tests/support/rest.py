"""What a test of the REST API asks with, and what it gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer of the server, its JSON read."""

    status: int
    json: Any
    headers: Mapping[str, str]

    @property
    def problem(self) -> dict[str, Any]:
        return dict(self.json["problem"])


Ask = Callable[..., Awaitable[Answer]]
"""`await ask("models/taxi", "DELETE")`; a third argument is the JSON body."""
