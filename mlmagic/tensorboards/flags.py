"""The flags that TensorBoard itself has, and what becomes of each: taken, or refused with the reason."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from mlmagic.errors import UsageError, nearest

_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_COUNTS = re.compile(r"[\w.-]+=\d+(,[\w.-]+=\d+)*", re.ASCII)
_LAST_PORT = 65_535


class FlagKind(Enum):
    """What a flag's value is; each is told as the end of a sentence that begins with `must be`."""

    TEXT = "a text"
    WORD = "one of"
    TRUTH = "true or false"
    COUNT = "a whole number from 1"
    INTEGER = "a whole number from -1"
    SECONDS = "a number of seconds, 0 or more"
    COUNTS = "names with numbers: scalars=500,images=0"
    PORT = "a port from 1 to 65535, or default"
    HOST = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A flag of TensorBoard. `name` is as TensorBoard writes it, without dashes."""

    name: str
    help: str = ""
    metavar: str = ""
    kind: FlagKind = FlagKind.TEXT
    choices: tuple[str, ...] = ()
    refusal: str | None = None
    """Why a board has no use for it."""
    is_listed: bool = False
    """The help tells of it; of others only that they are taken."""

    @property
    def takes_value(self) -> bool:
        """Whether a value belongs to it; the others are there or are not."""
        return bool(self.metavar)


_PRINTS = "it prints something and shows no board; in a cell: !tensorboard {flag} …"
_ELSEWHERE = "a board reads the folders of jobs, and those that --logdir names"
_AUTO = ("auto", "true", "false")

FLAGS: tuple[Flag, ...] = (
    Flag(
        name="port",
        help="listen there, instead of on a free port",
        metavar="N",
        kind=FlagKind.PORT,
        is_listed=True,
    ),
    Flag(
        name="reload_interval",
        help="how often to look for what is new; 0 for once; by default 5",
        metavar="SECONDS",
        kind=FlagKind.SECONDS,
        is_listed=True,
    ),
    Flag(
        name="samples_per_plugin",
        help="how much of each kind to keep for a tag: scalars=5000,images=50; 0 is all",
        metavar="NAME=N,…",
        kind=FlagKind.COUNTS,
        is_listed=True,
    ),
    Flag(name="window_title", help="what the browser's tab is called", metavar="TEXT", is_listed=True),
    Flag(name="logdir_spec", metavar="NAME:DIR,…"),
    Flag(name="host", metavar="HOST", kind=FlagKind.HOST),
    Flag(name="max_reload_threads", metavar="N", kind=FlagKind.COUNT),
    Flag(name="reload_task", metavar="WORD", kind=FlagKind.WORD, choices=("auto", "thread", "process", "blocking")),
    Flag(name="reload_multifile", metavar="BOOL", kind=FlagKind.TRUTH),
    Flag(name="reload_multifile_inactive_secs", metavar="N", kind=FlagKind.INTEGER),
    Flag(name="purge_orphaned_data", metavar="BOOL", kind=FlagKind.TRUTH),
    Flag(name="detect_file_replacement", metavar="BOOL", kind=FlagKind.TRUTH),
    Flag(name="generic_data", metavar="WORD", kind=FlagKind.WORD, choices=_AUTO),
    Flag(name="load_fast", metavar="WORD", kind=FlagKind.WORD, choices=_AUTO),
    Flag(name="bind_all", refusal="whoever reaches this machine could look at the board"),
    Flag(name="path_prefix", metavar="PATH", refusal="a board has a secret path of its own"),
    Flag(name="reuse_port", metavar="BOOL", refusal="another process could answer in the board's place"),
    Flag(name="extra_data_server_flags", metavar="FLAGS", refusal="they could open the board's data to the network"),
    Flag(name="grpc_data_provider", metavar="ADDRESS", refusal=_ELSEWHERE),
    Flag(name="grpc_creds_type", metavar="WORD", refusal=_ELSEWHERE),
    Flag(name="db", metavar="URI", refusal=_ELSEWHERE),
    Flag(name="db_import", refusal=_ELSEWHERE),
    Flag(name="inspect", refusal=_PRINTS),
    Flag(name="version_tb", refusal=_PRINTS),
    Flag(name="tag", metavar="TAG", refusal=_PRINTS),
    Flag(name="event_file", metavar="FILE", refusal=_PRINTS),
)
"""All but `--logdir`, which is a source of runs."""

_BY_NAME = {flag.name: flag for flag in FLAGS}


def read_flags(given: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """Return the flags that make a board what it is, by name, as TensorBoard takes them; and what is wrong with others.

    Names have no dashes before them, and either dashes or underscores within. What says what is so anyway (`--host
    localhost`, `--port 0`) is left out.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for name, value in given.items():
        flag = _BY_NAME.get(str(name).replace("-", "_"))
        if flag is None:
            problems.append(unknown(f"--{name}"))
        elif flag.refusal is not None:
            problems.append(f"--{flag.name} does not go with a board: {flag.refusal.format(flag=f'--{flag.name}')}.")
        elif (text := _text(flag, value)) is None:
            problems.append(f"--{flag.name} must be {_allowed(flag)}, not {value!r:.60}.")
        elif not _is_idle(flag, text):
            found[flag.name] = text
    return dict(sorted(found.items())), problems


def read_words(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the flags and the folders of logs that a command line of TensorBoard's own has.

    Raises:
        UsageError: a word is no flag of TensorBoard, or lacks its value; all are listed.
    """
    flags: dict[str, str] = {}
    folders: list[str] = []
    problems: list[str] = []
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        key = name.removeprefix("--").replace("-", "_")
        flag = _BY_NAME.get(key)
        if not name.startswith("--") or (flag is None and key != "logdir"):
            problems.append(unknown(name))
            # What stands behind it may be its value.
            if name.startswith("-") and not equals and rest and not rest[0].startswith("-"):
                rest.pop(0)
            continue
        if (flag is None or flag.takes_value) and not equals:
            if not rest or rest[0].startswith("--"):
                problems.append(f"{name} needs a value.")
                continue
            value = rest.pop(0)
        if flag is None:
            folders.append(value)
        else:
            flags[key] = value
    if problems:
        raise UsageError("TensorBoard does not take these words:", problems=problems)
    return flags, folders


def unknown(word: str) -> str:
    """Return the sentence that a word is no flag of TensorBoard, with the nearest that is."""
    near = nearest(word.strip("-").replace("-", "_"), ["logdir", *_BY_NAME], limit=1)
    return f"{word} is no flag of TensorBoard. {near.replace('mean ', 'mean --')}".rstrip()


def arguments(flags: Mapping[str, str]) -> Iterable[str]:
    """Give the flags as TensorBoard's command line has them."""
    return (f"--{name}={value}" for name, value in sorted(flags.items()) if name != "logdir_spec")


def _text(flag: Flag, value: object) -> str | None:
    """Return a value as TensorBoard takes it; None for one that it would not take."""
    text = str(value)
    if flag.kind is FlagKind.TRUTH:
        text = text.lower()
    is_text = isinstance(value, str) or flag.kind is not FlagKind.TEXT
    return text if is_text and text.isprintable() and _fits(flag, text) else None


def _fits(flag: Flag, text: str) -> bool:
    match flag.kind:
        case FlagKind.TEXT:
            return True
        case FlagKind.WORD:
            return text in flag.choices
        case FlagKind.TRUTH:
            return text in {"true", "false"}
        case FlagKind.COUNT:
            return _is_whole(text, 1)
        case FlagKind.INTEGER:
            return _is_whole(text, -1)
        case FlagKind.SECONDS:
            return _is_seconds(text)
        case FlagKind.COUNTS:
            return _COUNTS.fullmatch(text) is not None
        case FlagKind.PORT:
            return text == "default" or _is_whole(text, 0, _LAST_PORT)
        case FlagKind.HOST:
            return text in _LOOPBACK


def _is_idle(flag: Flag, text: str) -> bool:
    """Say whether a board without it would be the same."""
    return flag.kind is FlagKind.HOST or (flag.kind is FlagKind.PORT and text in {"default", "0"})


def _allowed(flag: Flag) -> str:
    if flag.kind is FlagKind.WORD:
        return ", ".join(flag.choices[:-1]) + f" or {flag.choices[-1]}"
    if flag.kind is FlagKind.HOST:
        return "localhost, for whoever reaches another address could look at the board"
    return str(flag.kind.value)


def _is_whole(text: str, least: int, most: float = math.inf) -> bool:
    return re.fullmatch(r"-?\d{1,18}", text, re.ASCII) is not None and least <= int(text) <= most


def _is_seconds(text: str) -> bool:
    try:
        return 0 <= float(text) < math.inf
    except ValueError:
        return False
