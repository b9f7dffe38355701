"""Asking the job's interpreter what a model takes and returns."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlmagic.spec.codec import DecodeError, decode
from mlmagic.spec.model import Signature

TIMEOUT_SECONDS = 180.0

_SCRIPT = Path(__file__).with_name("signature.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found out about a model: its signature, or why it must not become a version."""

    signature: Signature | None = None
    framework_version: str | None = None
    refused: str | None = None
    missing: str | None = None
    """The library that the interpreter lacks, so that nothing could be found out."""


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """The caller no longer wants to know."""


def inspect_model(
    path: Path,
    *,
    python: str | None,
    environment: Mapping[str, str],
    wait: Callable[[subprocess.Popen[bytes], float], int | None],
    timeout: float = TIMEOUT_SECONDS,
) -> Inspection:
    """Read the signature in a child process. `wait(process, seconds)` returns its status, or None when time is up.

    Raises:
        Interrupted: `wait` raised it; the child is gone.
    """
    command = [python or sys.executable, "-P", str(_SCRIPT), str(path)]
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=complaints,
            env=dict(environment),
            cwd="/",
            process_group=0,
        )
        try:
            status = wait(process, timeout)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        answer.seek(0)
        complaints.seek(0)
        if status is None:
            return Inspection(refused=f"reading its signature took longer than {timeout:.0f} s")
        if status != 0:
            return Inspection(refused=f"reading its signature failed: {_last_line(complaints.read(), status)}")
        return _parse(answer.read())


def _parse(answer: bytes) -> Inspection:
    try:
        document = json.loads(answer)
        if "signature" in document:
            return Inspection(
                signature=decode(Signature, document["signature"]),
                framework_version=document.get("frameworkVersion"),
            )
        return Inspection(refused=document.get("refused"), missing=document.get("missing"))
    except (ValueError, TypeError, AttributeError, DecodeError) as error:
        return Inspection(refused=f"reading its signature gave no answer: {error}")


def _last_line(output: bytes, status: int) -> str:
    lines = output.decode(errors="replace").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), f"exit status {status}")
