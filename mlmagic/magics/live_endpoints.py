"""Endpoints that change, on the screen: a line while a magic waits, and a page that keeps up where none does."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mlmagic.magics.live_panel import LivePanel
from mlmagic.magics.own_display import OwnDisplay

if TYPE_CHECKING:
    from mlmagic.api.endpoint import Endpoint
    from mlmagic.magics.live import LivePanels
    from mlmagic.spec.endpoint import EndpointRecord


class Progress:
    """A line that says what an endpoint does while it is waited for; it is gone when the waiting is over."""

    def __init__(self, panels: LivePanels) -> None:
        self._panels = panels
        self._display_id = os.urandom(16).hex()
        self._told = ""

    def __call__(self, record: EndpointRecord) -> None:
        """Tell what changed."""
        from mlmagic.panels.endpoint_state import icon, sentence

        told = f"{icon(record.status.state)} {record.spec.name}: {sentence(record)}"
        if told != self._told:
            self._show(told)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Of a failure the last line stays. In a terminal all lines do.
        if kind is None and self._told and self._panels.is_live:
            self._show("")

    def _show(self, text: str) -> None:
        is_update = self._panels.is_live and bool(self._told)
        self._panels.publish({"text/plain": text}, self._display_id, is_update=is_update)
        self._told = text


class EndpointDisplay(OwnDisplay):
    """Shows endpoints as pages that are drawn anew until what they were told to serve is served."""

    module, name = "mlmagic.api.endpoint", "Endpoint"

    def __init__(self, shell: Any, panels: LivePanels) -> None:
        super().__init__(shell)
        self._panels = panels

    def show(self, shown: Endpoint) -> None:
        """Show an endpoint, and keep its page up to date until it has settled."""
        panel = EndpointPanel(shown, self._shell.display_pub)
        panel.draw()
        if not panel.is_over:
            self._panels.keep(panel)


class EndpointPanel(LivePanel):
    """One display of one endpoint."""

    def __init__(self, endpoint: Endpoint, publisher: Any) -> None:
        super().__init__(publisher)
        self._endpoint = endpoint
        self._drawn: EndpointRecord | None = None

    def draw(self) -> None:
        """Draw the page if the endpoint is not as it is on the screen."""
        from mlmagic.backends.endpoints import is_settled
        from mlmagic.panels import endpoint_bundle

        page = self._endpoint.describe()
        record = page.record
        if record != self._drawn:
            self.publish(endpoint_bundle(page))
        self._drawn = record
        self.is_final = is_settled(record, record.spec.generation)
