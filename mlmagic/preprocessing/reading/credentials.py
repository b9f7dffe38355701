"""Whether this machine may speak to Google at all: Beam tries for minutes before it says that there is no login."""

from __future__ import annotations

import os
from typing import Any

from mlmagic.errors import BackendError
from mlmagic.preprocessing.reading.metadata_server import ImpatientRequest


def check_credentials(path: str) -> None:
    """See that there are Application Default Credentials; they are not used, so nothing is known of what they may do.

    Raises:
        BackendError: there are none, and how to get them.
    """
    if "STORAGE_EMULATOR_HOST" in os.environ and path.startswith("gs://"):
        return
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError, TransportError
    from google.auth.transport.requests import Request

    request: Any = ImpatientRequest(Request(), TransportError)
    try:
        google.auth.default(request=request)
    except DefaultCredentialsError as error:
        raise BackendError(
            f"{path} cannot be read: there are no Google credentials on this machine.",
            hint="Log in with: gcloud auth application-default login",
        ) from error
