"""The bundle is loaded by JupyterLab and by Notebook 7, below a prefix and behind the login."""

from __future__ import annotations

import pytest

PLUGINS = ("core", "panel", "pages", "nounpages", "renderer", "cells")


@pytest.mark.parametrize("application", ["lab", "tree"])
def test_all_plugins_are_active(tab, application):
    tab.open(application)
    assert [name for name in PLUGINS if not tab.has_plugin(f"mlmagic:{name}")] == []


def test_nothing_is_shown_without_the_login(new_context, server):
    page = new_context().new_page()
    page.goto(server.address("lab", with_token=False))
    assert "/hub/user/ada/login" in page.url
    for path in ("jobs", "events", "boards", "openapi.json"):
        answer = page.request.get(server.address(f"mlmagic/api/v1/{path}", with_token=False), max_redirects=0)
        assert answer.status in {302, 403}, path
