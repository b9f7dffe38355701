"""A server extension for tests: at `test/streams`, how many streams of events the server has open."""

from __future__ import annotations

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from mlmagic.server.handler import Handler
from mlmagic.server.live_views import views_of


class StreamsHandler(Handler):
    """Counts at the server's side: a browser would not tell of connections that it has given up."""

    needs_workspace = False

    async def get(self) -> None:
        self.answer({"streams": views_of(self.session).watcher.listeners})


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "support.stream_count"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    path = url_path_join(server.base_url, "test/streams")
    server.web_app.add_handlers(".*$", [(path, StreamsHandler)])  # type: ignore[no-untyped-call]
