"""The arguments of a call, checked together: every one that is wrong is told at once."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from mlmagic.errors import UsageError, nearest
from mlmagic.spec.names import ModelReference, check_labels, check_name, parse_model_reference

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)", re.IGNORECASE | re.ASCII)
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")

_BACKENDS = "Backends: local, which is this machine; google, which is Vertex AI; emulator, which plays it here."

_SEVERAL = "cannot take these arguments:"

T = TypeVar("T")


class ArgumentCheck:
    """Collects what is wrong with the arguments of one call."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._last: UsageError | None = None

    def read(self, function: Callable[..., T], *arguments: object) -> T | None:
        """Return what `function` returns, or None after noting the UsageError that it raised."""
        try:
            return function(*arguments)
        except UsageError as error:
            if error.message.endswith(_SEVERAL):
                self.problems += error.problems
                return None
            self._last = error
            details = "; ".join(error.problems)
            told = " ".join(part for part in (error.message, details) if part)
            end = "" if not error.hint or told.endswith((".", "?", "!", ":")) else "."
            self.problems.append(f"{told}{end} {error.hint or ''}".rstrip())
            return None

    def finish(self, call: str) -> None:
        """Raise the one error for all that was noted.

        Raises:
            UsageError: something was.
        """
        if len(self.problems) == 1 and self._last is not None and len(self._last.problems) > 1:
            raise self._last  # which has them in a list
        if len(self.problems) == 1:
            raise UsageError(self.problems[0])
        if self.problems:
            raise UsageError(f"{call} {_SEVERAL}", problems=self.problems)


def check_words(parse: Callable[[Sequence[str]], object], words: Sequence[str], call: str) -> None:
    """Have a program read its words now: started with words that it does not take, it would fail as a job.

    Args:
        parse: the program's own parser, by `argparse`.
        words: its command line.
        call: what errors call the call.

    Raises:
        UsageError: it does not take them; all that is wrong is listed.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parse(words)
    except UsageError as error:
        raise UsageError(f"{call} {_SEVERAL}", problems=error.problems or [str(error)]) from None
    except SystemExit:
        told = said.getvalue().rpartition(": error: ")[2].strip()
        raise UsageError(f"{call} {_SEVERAL}", problems=[told]) from None


def read_name(name: object, what: str = "name") -> str:
    """Check a name that may be of any type."""
    if not isinstance(name, str):
        raise UsageError(f"{what} must be a string, not {_told(name)}.")
    return check_name(name, what)


def read_reference(reference: object, what: str) -> str:
    """Check that what is to name a job, a model or a version is text."""
    if not isinstance(reference, str):
        raise UsageError(f"{what} must be a string, not {_told(reference)}.")
    return reference


def read_model_reference(reference: object) -> ModelReference:
    """Check what names a model, or one of its versions: `M`, `M@3` or `M@alias`."""
    return parse_model_reference(read_reference(reference, "a model's name"))


def read_timeout(timeout: object) -> float | None:
    """Return seconds: `90`, `"90s"`, `"15m"`, `"2h"`, `"1d"`, a timedelta; None for no limit."""
    if timeout is None:
        return None
    seconds = getattr(timeout, "total_seconds", None)
    if callable(seconds):
        return _positive(float(seconds()), timeout)
    if isinstance(timeout, int | float) and not isinstance(timeout, bool):
        return _positive(float(timeout), timeout)
    match = _DURATION.fullmatch(timeout.strip()) if isinstance(timeout, str) else None
    if match is None:
        raise UsageError(
            f"timeout {timeout!r} is no duration: give seconds, or a number with s, m, h or d, such as 15m."
        )
    return _positive(float(match[1]) * _UNIT_SECONDS[match[2].lower()], timeout)


def read_labels(labels: object) -> dict[str, str]:
    """Check labels that may be of any type."""
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        raise UsageError(f"labels must be a mapping of strings to strings, not {_told(labels)}.")
    wrong = [
        f"{key!r}: {value!r}" for key, value in labels.items() if not isinstance(key, str) or not isinstance(value, str)
    ]
    if wrong:
        raise UsageError("labels must be strings; not so:", problems=wrong)
    return check_labels(dict(labels))


def read_args(args: object, what: str = "args") -> tuple[str, ...]:
    """Check the program's arguments: a sequence of strings, numbers told as they are written."""
    if isinstance(args, str):
        raise UsageError(f"{what} must be a list of words, not one string: {args.split()!r}")
    if not isinstance(args, Sequence):
        raise UsageError(f"{what} must be a list of words, not {_told(args)}.")
    wrong = [arg for arg in args if not isinstance(arg, str | int | float) or isinstance(arg, bool)]
    if wrong:
        raise UsageError(f"{what} must be words; not so: {', '.join(map(_told, wrong))}.")
    if any("\0" in str(arg) for arg in args):
        raise UsageError(f"{what} cannot hold NUL characters: no program could be given them.")
    return tuple(map(str, args))


def read_module(module: object) -> str:
    """Check a module's dotted name."""
    if not isinstance(module, str) or not _MODULE.fullmatch(module):
        raise UsageError(f"module {module!r} is no module name; it is dotted, as in trainer.task.")
    return module


def read_whole_number(number: object, what: str, least: int | None = None) -> int:
    """Check a whole number."""
    if not isinstance(number, int) or isinstance(number, bool):
        raise UsageError(f"{what} must be a whole number, not {_told(number)}.")
    if least is not None and number < least:
        raise UsageError(f"{what} {number} must be {least} or more.")
    return number


def read_backend(backend: object) -> str | None:
    """Check a backend's name without loading it; None for the session's."""
    from mlmagic.backends.registry import BACKENDS

    if backend is not None and backend not in BACKENDS:
        near = nearest(str(backend), ["local", "google", "emulator"])
        raise UsageError(f"there is no backend {backend!r}. {near}".rstrip(), hint=_BACKENDS)
    return None if backend is None else str(backend)


def _positive(seconds: float, told: object) -> float:
    if not 0 < seconds < float("inf"):
        raise UsageError(f"timeout {told!r} must be more than 0 seconds.")
    return seconds


def _told(value: object) -> str:
    return f"{type(value).__name__} {value!r:.60}"
