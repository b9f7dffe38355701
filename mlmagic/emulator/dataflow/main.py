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
from mlmagic.spec.codec import loads


def main(argv: Sequence[str]) -> int:
    """Run the pipeline of a job's folder; return 0, or 1 with the traceback among the messages."""
    folder = PipelineFolder(Path(argv[0]))
    request = loads(PipelineRequest, folder.request.read_bytes())
    if request.root is not None:
        _find_emulator(Path(request.root))
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    logging.getLogger().addHandler(MessageHandler(folder.messages))
    try:
        from mlmagic.emulator.dataflow.pipeline import run_pipeline

        run_pipeline(request, folder)
    except Exception:  # noqa: BLE001 - whatever it is, it is why the job failed
        told = traceback.format_exc()
        sys.stderr.write(told)
        say(folder.messages, Importance.ERROR, told)
        return 1
    say(folder.messages, Importance.BASIC, "Worker pool stopped.")
    return 0


def _find_emulator(root: Path) -> None:
    """Let Google's client libraries find the emulator where it is now: one that was restarted may have moved."""
    from mlmagic.emulator.launch import read_address

    address = read_address(root)
    if address is not None:
        os.environ.update(address.environment)
