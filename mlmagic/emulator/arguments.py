"""The command line of `python -m mlmagic.emulator`."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.faults import PREEMPTION, STARTING, Faults
from mlmagic.emulator.launch import DEFAULT_PROJECT, DEFAULT_REGION

_NUMBERS = ("status", "delay_seconds", "slow_seconds", "after", "times", "share", "seconds")
_QUOTA = "such as custom_model_training_cpus=8, custom_model_training_nvidia_t4_gpus=0, requests_per_minute=60"
_FAULT = "such as rpc=CreateCustomJob,status=503,times=2; or the same in JSON"


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
    clear_faults: bool
    faults: tuple[dict[str, Any], ...]
    """Faults and quotas, as `Faults.add` takes them."""


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
    _add_faults(parser)
    given = parser.parse_args(words)
    try:
        faults = tuple(_faults(given))
        for fault in faults:
            Faults().add(fault)
    except (ApiError, ValueError) as error:
        parser.error(str(error))
    names = {field.name for field in dataclasses.fields(Arguments)}
    told = {name: value for name, value in vars(given).items() if name in names}
    return Arguments(**{**told, "root": given.root.absolute(), "faults": faults})


def _add_faults(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "what goes wrong", "Where an emulator runs in the folder already, it is told; else one is started with it."
    )
    group.add_argument("--quota", action="append", default=[], metavar="NAME=LIMIT", help=_QUOTA)
    group.add_argument("--outage", type=float, metavar="SECONDS", help="answer 503 to everything for so long")
    group.add_argument("--slow-starts", type=float, metavar="SECONDS", help="jobs wait so long for their machines")
    group.add_argument("--preempt-after", type=float, metavar="SECONDS", help="take spot machines away after so long")
    group.add_argument("--fault", action="append", default=[], metavar="KEY=VALUE,…", help=_FAULT)
    group.add_argument("--clear-faults", action="store_true", help="switch all of it off where an emulator runs")


def _faults(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for text in given.quota:
        name, _, limit = text.partition("=")
        yield {"quota": name, "limit": _value(limit)}
    if given.outage is not None:
        yield {"rpc": "*", "status": 503, "message": "The service is currently unavailable.", "seconds": given.outage}
    if given.slow_starts is not None:
        yield {"rpc": STARTING, "delay_seconds": given.slow_starts}
    if given.preempt_after is not None:
        yield {"rpc": PREEMPTION, "delay_seconds": given.preempt_after}
    for text in given.fault:
        yield json.loads(text) if text.startswith("{") else _pairs(text)


def _pairs(text: str) -> dict[str, Any]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    return {name.strip(): _value(value) if name.strip() in _NUMBERS else value for name, _, value in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
