"""Pages of a list: filtered, sorted, cut where the client asks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlmagic.emulator.errors import invalid
from mlmagic.emulator.filtering import parse_filter, value_at

_DEFAULT_SIZE = 100
_LARGEST_SIZE = 1000


def list_page(
    documents: Iterable[Mapping[str, Any]], request: Mapping[str, Any], field: str, *, key: str = "name"
) -> dict[str, Any]:
    """Return the answer to a list call: one page, and the token of the next.

    Args:
        documents: all that there are, in the order that holds without `order_by`.
        request: with the standard fields `filter`, `order_by`, `page_size`, `page_token`.
        field: of the answer, which has the documents.
        key: of a document, which tells it from all others; the page after it begins there.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    lets_through = parse_filter(request.get("filter", ""))
    found = sort([document for document in documents if lets_through(document)], request.get("order_by", ""))
    size = page_size(request)
    begin = _place(found, request.get("page_token", ""), key)
    page: dict[str, Any] = {field: found[begin : begin + size]}
    if begin + size < len(found):
        page["next_page_token"] = _token(str(value_at(found[begin + size - 1], key)), begin + size)
    return page


def page_size(request: Mapping[str, Any]) -> int:
    """Return how many documents a page has.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    size = int(request.get("page_size", 0))
    if size < 0:
        raise invalid("page_size", f"page_size must not be negative, got {size}.")
    return min(size or _DEFAULT_SIZE, _LARGEST_SIZE)


def sort(documents: list[Mapping[str, Any]], order_by: str) -> list[Mapping[str, Any]]:
    """Sort by `field`, `field desc`, several with commas.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    for term in reversed([term for term in order_by.split(",") if term.strip()]):
        words = term.split()
        if len(words) > 2 or (len(words) == 2 and words[1] not in {"asc", "desc"}):
            raise invalid("order_by", f"Invalid order_by {order_by!r}: expected `field` or `field desc`.")
        documents = sorted(
            documents, key=lambda document: _sortable(value_at(document, words[0])), reverse=words[-1] == "desc"
        )
    return documents


def _sortable(value: Any) -> tuple[bool, float, str]:
    try:
        return (value is not None, float(value), "")
    except (TypeError, ValueError):
        return (value is not None, 0.0, str(value))


def _token(last: str, place: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([last, place]).encode()).decode()


def _place(documents: Sequence[Mapping[str, Any]], token: str, key: str) -> int:
    if not token:
        return 0
    try:
        last, place = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        raise invalid("page_token", f"Invalid page_token {token!r}.") from None
    # What was added or deleted since the page before moves the rest.
    names = [str(value_at(document, key)) for document in documents]
    return names.index(last) + 1 if last in names else int(place)
