"""What a job says."""

from __future__ import annotations

import logging
from pathlib import Path

from mlmagic.emulator.dataflow.messages import Importance, MessageHandler, read_messages, say


def test_log_records_become_messages(tmp_path: Path) -> None:
    handler = MessageHandler(tmp_path / "messages.jsonl")
    for level in (logging.INFO, logging.WARNING, logging.ERROR):
        handler.handle(logging.LogRecord("pipeline", level, "", 0, "level %d", (level,), None))
    found = [(message.importance, message.text) for message in read_messages(tmp_path / "messages.jsonl")]
    assert found == [
        (Importance.DETAILED, "level 20"),
        (Importance.WARNING, "level 30"),
        (Importance.ERROR, "level 40"),
    ]


def test_what_tells_of_connections_is_left_out(tmp_path: Path) -> None:
    handler = MessageHandler(tmp_path / "messages.jsonl")
    handler.handle(logging.LogRecord("urllib3.connectionpool", logging.WARNING, "", 0, "Retrying", (), None))
    assert read_messages(tmp_path / "messages.jsonl") == []


def test_a_torn_line_is_no_message(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    say(path, Importance.BASIC, "whole")
    with path.open("a") as file:
        file.write('{"time": "2026')
    (message,) = read_messages(path)
    assert (message.number, message.text) == (0, "whole")
    assert message.time.endswith("Z")
