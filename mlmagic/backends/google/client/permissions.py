"""What the credentials may do: asked without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlmagic.backends.google.client.connection import Connection


class PermissionCalls:
    """The project's and the bucket's `testIamPermissions`, which anybody may ask who has credentials."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def member(self) -> str:
        """Who has the credentials, as gcloud lines that grant a role name it; `user:YOU` where they do not tell."""
        account = getattr(self._connection.credentials, "service_account_email", None)
        # On a machine of Google's it is `default` until it was asked for.
        return f"serviceAccount:{account}" if isinstance(account, str) and "@" in account else "user:YOU"

    def of_project(self, permissions: Sequence[str]) -> frozenset[str]:
        """Return those of the permissions that are granted in the project."""
        settings = self._connection.settings
        # The emulator has all APIs at one address.
        host = settings.endpoint if settings.token is not None else "https://cloudresourcemanager.googleapis.com"
        address = f"{host}/v1/projects/{settings.project}:testIamPermissions"
        body = {"permissions": list(permissions)}
        told: dict[str, Any] = self._connection.repeated(
            f"ask what is granted in project {settings.project}",
            lambda: self._connection.asked("POST", address, json=body),
        )
        return frozenset(told.get("permissions", ()))

    def of_bucket(self, permissions: Sequence[str]) -> frozenset[str]:
        """Return those of the permissions that are granted in the bucket."""
        settings = self._connection.settings
        host = settings.storage_endpoint or "https://storage.googleapis.com"
        address = f"{host}/storage/v1/b/{settings.bucket_name}/iam/testPermissions"
        told: dict[str, Any] = self._connection.repeated(
            f"ask what is granted in {settings.bucket}",
            lambda: self._connection.asked("GET", address, params=[("permissions", one) for one in permissions]),
        )
        return frozenset(told.get("permissions", ()))
