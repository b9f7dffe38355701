"""What a user may do in the project: all of it, but for what a failure that is switched on takes away."""

from __future__ import annotations

import json
from typing import Any

from mlmagic.emulator.errors import ApiError, bad_request, of_http_status
from mlmagic.emulator.handler import Handler

RPC = "projects.testIamPermissions"


class PermissionsHandler(Handler):
    """Resource Manager's `projects.testIamPermissions`, of which it has no other method."""

    async def post(self, project: str) -> None:
        """Answer with the permissions that are granted of those that are asked for."""
        core = self.site.core
        asked = _permissions(self.request.body)
        core.faults.note(RPC, {"resource": project, "permissions": asked})
        fault = core.faults.take(RPC)
        await self.before(fault)
        if fault is not None and fault.status is not None:
            raise of_http_status(fault.status, fault.message)
        if project != core.project:
            raise ApiError(status="PERMISSION_DENIED", message="The caller does not have permission")
        granted = [one for one in asked if fault is None or one not in fault.deny]
        # As all of Google's APIs, it leaves an empty list out.
        self.answer({"permissions": granted} if granted else {})


def _permissions(body: bytes) -> list[str]:
    try:
        told: Any = json.loads(body)
        asked = told["permissions"]
    except (ValueError, TypeError, KeyError):
        raise bad_request('"permissions" is missing.') from None
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise bad_request('"permissions" is a list of strings.')
    return asked
