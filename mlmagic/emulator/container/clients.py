"""Where a program finds the emulator: read when it starts, for an emulator that was restarted may have another port."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlmagic.emulator.launch import read_address


def client_variables(root: Path) -> Mapping[str, str]:
    """Return what leads Google's client libraries to the emulator; nothing where there never was one."""
    address = read_address(root)
    return {} if address is None else address.environment
