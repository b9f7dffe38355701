"""The arguments of a batch prediction as words of its program, which reads them here already."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlmagic.api.arguments import check_words
from mlmagic.api.preprocessing_words import CLOUDS, check_client
from mlmagic.errors import MissingDependencyError, MlmagicError, UsageError, nearest
from mlmagic.spec.dataset import ColumnType, DatasetSchema
from mlmagic.spec.model import ModelVersion

if TYPE_CHECKING:
    from mlmagic.session import Session

Columns = str | Sequence[str] | Mapping[str, str]


def read_output(output: object) -> str:
    """Return where predictions are to go; whether they can is for `check_batch_words`.

    Raises:
        UsageError: it is no path.
    """
    if output is None:
        raise UsageError("output is missing: name a folder, or one file such as --output submission.csv.")
    if not isinstance(output, str | os.PathLike):
        raise UsageError(f"output must be a path, not {type(output).__name__} {output!r:.60}.")
    return os.path.expanduser(os.fspath(output))  # noqa: PTH111 - a slash at the end says that it is a folder


def read_columns(columns: object) -> tuple[str, ...]:
    """Return `NAME` or `NAME=COLUMN` for each column of the output.

    Raises:
        UsageError: they are of a type that says nothing.
    """
    if columns is None:
        return ()
    if isinstance(columns, str):
        return tuple(word.strip() for word in columns.split(","))
    if isinstance(columns, Mapping) and all(isinstance(word, str) for pair in columns.items() for word in pair):
        return tuple(f"{name}={source}" for name, source in columns.items())
    if isinstance(columns, Sequence) and columns and all(isinstance(word, str) for word in columns):
        return tuple(columns)
    raise UsageError(
        "columns must be such as 'id,target=prediction', a list of such words, or a mapping of names in the output to "
        f"columns, not {type(columns).__name__} {columns!r:.60}."
    )


def backend_of(runner: object, backend: str | None, default: str) -> str:
    """Return the backend of a job, of which the runner may say more than the session does.

    Args:
        runner: of Beam, or None.
        backend: what was named.
        default: the session's.

    Raises:
        UsageError: they do not go together.
        MissingDependencyError: Beam is not installed.
    """
    from mlmagic.serving.batch.arguments import DIRECT, RUNNERS

    if runner is None:
        return backend or default
    if runner not in RUNNERS:
        raise UsageError(f"runner {runner!r} is none of {' and '.join(RUNNERS)}.", hint=nearest(str(runner), RUNNERS))
    _check_beam(str(runner))
    if runner == DIRECT:
        if backend in CLOUDS:
            raise UsageError(f"runner 'direct' keeps the job on this machine: leave out --backend {backend}.")
        return "local" if default in CLOUDS else backend or default
    chosen = backend or default
    if chosen not in CLOUDS:
        raise UsageError(
            f"runner 'dataflow' needs Google Cloud, and the backend is {chosen!r}.",
            hint="--backend google, or emulator; on this machine the same pipeline runs with --runner direct.",
        )
    check_client()
    return chosen


def _check_beam(runner: str) -> None:
    from importlib import metadata

    try:
        metadata.version("apache-beam")
    except metadata.PackageNotFoundError:
        raise MissingDependencyError(
            f"--runner {runner} needs Beam, which this kernel does not have.",
            hint="Install it: %pip install 'mlmagic[beam]'",
        ) from None


def trained_schema(version: ModelVersion, session: Session) -> DatasetSchema | None:
    """Return the schema of what the version was trained on, as long as that is there."""
    if version.origin.dataset is None:
        return None
    try:
        return session.datasets.resolve(version.origin.dataset).schema
    except MlmagicError:
        return None


def name_target(columns: Sequence[str], version: ModelVersion, schema: DatasetSchema | None) -> tuple[str, ...]:
    """Return the columns, the dataset's target among them written as the prediction that it stands for.

    Raises:
        UsageError: the model predicts several numbers for each row, and it is not said which.
    """
    from mlmagic.serving.batch.naming import output_names, target_column

    target = None if schema is None else schema.target
    if target is None or target not in columns or version.signature is None:
        return tuple(columns)
    names = output_names(version, version.signature)
    predictions = [name for each in names.values() for name in each]
    if target in predictions:
        return tuple(columns)
    source = target_column(names)
    if source is None:
        told = ", ".join(predictions[:10]) + (", …" if len(predictions) > 10 else "")
        raise UsageError(
            f"columns: {version} predicts {target} as {told}: say which is meant, such as {target}={predictions[-1]}."
        )
    return tuple(f"{target}={source}" if word == target else word for word in columns)


def text_types(version: ModelVersion, schema: DatasetSchema | None) -> str | None:
    """Return what columns hold that the model takes as text, as a flag of the program."""
    if schema is None or version.signature is None:
        return None
    texts = {spec.name for spec in version.signature.inputs if spec.dtype == "string"}
    known = [column for column in schema.columns if column.name in texts and column.type is not ColumnType.STRING]
    # A comma keeps the parts of the flag apart: such a column is read as the text that it is.
    return ",".join(f"{column.name}={column.type}" for column in known if not set(",=") & set(column.name)) or None


def check_batch_words(words: Sequence[str]) -> None:
    """Check the words of the program by its own rules.

    Raises:
        UsageError: it will not take them; all that is wrong is listed.
    """
    from mlmagic.serving.batch.arguments import parse_arguments

    check_words(parse_arguments, words, "predict")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWords:
    """What the program is told, but for the version, which may still be in training."""

    inputs: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    engine: object = "auto"
    runner: object = None

    def of(self, version: str, workspace: str, *, texts: str | None = None) -> tuple[str, ...]:
        """Return the words of the program.

        Args:
            version: `taxi@2`.
            workspace: the folder that has it.
            texts: what columns hold that the model takes as text.
        """
        # A path that begins with a dash would be taken for a flag.
        inputs = [word if not word.startswith("-") else f"./{word}" for word in self.inputs]
        words = ["--model", version, "--workspace", workspace, "--input", *(inputs or ["."]), *self.flags]
        words += [f"--columns={','.join(self.columns)}"] if self.columns else []
        words += ["--engine", str(self.engine)] if self.engine != "auto" else []
        words += ["--runner", str(self.runner)] if self.runner is not None else []
        words += ["--text-types", texts] if texts is not None else []
        return tuple(words)

    def check(self) -> None:
        """Check them by the program's own rules.

        Raises:
            UsageError: it will not take them; all that is wrong is listed.
        """
        if held := [word for word in self.columns if "," in word]:
            raise UsageError(f"columns: {held[0]!r} has a comma, which keeps columns apart.")
        check_batch_words(self.of("M@1", "."))
