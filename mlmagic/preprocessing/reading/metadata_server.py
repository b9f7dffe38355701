"""Whether a machine is one of Google's: asked at an address that is nobody's elsewhere, so no answer may ever come.

Imports nothing of Google's: kernels, jobs and pipelines ask with what their own side gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_SECONDS = 1.0
"""The server is on the machine itself, and answers within milliseconds. Google's library waits three times 3 s."""


@dataclass(frozen=True, slots=True)
class _Nobody:
    status: int = 404
    headers: Mapping[str, str] = field(default_factory=dict)


class ImpatientRequest:
    """What `google.auth.default` may ask with: of a metadata server that does not answer at once, there is none.

    What a machine's firmware says still counts, so that one of Google's that is busy is known as such.
    """

    def __init__(self, request: Callable[..., Any], failure: type[Exception]) -> None:
        """Take what asks, and what it raises where no answer comes: `google.auth.transport`'s own."""
        self._request = request
        self._failure = failure

    def __call__(self, url: str, **asked: Any) -> Any:
        """Return what answers."""
        if urlsplit(url).path:
            return self._request(url=url, **asked)
        # The look at whether anybody is there.
        try:
            return self._request(url=url, **{**asked, "timeout": _SECONDS})
        except self._failure:
            return _Nobody()
