"""The arguments of a preprocessing call as words of its program, which reads them here already."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mlmagic.api.arguments import ArgumentCheck, check_words, read_args
from mlmagic.api.inputs import is_remote
from mlmagic.api.program_words import Arity, KnownFlag, word_groups
from mlmagic.errors import MissingDependencyError, UsageError, nearest

SEVERAL_WORDS = {"--input": KnownFlag("input", Arity.MANY)}
"""The flag of the program that takes more than one word."""
_SEPARATOR = "--"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the program takes besides its inputs, as the caller gave it; None for what is not given."""

    target: object = None
    key: object = None
    split: object = None
    split_time: object = None
    max_rejected: object = None
    format: object = None
    header: object = True
    column_names: object = None
    types: object = None
    delimiter: object = None
    null_values: object = None
    runner: object = None
    workers: object = None
    output: object = None

    def words(self) -> tuple[str, ...]:
        """Return the flags as the program takes them; their values are not checked.

        Raises:
            UsageError: a value is of a type that no flag can have; all are listed.
        """
        check = ArgumentCheck()
        texts = {
            "--target": check.read(_word, "target", self.target),
            "--key": check.read(_word, "key", self.key),
            "--split": check.read(_pairs, "split", self.split),
            "--split-time": check.read(_word, "split_time", self.split_time),
            "--max-rejected": check.read(_limit, self.max_rejected),
            "--format": check.read(_word, "format", self.format),
            "--column-names": check.read(_list, "column_names", self.column_names),
            "--types": check.read(_pairs, "types", self.types),
            "--delimiter": check.read(_word, "delimiter", self.delimiter),
            "--null-values": check.read(_list, "null_values", self.null_values),
            "--runner": check.read(_word, "runner", self.runner),
            "--workers": check.read(_count, self.workers),
            "--output": check.read(_word, "output", self.output),
        }
        words = [word for flag, text in texts.items() if text is not None for word in _flag(flag, text)]
        check.finish("preprocess")
        return (*words, *(() if self.header else ("--no-header",)))


def program_words(inputs: Sequence[str], flags: Flags, args: Sequence[str]) -> tuple[str, ...]:
    """Return the words of the program, checked by its own rules.

    Args:
        inputs: what it reads.
        flags: its other flags.
        args: words for Beam's own options.

    Raises:
        UsageError: it will not take them; all that is wrong is listed.
    """
    # A path that begins with a dash would be taken for a flag.
    paths = [word if not word.startswith("-") or word == "-" else f"./{word}" for word in inputs]
    rest = read_args(args)
    words = ("--input", *paths, *flags.words(), *((_SEPARATOR, *rest) if rest else ()))
    check_preprocessing_words(words)
    return words


def check_preprocessing_words(words: Sequence[str]) -> None:
    """Check the words of the program by its own rules.

    Raises:
        UsageError: it will not take them; all that is wrong is listed.
    """
    from mlmagic.preprocessing.arguments import parse_arguments

    # Where it writes to is told by its environment as a rule, once it runs.
    check_words(parse_arguments, ["--output", "-", *words], "preprocess")


def divided(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words before the bare `--`, and those from it on."""
    place = words.index(_SEPARATOR) if _SEPARATOR in words else len(words)
    return tuple(words[:place]), tuple(words[place:])


def with_inputs(words: Sequence[str], change: Callable[[str], str]) -> tuple[str, ...]:
    """Return the words of the program with each input changed."""
    changed: list[str] = []
    for group in word_groups(words, SEVERAL_WORDS):
        changed += [group.words[0], *map(change, group.words[1:])] if group.name == "input" else group.words
    return tuple(changed)


def without(words: Sequence[str], flags: Collection[str]) -> tuple[str, ...]:
    """Return the words of the program without some of its flags."""
    return tuple(word for group in word_groups(words, SEVERAL_WORDS) if group.name not in flags for word in group.words)


def _check_name(runner: str) -> None:
    # Beam's own are called so; of any other it takes the whole path of the class.
    if "." in runner or runner.lower().endswith("runner"):
        return
    names = ["local", "dataflow"]
    told = f"runner {runner!r} is none of {' and '.join(names)}, nor one of Beam's, such as FlinkRunner."
    raise UsageError(told, hint=nearest(runner, names) or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a pipeline runs."""

    backend: str
    runner: str | None
    """What the program is told."""

    @property
    def is_cloud(self) -> bool:
        """Whether the backend itself brings it to Dataflow."""
        return self.backend in CLOUDS


CLOUDS = frozenset({"google", "emulator"})
"""The backends that run pipelines on Dataflow."""


def place_of(runner: str | None, backend: str) -> Place:
    """Return where a pipeline runs: a backend in the cloud has Dataflow, unless another runner is named."""
    from mlmagic.preprocessing.arguments import DATAFLOW, LOCAL

    if backend not in CLOUDS:
        return Place(backend=backend, runner=runner)
    if runner == LOCAL:
        return Place(backend="local", runner=None)
    return Place(backend=backend, runner=runner or DATAFLOW)


def check_dataflow(runner: object) -> None:
    """Check that a job can be brought to Dataflow by a backend.

    Raises:
        UsageError: another runner is named.
        MissingDependencyError: its client is not installed.
    """
    from mlmagic.preprocessing.arguments import DATAFLOW

    if runner not in {None, DATAFLOW}:
        raise UsageError(
            f"runner {runner!r} is none of Google Cloud's: there it is dataflow, and local keeps the job on this "
            "machine."
        )
    check_client()


def check_runner(runner: object, output: object, inputs: Iterable[str], args: Sequence[str]) -> None:
    """Check that a job elsewhere can read its inputs and write its output.

    Raises:
        UsageError: it needs more, or what is on this machine alone; all is listed.
        MissingDependencyError: its client is not installed.
    """
    from mlmagic.preprocessing.arguments import DATAFLOW, DATAFLOW_NEEDS, LOCAL

    if runner in {None, LOCAL}:
        if output is not None:
            raise UsageError(
                f"output {output!r} is for --runner dataflow and its like: on this machine the dataset becomes a "
                "version in the workspace."
            )
        return
    if runner != DATAFLOW:
        _check_name(str(runner))
        return
    check_client()
    given = {word.partition("=")[0] for word in args}
    problems = [f"{flag} after --: {what}" for flag, what in DATAFLOW_NEEDS.items() if flag not in given]
    if not str(output).startswith("gs://"):
        problems.append("--output gs://…: where it is to write")
    if here := [word for word in inputs if not is_remote(word)]:
        problems.append(f"--input gs://… or bq://…, not files of this machine: {', '.join(here)}")
    if problems:
        raise UsageError("--runner dataflow needs", problems=problems)


def check_client() -> None:
    """Check that Dataflow can be asked from here.

    Raises:
        MissingDependencyError: its client is not installed.
    """
    from importlib import metadata

    try:
        metadata.version("google-cloud-dataflow-client")
    except metadata.PackageNotFoundError:
        raise MissingDependencyError(
            "--runner dataflow needs Beam's client for Google Cloud, which this kernel does not have.",
            hint="Install it: %pip install 'apache-beam[gcp]'",
        ) from None


def _flag(name: str, text: str) -> tuple[str, ...]:
    # A value that begins with a dash would be taken for a flag.
    return (f"{name}={text}",) if text.startswith("-") else (name, text)


def _word(what: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or "\0" in value:
        raise UsageError(f"{what} must be a text, not {_told(value)}.")
    return value


def _count(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"workers must be a whole number from 1, not {_told(value)}.")
    return str(value)


def _limit(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return _word("max_rejected", value)
    if isinstance(value, float) and 0 <= value < 1:
        return f"{value:.12%}".replace("%", "").rstrip("0").rstrip(".") + "%"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}" if isinstance(value, float) else str(value)
    raise UsageError(f"max_rejected must be such as '1%', 0.01 or 1000, not {_told(value)}.")


def _list(what: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return _word(what, value)
    if not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{what} must be a list of texts, not {_told(value)}.")
    return _joined(what, value)


def _pairs(what: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return _word(what, value)
    if not isinstance(value, Mapping):
        raise UsageError(f"{what} must be a mapping or a text such as 'a=b,c=d', not {_told(value)}.")
    return _joined(what, [f"{name}={_text(item)}" for name, item in value.items()])


def _joined(what: str, parts: Sequence[str]) -> str:
    if held := [part for part in parts if "," in part]:
        raise UsageError(f"{what}: {held[0]!r} has a comma, which keeps the parts of the flag apart.")
    return ",".join(parts)


def _text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _told(value: object) -> str:
    return f"{type(value).__name__} {value!r:.60}"
