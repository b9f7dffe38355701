"""Imported modules to pinned distributions and files of the user's own."""

from __future__ import annotations

from pathlib import Path


def installed_distribution(module: str) -> tuple[str, str] | None:
    """Return name and version of the distribution that provides a module, or None; an editable one counts as local."""
    raise TypeError(module)


def local_module(module: str) -> Path | None:
    """Return the file or package folder of a module that the interpreter finds outside of installed packages."""
    raise TypeError(module)
