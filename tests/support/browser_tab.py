"""A browser tab with JupyterLab or Notebook 7 in it, and what it complained of."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect
from support.browser_server import JupyterServer

PATIENCE_MS = 60_000

# Jupyter's own: resize observers, a kernel that is restarted, what Notebook 7 has no files or shortcuts for yet.
_NOISE = (
    re.compile(r"ResizeObserver loop"),
    re.compile(r"Canceled future for .* message before replies were done"),
    re.compile(
        r"(reading 'schema'\)|Command 'filebrowser:open-path' not registered.)\n\s+at \S+ ?\(?\S+/static/notebook/"
    ),
)

# A headless browser shows all its tabs at once; one with a window hides all but one of them.
_HIDING = """
    Object.defineProperty(document, 'visibilityState', { get: () => (window.isHidden ? 'hidden' : 'visible') });
    Object.defineProperty(document, 'hidden', { get: () => !!window.isHidden });
    window.setHidden = isHidden => {
        window.isHidden = isHidden;
        document.dispatchEvent(new Event('visibilitychange'));
    };
"""

_LAUNCHER_HAS_FOCUS = """() => {
    const { currentWidget } = window.jupyterapp.shell;
    const launcher = currentWidget?.node.querySelector('.jp-Launcher');
    return currentWidget !== null && (!launcher || launcher.contains(document.activeElement));
}"""


class Tab:
    """A tab that is logged in."""

    def __init__(self, page: Page, server: JupyterServer) -> None:
        self.page = page
        self.server = server
        self._told: list[str] = []
        self._expected = list(_NOISE)
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._told.append(f"uncaught: {error.stack or error}"))
        page.add_init_script(_HIDING)

    def open(self, path: str | None = None) -> Tab:
        """Open a path of the server, or JupyterLab in a layout of its own, and return when the application is there."""
        path = path or f"lab/workspaces/{uuid.uuid4().hex}"
        self.page.goto(self.server.address(path))
        return self.until_ready()

    def reload(self) -> Tab:
        """Load the page anew, as the browser's own button does."""
        self.page.reload()
        return self.until_ready()

    def until_ready(self) -> Tab:
        """Return when the application has restored what it shows."""
        self.page.wait_for_function("() => window.jupyterapp !== undefined")
        self.page.evaluate("() => window.jupyterapp.restored.then(() => true)")
        # A launcher takes the focus when it comes, also from who has begun to type; one that was restored does not.
        with suppress(Error):
            self.page.wait_for_function(_LAUNCHER_HAS_FOCUS, timeout=5_000)
        return self

    def command(self, name: str, **arguments: Any) -> None:
        """Run a command of the application to its end."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => true)", [name, arguments]
        )

    def has_plugin(self, name: str) -> bool:
        return bool(self.page.evaluate("name => window.jupyterapp.isPluginActivated(name)", name))

    def part(self, name: str, within: Locator | None = None, **data: object) -> Locator:
        """Find what has this `data-mlm`, and these other attributes: `job_id` is `data-job-id`."""
        return (within or self.page).locator(selector(name, **data))

    def row(self, job_id: str) -> Locator:
        """Find a job in the list."""
        return self.part("job-row", job_id=job_id)

    def until_state(self, place: Locator, state: str) -> None:
        """Return when the state that is shown there is this one."""
        expect(place.locator(selector("state", state=state)).first).to_be_visible()

    @property
    def toasts(self) -> Locator:
        """What JupyterLab tells of in its corner."""
        return self.page.locator(".Toastify__toast")

    def hide(self, is_hidden: bool = True) -> None:
        """Put the tab behind another, or in front."""
        self.page.evaluate("isHidden => window.setHidden(isHidden)", is_hidden)

    def expect_complaint(self, pattern: str) -> None:
        """Let the browser complain of this: the test brings it about."""
        self._expected.append(re.compile(pattern))

    @property
    def complaints(self) -> list[str]:
        """Errors of the console and of scripts that nobody expects."""
        return [told for told in self._told if not any(pattern.search(told) for pattern in self._expected)]

    def keep(self, folder: Path, name: str) -> None:
        """Write down what it shows, for whoever looks into a test that failed."""
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(Error):
            self.page.screenshot(path=folder / f"{name}.png", timeout=10_000)
            (folder / f"{name}.html").write_text(self.page.content())
        (folder / f"{name}.console.json").write_text(json.dumps(self._told, indent=1))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._told.append(f"{message.text} ({message.location.get('url', '')})")


def selector(name: str, **data: object) -> str:
    """Return the selector of a part, by its stable attributes alone."""
    others = "".join(f"[data-{key.replace('_', '-')}={json.dumps(str(value))}]" for key, value in data.items())
    return f"[data-mlm={json.dumps(name)}]{others}"


def violations(page: Page, *roots: str) -> Sequence[str]:
    """Return what axe finds in the parts of the page, with where."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(
        "roots => axe.run({ include: roots.map(root => [root]) }, { resultTypes: ['violations'] })", list(roots)
    )
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]
    ]
