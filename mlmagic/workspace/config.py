"""`config.toml`: what all processes of a workspace go by. Only `session.py` opens it."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

from mlmagic.errors import WorkspaceError, nearest
from mlmagic.workspace.files import write_atomic

GOOGLE_KEYS = (
    *("google_project", "google_region", "google_bucket", "google_image", "google_service_account", "google_network"),
    *("google_spot", "google_endpoint", "google_storage_endpoint", "google_logging_endpoint"),
    "google_monitoring_endpoint",
)
"""What `backends/google/settings.py` reads."""
CONFIG_KEYS = ("backend", "warm_starts", "budget", *GOOGLE_KEYS)


class ConfigFile:
    """A `config.toml`, read once, and again when it is asked to look. Not safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] | None = None
        self._version: tuple[int, int] | None = None

    @property
    def values(self) -> Mapping[str, str]:
        """The settings.

        Raises:
            WorkspaceError: it cannot be read; names the line.
        """
        if self._values is None:
            # Before it is read: what is written in between is read the next time.
            version = _version(self._path)
            self._values = read_config(self._path)
            self._version = version
        return self._values

    def refresh(self) -> bool:
        """Read what others have written since, and say whether there was anything.

        Raises:
            WorkspaceError: it cannot be read; what was read before stays in force.
        """
        version = _version(self._path)
        if self._values is None or version == self._version:
            return False
        self._version = version
        self._values = read_config(self._path)
        return True

    def save(self, key: str, value: str) -> None:
        """Set a key; the rest of the file stays as it is."""
        text = self._path.read_text("utf-8") if self._path.exists() else ""
        write_atomic(self._path, with_setting(text, key, value))
        self._values = None


def read_config(path: Path) -> dict[str, str]:
    """Return the settings of a `config.toml`; a file that is not there has none. Unknown keys are warned of.

    Raises:
        WorkspaceError: it is not TOML, or a value is of the wrong type.
    """
    import tomllib

    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WorkspaceError(
            f"{path} cannot be read: {error}", hint="Mend it, or delete it to get the defaults."
        ) from error
    known = {key: value for key, value in document.items() if key in CONFIG_KEYS}
    wrong = [f"{key} = {value!r}: expected a string" for key, value in known.items() if not isinstance(value, str)]
    if wrong:
        raise WorkspaceError(f"{path} has settings of the wrong type:", problems=wrong)
    for key in document.keys() - known.keys():
        known_keys = f"Settings: {', '.join(CONFIG_KEYS)}."
        warnings.warn(f"{path}: unknown setting {key!r}. {nearest(key, CONFIG_KEYS) or known_keys}", stacklevel=2)
    return known


def with_setting(text: str, key: str, value: str) -> str:
    """Return the text of a TOML file with a top-level string set; everything else, comments too, stays as it is."""
    # A string of JSON is one of TOML; as it is, a quote in it would make the file one that nobody can read.
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    table = re.search(r"^[ \t]*\[", text, re.MULTILINE)
    split = table.start() if table else len(text)
    top, tables = text[:split], text[split:]
    top, count = re.subn(rf"^[ \t]*{key}[ \t]*=.*$", lambda _: line, top, flags=re.MULTILINE)
    if not count:
        top = f"{top.rstrip()}\n{line}\n".lstrip() + ("\n" if tables else "")
    return top + tables


def _version(path: Path) -> tuple[int, int] | None:
    """Return what tells one version of a file from the next, which takes its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
