"""Job messages: lines of a file that the job's process appends to and the service reads."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from mlmagic.workspace.files import append

_LONGEST_TEXT = 1 << 16
_OTHERS = ("urllib3", "google.auth", "google.api_core")
"""Loggers that tell of this machine's connections, not of the pipeline."""


class Importance(StrEnum):
    """Dataflow's words, least important first."""

    DEBUG = "JOB_MESSAGE_DEBUG"
    DETAILED = "JOB_MESSAGE_DETAILED"
    BASIC = "JOB_MESSAGE_BASIC"
    WARNING = "JOB_MESSAGE_WARNING"
    ERROR = "JOB_MESSAGE_ERROR"


IMPORTANCES = tuple(Importance)
"""By importance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that a job said. `number` counts from 0; `time` is RFC 3339."""

    number: int
    time: str
    importance: Importance
    text: str


def say(path: Path, importance: Importance, text: str) -> None:
    """Append a message."""
    line = json.dumps({"time": _now(), "importance": importance, "text": text[-_LONGEST_TEXT:]})
    append(path, line + "\n")


def read_messages(path: Path) -> list[Message]:
    """Return all messages; a line that a killed process left half written is none."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        importance = Importance(told["importance"])
        found.append(Message(number=number, time=told["time"], importance=importance, text=told["text"]))
    return found


class MessageHandler(logging.Handler):
    """Makes messages of log records: a worker's log is what tells why a job does what it does."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.INFO)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Append one. A disk that is full must not end the pipeline."""
        if record.name.startswith(_OTHERS):
            return
        try:
            say(self._path, _importance(record.levelno), self.format(record))
        except OSError:
            self.handleError(record)


def _importance(level: int) -> Importance:
    if level >= logging.ERROR:
        return Importance.ERROR
    return Importance.WARNING if level >= logging.WARNING else Importance.DETAILED


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
