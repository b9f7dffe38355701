"""The command line of `python -m mlmagic.emulator`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlmagic.emulator.launch import DEFAULT_PROJECT, DEFAULT_REGION


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What it says."""

    root: Path
    """Absolute."""
    port: int
    project: str | None
    region: str | None
    until_eof: bool
    stop: bool


def read_arguments(words: Sequence[str] | None = None) -> Arguments:
    """Return what the words say, those of this process by default; wrong ones end it, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m mlmagic.emulator", description="Google Cloud on loopback, in the foreground."
    )
    parser.add_argument("--root", type=Path, required=True, help="the folder that holds all state")
    parser.add_argument("--port", type=int, default=0, help="of HTTP; 0: the one it had before, or any that is free")
    parser.add_argument("--project", default=None, help=f"the only project there is; {DEFAULT_PROJECT} at first")
    parser.add_argument("--region", default=None, help=f"where calls without a location go; {DEFAULT_REGION} at first")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    parser.add_argument("--stop", action="store_true", help="end the one that runs in the folder, and return")
    given = parser.parse_args(words)
    return Arguments(**{**vars(given), "root": given.root.absolute()})
