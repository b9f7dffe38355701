"""Sending each alert once to an address of the user's: Slack, Mattermost, or anything that takes JSON.

The address is a secret: it stands in a file of the job's folder alone, and is shown without its path.
"""

from __future__ import annotations

import ipaddress
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlmagic.errors import UsageError
from mlmagic.panels.text import one_line
from mlmagic.spec import codec
from mlmagic.spec.monitoring_alert import Alert
from mlmagic.workspace.files import append
from mlmagic.workspace.monitors import MonitorFolder, read_alerts

SECONDS = 5.0
"""How long an answer may take."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
_WORD = re.compile(r"""(--webhook[=\s]\s*)((?:"[^"]*"|'[^']*'|\S)+)""")
_ADDRESS = re.compile(r"https?://(?:[^/?#]*@)?([^/?#@]*)")
_OWN_FAULT = frozenset({"HTTP 400", "HTTP 413", "HTTP 422"})
"""An alert may be refused so for what is in it; other answers are of the server, or of the address."""
_MOST_REFUSED = 3
"""Where more are refused, it is none of their faults."""
_CALL = re.compile(r"@(?=\D)")
"""Calls somebody, in Mattermost wherever it stands; a version such as `taxi@3` does not."""


def read_webhook(address: object) -> str:
    """Check an address; none is ever told in full.

    Raises:
        UsageError: it is none, or what is sent could be read on its way.
    """
    if not isinstance(address, str):
        raise UsageError(f"webhook must be an address, not {type(address).__name__}.")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError("webhook is no address; it is as in https://hooks.example.com/…") from None
    if parts.scheme not in {"https", "http"} or not host or not re.fullmatch(r"[\x21-\x7e]+", address):
        raise UsageError("webhook is no address; it is as in https://hooks.example.com/…")
    if parts.username is not None or parts.password is not None:
        raise UsageError("webhook: an address with a user or password in it is not taken.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(f"webhook: {shown(address)} is not encrypted: give an https address, or one of this machine.")
    return address


def shown(address: str) -> str:
    """Return what of an address is no secret: `https://hooks.example.com/…`."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}/…"


def without_address(invocation: str | None, address: str) -> str | None:
    """Return the line that was typed, with the address as it may be shown."""
    if invocation is None:
        return None
    told = _WORD.sub(lambda match: match[1] + shown(address), invocation)
    return told.replace(address, shown(address))


def check_no_address(given: Mapping[str, Any]) -> None:
    """See that no argument is an address: it may be a webhook's, and whatever else is said of it would tell it.

    Raises:
        UsageError: some are; all are listed, none in full.
    """
    problems = [
        f"{name} is a web address, at {match[1]}, which only webhook takes"
        for name, value in given.items()
        for each in (value if isinstance(value, list | tuple) else [value])
        if isinstance(each, str) and (match := _ADDRESS.match(each))
    ]
    if len(problems) == 1:
        raise UsageError(f"{problems[0]}.")
    if problems:
        raise UsageError("monitor cannot take these arguments:", problems=problems)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Sender:
    """Sends the alerts of a job from a thread of its own, which outlasts whatever the other side does.

    What was sent is written down as it is: an alert is sent again only if the process is killed between the answer and
    that line. Its `id` is the same then.
    """

    def __init__(
        self,
        address: str,
        folder: MonitorFolder,
        *,
        job: str,
        sent: Path,
        tell: Callable[[str], object],
        first_pause: float = _FIRST_PAUSE,
    ) -> None:
        self._address = address
        self._folder = folder
        self._job = job
        self._path = sent
        self._tell = tell
        self._first_pause = first_pause
        self._sent: set[str] = set()
        self._refused: set[str] = set()
        with suppress(OSError):
            self._sent = set(sent.read_text().split())
        self._is_failing = False
        self._woken = threading.Event()
        self._opener = _opener(address)

    def start(self) -> None:
        """Send what is left from before, and then what comes."""
        self._woken.set()
        threading.Thread(target=self._run, name="webhook", daemon=True).start()

    def wake(self) -> None:
        """Say that there may be new alerts; returns at once."""
        self._woken.set()

    def send(self) -> bool:
        """Send what has not been sent, and say whether all could be; stop where the server is at fault."""
        refused = 0
        for alert in read_alerts(self._folder):
            if alert.job != self._job or alert.id in self._sent:
                continue
            problem = self._post(alert)
            if problem in _OWN_FAULT and refused < _MOST_REFUSED:
                # The others are not to wait for ever for one that nobody takes.
                refused += 1
                self._say_refused(alert, problem)
                continue
            self._say(problem)
            if problem is not None:
                return False
            self._sent.add(alert.id)
            # On a full disk it is remembered as long as the process lives.
            with suppress(OSError):
                append(self._path, f"{alert.id}\n")
        return not refused

    def _run(self) -> None:
        pause = self._first_pause
        while True:
            self._woken.wait()
            self._woken.clear()
            while not self.send():
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            pause = self._first_pause

    def _post(self, alert: Alert) -> str | None:
        """Return why it could not be sent, in words that have nothing of the address."""
        request = urllib.request.Request(  # noqa: S310 - https, or http on this machine
            self._address,
            data=json.dumps(body(alert)).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "mlmagic"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=SECONDS):
                return None
        except urllib.error.HTTPError as error:
            error.close()
            return f"HTTP {error.code}"
        except TimeoutError:
            return f"no answer within {SECONDS:g} s"
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            return "no answer" if not isinstance(reason, OSError) or not reason.strerror else reason.strerror

    def _say_refused(self, alert: Alert, problem: str | None) -> None:
        if alert.id not in self._refused:
            self._refused.add(alert.id)
            told = f"{problem} for alert {alert.id}; it is tried again, and others are sent"
            self._tell(f"Webhook {shown(self._address)}: {told}.")

    def _say(self, problem: str | None) -> None:
        if problem is not None and not self._is_failing:
            self._tell(f"Webhook {shown(self._address)}: {problem}; it is tried again, and looking goes on.")
        elif problem is None and self._is_failing:
            self._tell(f"Webhook {shown(self._address)}: it answers again.")
        self._is_failing = problem is not None


def body(alert: Alert) -> dict[str, Any]:
    """Return what is sent: the alert's fields, and as `text` the line that chats show."""
    line = one_line(f"Alert of {alert.subject}: {alert.line}")
    # Values come from requests, which anybody may have sent: a chat is to show them, not to obey them.
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        line = line.replace(character, entity)
    line = _CALL.sub("@\u200b", line)
    return {**codec.encode(alert), "text": line}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Whoever is asked answers himself: an address that moved could lead to anywhere."""

    def redirect_request(self, *_: Any) -> None:
        """Take a redirect for the refusal that it is."""


def _opener(address: str) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if _is_loopback(urlsplit(address).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)
