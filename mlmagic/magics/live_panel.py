"""What is on the screen, and drawn anew while there is something new to show."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlmagic.panels.bundle import Bundle

# A workspace on a network file system may stay away for a while.
_MAX_FAILURES = 60


class LivePanel(ABC):
    """One display of one thing."""

    def __init__(self, publisher: Any) -> None:
        # The publisher of the moment: within %%capture it is the capture's, and later updates belong there too.
        self._publisher = publisher
        self._display_id = os.urandom(16).hex()
        self._is_shown = False
        self._failures = 0
        self.is_final = False
        """Nothing will change any more."""

    @property
    def is_over(self) -> bool:
        """It is final, or could not be read for too long."""
        return self.is_final or self._failures >= _MAX_FAILURES

    @abstractmethod
    def draw(self) -> None:
        """Draw it if it is not on the screen as it should be."""

    def follow(self) -> None:
        """Draw it, and outlive whatever goes wrong: nobody waits for this thread to raise."""
        try:
            self.draw()
        except Exception:  # noqa: BLE001 - what it shows is safe in the workspace; at worst a panel is old
            self._failures += 1
        else:
            self._failures = 0

    def publish(self, bundle: Bundle) -> None:
        """Put it on the screen, in the place of what was there."""
        self._publisher.publish(bundle, {}, transient={"display_id": self._display_id}, update=self._is_shown)
        self._is_shown = True
