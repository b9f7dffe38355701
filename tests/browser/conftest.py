"""One server for all browser tests, one browser for each file of them, and for each test a profile of its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext
from support.browser_jobs import TellingWorkspace
from support.browser_server import REPOSITORY, JupyterServer, serving
from support.browser_tab import Tab
from support.lab_place import chromium, telling

KEPT = REPOSITORY / "build" / "browser"

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Note for the fixtures that the test failed."""
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, no_stray_process: None) -> Iterator[JupyterServer]:
    """A JupyterLab server below a prefix."""
    folder = tmp_path_factory.mktemp("jupyter")
    with serving(folder / "root", folder / "scratch") as server:
        yield server


@pytest.fixture(scope="session")
def workspace(server: JupyterServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TellingWorkspace]:
    """The server's workspace, with jobs that do what they are told."""
    with telling(server, tmp_path_factory.mktemp("pipes")) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make profiles; each has its own cookies."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}))
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def new_tab(
    server: JupyterServer, new_context: Callable[..., BrowserContext], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Tab]]:
    """Make tabs of one profile, or of the one that is given; a complaint in any of them fails the test."""
    tabs: list[Tab] = []
    shared: list[BrowserContext] = []

    def make(context: BrowserContext | None = None) -> Tab:
        if context is None and not shared:
            shared.append(new_context())
        tabs.append(Tab((context or shared[0]).new_page(), server))
        return tabs[-1]

    yield make
    complaints = [told for tab in tabs for told in tab.complaints]
    if complaints or request.node.stash.get(_FAILED, False):
        _keep(tabs, server, KEPT / re.sub(r"\W+", "-", request.node.name))
    assert not complaints, "the browser complained of:\n" + "\n".join(complaints)


@pytest.fixture
def name() -> str:
    """A name that no other job of the workspace has."""
    return f"job-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def tab(new_tab: Callable[..., Tab]) -> Tab:
    """A tab in which nothing is opened yet."""
    return new_tab()


def _keep(tabs: list[Tab], server: JupyterServer, folder: Path) -> None:
    for number, tab in enumerate(tabs, start=1):
        tab.keep(folder, f"tab-{number}")
    (folder / "server.log").write_bytes(server.log.read_bytes()[-1_000_000:])
