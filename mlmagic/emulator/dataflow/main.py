"""What a job's process does, from its request to its last message."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from mlmagic.emulator.dataflow.messages import Importance, MessageHandler, say
from mlmagic.emulator.dataflow.request import PipelineFolder, PipelineRequest
from mlmagic.emulator.dataflow.standby import hand_over
from mlmagic.spec.codec import loads


def main(argv: Sequence[str]) -> int:
    """Run the pipeline of a job's folder, in a process that waits for one if there is one; return its exit status."""
    folder = Path(argv[0])
    request = loads(PipelineRequest, PipelineFolder(folder).request.read_bytes())
    status = None if request.standby is None else hand_over(request.standby, folder)
    return run_here(folder) if status is None else status


def run_here(path: Path) -> int:
    """Run the pipeline of a job's folder in this process; return 0, or 1 with the traceback among the messages."""
    folder = PipelineFolder(path)
    request = loads(PipelineRequest, folder.request.read_bytes())
    token = None if request.root is None else _find_emulator(Path(request.root))
    for handler in (logging.StreamHandler(sys.stderr), MessageHandler(folder.messages)):
        handler.setFormatter(_Hiding(token))
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    try:
        from mlmagic.emulator.dataflow.pipeline import run_pipeline

        run_pipeline(request, folder)
    except Exception:  # noqa: BLE001 - whatever it is, it is why the job failed
        told = _hidden(traceback.format_exc(), token)
        sys.stderr.write(told)
        say(folder.messages, Importance.ERROR, told)
        return 1
    say(folder.messages, Importance.BASIC, "Worker pool stopped.")
    return 0


class _Hiding(logging.Formatter):
    """Keeps the emulator's token, which stands in the address of Cloud Storage, out of logs and messages."""

    def __init__(self, token: str | None) -> None:
        super().__init__()
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        return _hidden(super().format(record), self._token)


def _hidden(text: str, token: str | None) -> str:
    return text.replace(token, "TOKEN") if token else text


def _find_emulator(root: Path) -> str | None:
    """Let Google's client libraries find the emulator where it is now, and return its token."""
    from mlmagic.emulator.launch import read_address

    address = read_address(root)
    if address is None:
        return None
    os.environ.update(address.environment)
    return address.token
