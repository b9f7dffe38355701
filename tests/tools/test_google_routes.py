"""What the emulator knows of Google's APIs is what their libraries say."""

from __future__ import annotations

import gzip

from tools.google_routes import FOLDER, MESSAGES, ROUTES, generate


def test_routes_and_messages_are_those_of_the_libraries() -> None:
    routes, messages = generate()

    again = "run `python -m tools.google_routes`"
    assert (FOLDER / ROUTES).read_text("utf-8") == routes, again
    assert gzip.decompress((FOLDER / MESSAGES).read_bytes()) == messages, again
