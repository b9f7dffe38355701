"""A flag that is on or off, read as the generated program reads it: its template is `switch.py.template`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

_ON, _OFF = ("true", "1"), ("false", "0")


class Switch(argparse.Action):
    """The action of a flag that is `--x`, `--no-x`, `--x=true` or `--x=false`."""

    def __init__(self, option_strings: Sequence[str], dest: str, *, required: bool = False) -> None:
        self._off = [f"--no-{name.removeprefix('--')}" for name in option_strings]
        super().__init__([*option_strings, *self._off], dest, nargs="?", required=required)

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's own signature
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Note whether the flag is on."""
        if values is not None and option_string in self._off:
            raise argparse.ArgumentError(self, f"{option_string} takes no value: {values!r}")
        word = None if values is None else str(values).lower()
        if word not in {None, *_ON, *_OFF}:
            raise argparse.ArgumentError(self, f"invalid value: {values!r} (choose from true, false)")
        setattr(namespace, self.dest, option_string not in self._off if word is None else word in _ON)
