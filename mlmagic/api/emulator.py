"""The emulator of Google Cloud that belongs to a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlmagic.session import Session


def stop_emulator(*, session: Session | None = None) -> bool:
    """End the workspace's emulator; say whether one ran.

    Its state stays, its jobs go on, and it is started again by `%mlmagic use emulator` or by the next job.

    Raises:
        BackendError: it cannot be ended.
    """
    from mlmagic.session import current_session

    return (session or current_session()).stop_emulator()
