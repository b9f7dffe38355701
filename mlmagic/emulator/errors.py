"""What an API answers in place of a result, as HTTP and gRPC tell it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

CODES = {
    "CANCELLED": (499, 1),
    "UNKNOWN": (500, 2),
    "INVALID_ARGUMENT": (400, 3),
    "DEADLINE_EXCEEDED": (504, 4),
    "NOT_FOUND": (404, 5),
    "ALREADY_EXISTS": (409, 6),
    "PERMISSION_DENIED": (403, 7),
    "RESOURCE_EXHAUSTED": (429, 8),
    "FAILED_PRECONDITION": (400, 9),
    "ABORTED": (409, 10),
    "OUT_OF_RANGE": (400, 11),
    "UNIMPLEMENTED": (501, 12),
    "INTERNAL": (500, 13),
    "UNAVAILABLE": (503, 14),
    "UNAUTHENTICATED": (401, 16),
}
"""google.rpc.Code's names: the HTTP status and the number that belong to each."""

_STATUS_OF_HTTP = {code: status for status, (code, _) in reversed(CODES.items())} | {507: "RESOURCE_EXHAUSTED"}
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A field of a request, and what is wrong with it."""

    field: str
    description: str


class ApiError(Exception):
    """An answer of an API that is an error; services raise it."""

    def __init__(
        self, *, status: str, message: str, code: int | None = None, details: Sequence[dict[str, Any]] = ()
    ) -> None:
        self.status = status
        self.message = message
        self.code = CODES[status][0] if code is None else code
        self.details = tuple(details)
        super().__init__(message)

    @property
    def number(self) -> int:
        """google.rpc.Code's number, as gRPC and google.rpc.Status have it."""
        return CODES[self.status][1]

    def to_json(self) -> dict[str, Any]:
        """Return the body of the HTTP answer."""
        body: dict[str, Any] = {"code": self.code, "message": self.message, "status": self.status}
        return {"error": body | ({"details": list(self.details)} if self.details else {})}

    def to_status(self) -> dict[str, Any]:
        """Return the google.rpc.Status, as operations and jobs keep it."""
        return {"code": self.number, "message": self.message}


def not_found(name: str, kind: str = "resource") -> ApiError:
    """Return the error about a name that nothing has."""
    return ApiError(status="NOT_FOUND", message=f"The {kind} {name} was not found." if kind else name)


def already_exists(name: str) -> ApiError:
    """Return the error about a name that is taken."""
    return ApiError(status="ALREADY_EXISTS", message=f"The resource {name} already exists.")


def invalid(field: str, why: str) -> ApiError:
    """Return the error about one field; `why` is a sentence."""
    return bad_request(why, [Violation(field=field, description=why)])


def bad_request(message: str, violations: Sequence[Violation] = ()) -> ApiError:
    """Return the error about a request, with all the fields that are wrong."""
    listed = [{"field": found.field, "description": found.description} for found in violations]
    details = [{"@type": _BAD_REQUEST, "fieldViolations": listed}] if listed else []
    return ApiError(status="INVALID_ARGUMENT", message=message, details=details)


def failed_precondition(message: str) -> ApiError:
    """Return the error about a resource that is not in the state that the request needs."""
    return ApiError(status="FAILED_PRECONDITION", message=message)


def unimplemented(rpc: str) -> ApiError:
    """Return the error about what the real API does and this emulator does not."""
    return ApiError(status="UNIMPLEMENTED", message=f"mlmagic's emulator does not implement {rpc}.")


def disk_full() -> ApiError:
    """Return the answer where the emulator's disk has no room. No client tries again by itself."""
    return ApiError(
        status="RESOURCE_EXHAUSTED",
        code=507,
        message="The disk of mlmagic's emulator is full. Free some space and try again.",
    )


def is_disk_full(error: BaseException) -> bool:
    """Say whether a file, or SQLite, had no room."""
    if isinstance(error, sqlite3.OperationalError):
        return "disk is full" in str(error)
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def of_http_status(code: int, message: str) -> ApiError:
    """Return the error that has this HTTP status."""
    status = _STATUS_OF_HTTP.get(code, "UNKNOWN" if code >= HTTPStatus.INTERNAL_SERVER_ERROR else "FAILED_PRECONDITION")
    return ApiError(status=status, message=message, code=code)
