"""Why a program failed, read from its exit status and from the end of its log."""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import Callable

from mlmagic.spec.job import JobError

TAIL_BYTES = 256 * 1024
"""How much of the log's end is enough to find the reason."""

_HEADER = re.compile(r"^(?:  \+ Exception Group )?Traceback \(most recent call last\):$")
_CHAIN = re.compile(r"^(?:During handling of the above exception|The above exception was the direct cause)")
_RAISED = re.compile(r"^(?:  \| )?[A-Za-z_][\w.]*(?:: .*)?$")
# Lines that libraries still print while the interpreter goes down after an uncaught exception.
_CHATTER = re.compile(r"^(?:[IWEF]\d{4} |[IWEF]0000 |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*: [IWEF] |WARNING: )")
# An error of mlmagic's own modules in the package; it says all there is to say.
_OUR_OWN = re.compile(
    r"^(?:preprocessor|monitor)\.errors\.\w+: |^predictor\.serving\.batch\.main\.Failed: "
    r"|^mlmagic\.(?:serving\.batch|tuning)\.main\.Failed: |^ValueError: (?=build_model )"
)
# Where TensorFlow gives its reason after the places that it names, each in its own paragraph.
_IN_A_GRAPH = "Graph execution error:"
_OF_A_GRAPH = ("Detected at node ", "Node: ", "[[{{", "Stack trace for op definition")
_PROBLEM = "  - "
_MACHINERY = re.compile(r'^\s+File "<frozen (?:runpy|importlib[\w.]*)>"')

_PEER_LOST = re.compile(
    r"^[\w.]*(?:Unavailable|Aborted|Cancelled|DeadlineExceeded)Error\b|^(?:ConnectionResetError|ConnectionRefusedError"
    r"|ConnectionAbortedError|BrokenPipeError|EOFError|TimeoutError)\b|Connection reset by peer|Connection refused"
    r"|Socket closed|failed to connect to all addresses"
)
# What TensorFlow's coordination service writes before it ends a process whose peers it has lost.
_COORDINATION = re.compile(r"coordination[ _]?(?:service|agent)", re.IGNORECASE)

_FIT_ON_A_CLUSTER = (
    r"\(PerReplica:\{|Invalid reduction dimension 0 for input with 0 dimensions"
    r"|pass this dataset to ClusterCoordinator\.create_per_worker_dataset"
)

_RELATIVE = "Relative paths start in the folder that the notebook runs in."
_ELSEWHERE = "The job does not see the notebook's folder: put the file into a bucket, and read it as /gcs/BUCKET/FILE."

_HINTS: tuple[tuple[str, str], ...] = (
    (
        r"No space left on device|\[Errno 28\]|database or disk is full",
        "The disk is full: free some space, such as that of old jobs in the workspace, and run it again.",
    ),
    (
        r"^ModuleNotFoundError: No module named '(?P<name>[\w.]+)'",
        "The job's Python has no {name!r}: install it with `%pip install`, or leave the import out.",
    ),
    (
        r"^MemoryError|std::bad_alloc|^[\w.]*ResourceExhaustedError|Cannot allocate memory",
        "Out of memory: try a smaller batch, or read the data in pieces.",
    ),
    (
        r"error: (?:unrecognized arguments|argument |the following arguments are required)",
        "Arguments after `--` go to the program, which did not take these; `--dry-run` shows its flags.",
    ),
    (
        _FIT_ON_A_CLUSTER,
        "Keras 3's `model.fit` cannot train on a cluster; `from trainer.loop import fit` can. Or run one replica.",
    ),
    (
        r"^[\w.]*UnavailableError\b|stopped sending heartbeats|failed to connect to all addresses",
        "A process that it talks to could not be reached. If that is a replica of its cluster, its own log says why.",
    ),
    (
        r"^FileNotFoundError: .*'/gcs/(?P<name>[^']+)'",
        "There is no gs://{name}, or the job may not read that bucket.",
    ),
    (
        r"^FileNotFoundError: (?!.*'/)",
        _RELATIVE,
    ),
    (
        r"^NameError: name '(?P<name>\w+)' is not defined",
        "The cell runs alone, as a program: {name!r} has to be defined in it, or in a cell that ran before.",
    ),
)


def diagnose(
    exit_code: int, log_tail: str, *, translate: Callable[[str], str], disk_is_full: bool, is_elsewhere: bool = False
) -> JobError:
    """Return why a program ended with this status, -N for signal N.

    Args:
        exit_code: of the program.
        log_tail: the end of what it printed.
        translate: makes frames point at the notebook.
        disk_is_full: whether there was no room any more.
        is_elsewhere: whether it ran on a machine of a cloud.
    """
    # 1 and SIGINT are how the interpreter ends after an exception that nobody caught.
    raw = find_traceback(log_tail) if exit_code in {1, -signal.SIGINT} else None
    if raw is not None and not disk_is_full and _OUR_OWN.match(_exception_line(raw)):
        return _our_own(_exception_text(raw))
    message = _message(exit_code, log_tail, raw)
    if disk_is_full:
        return JobError(
            message=f"the disk is full: {message}",
            traceback=_translated(raw, translate),
            hint=_HINTS[0][1],
        )
    said = message.removeprefix(f"the program ended with exit status {exit_code}: ")
    hint = _hint(exit_code, said if raw is None else _exception_text(raw))
    if is_elsewhere and hint == _RELATIVE:
        hint = _ELSEWHERE
    return JobError(message=message, traceback=_translated(raw, translate), hint=hint)


def _our_own(text: str) -> JobError:
    """Return an error as it was raised: a message, problems one by one, what to do."""
    message, *rest = _OUR_OWN.sub("", text).splitlines()
    last = max((number for number, line in enumerate(rest, 1) if line.startswith(_PROBLEM)), default=0)
    return JobError(message=message, details="\n".join(rest[:last]) or None, hint="\n".join(rest[last:]) or None)


def is_symptom(exit_code: int, log_tail: str) -> bool:
    """Say whether a replica of a cluster seems to have failed only because another one was no longer there."""
    if exit_code == -signal.SIGABRT:
        return bool(_COORDINATION.search(log_tail))
    raw = find_traceback(log_tail) if exit_code == 1 else None
    return raw is not None and bool(_PEER_LOST.search(_exception_line(raw)))


def find_traceback(text: str) -> str | None:
    """Return the uncaught exception that the text ends with, its causes included, or None."""
    lines = text.rstrip().splitlines()
    while lines and _CHATTER.match(lines[-1]):
        lines.pop()
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if not headers:
        return None
    start = headers.pop()
    if not _ends_with_exception(lines[start + 1 :]):
        return None
    while headers and any(_CHAIN.match(line) for line in lines[max(start - 3, 0) : start]):
        start = headers.pop()
    return "\n".join(_without_machinery(lines[start:]))


def signal_name(number: int) -> str:
    """Return `SIGKILL` for 9, or the number where the system has no name for it."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _ends_with_exception(after_header: list[str]) -> bool:
    # What follows the exception's name may be its message, which libraries make many lines long, or what a program that
    # survived it went on to print. Only a lot of it is surely the latter.
    rest = list(itertools.dropwhile(lambda line: line.startswith(" "), after_header))
    return not rest or (bool(_RAISED.match(rest[0])) and len(rest) <= 60)


def _without_machinery(lines: list[str]) -> list[str]:
    kept = []
    skipping = False
    for line in lines:
        text = _without_bar(line)
        if text.startswith("  File "):
            skipping = bool(_MACHINERY.match(text))
        elif not text.startswith("    "):
            skipping = False
        if not skipping:
            kept.append(line)
    return kept


def _without_bar(line: str) -> str:
    # The lines of an exception group's own traceback begin with a bar.
    return line.removeprefix("  | ")


def _translated(raw: str | None, translate: Callable[[str], str]) -> str | None:
    return None if raw is None else translate(raw)


def _message(exit_code: int, log_tail: str, traceback: str | None) -> str:
    if traceback is not None:
        return _reason(traceback)
    if exit_code < 0:
        return f"the program was ended by {signal_name(-exit_code)}"
    said = next((line.strip() for line in reversed(log_tail.splitlines()) if line.strip()), "")
    if said and exit_code in {1, 2} and not _CHATTER.match(said):
        return f"the program ended with exit status {exit_code}: {said:.300}"
    return f"the program ended with exit status {exit_code}"


def _exception_line(traceback: str) -> str:
    lines = traceback.splitlines()
    last_header = max(number for number, line in enumerate(lines) if _HEADER.match(line))
    for line in map(_without_bar, lines[last_header + 1 :]):
        if not line.startswith(" "):
            return line.strip()[:500]
    return lines[-1].strip()[:500]


def _reason(traceback: str) -> str:
    """Return the line that says what was raised, for an error in a graph with what TensorFlow says at its end."""
    line = _exception_line(traceback)
    if not line.endswith(_IN_A_GRAPH):
        return line
    said = (text for text in reversed(traceback.splitlines()) if text.strip() and not text.startswith((" ", "\t")))
    reason = next((text for text in said if not text.startswith(_OF_A_GRAPH) and text != line), "")
    return f"{line.removesuffix(_IN_A_GRAPH).rpartition('.')[2]}{reason}"[:300] if reason else line


def _exception_text(traceback: str) -> str:
    """Return an exception with all lines of its message."""
    line = _exception_line(traceback)
    return traceback[max(0, traceback.rfind(line)) :]


def _hint(exit_code: int, said: str) -> str | None:
    for pattern, hint in _HINTS:
        if match := re.search(pattern, said):
            return hint.format(**match.groupdict())
    if exit_code == -signal.SIGKILL:
        return "Nothing in mlmagic did this: the machine may have run out of memory. Try a smaller batch."
    if exit_code in {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGABRT}:
        return "Native code crashed. `python -X faulthandler` on the exported package shows where."
    return None
