"""What the containers of an endpoint printed, from Cloud Logging."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlmagic.backends.google.client import GoogleClient

_DAYS = 1
_PAGES = 5


def newest_lines(client: GoogleClient, endpoint: str) -> str:
    """Return the lines of the last day, the oldest first; the first five pages of them if there are more.

    Unverified: under which resource Cloud Logging has them.

    Raises:
        BackendError: Google refused, or did not answer.
    """
    since = (datetime.now(UTC) - timedelta(days=_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    number = endpoint.rpartition("/")[2]
    where = (
        'resource.type="aiplatform.googleapis.com/Endpoint" AND '
        f'resource.labels.endpoint_id="{number}" AND timestamp>="{since}"'
    )
    lines: list[str] = []
    token = ""
    for _ in range(_PAGES):
        page = client.log_entries(where, token)
        for entry in page.get("entries", ()):
            text = entry.get("textPayload") or entry.get("jsonPayload", {}).get("message") or ""
            lines += [f"{entry.get('timestamp', '')[:19].replace('T', ' ')} {text.rstrip()}\n"] if text else []
        token = page.get("nextPageToken", "")
        if not token:
            break
    return "".join(lines)
