"""A batch prediction whose model is asked elsewhere: `python -m mlmagic.serving.batch.elsewhere STEP FOLDER FLAGS…`.

`prepare` writes the rows that fit the model into FOLDER, as instances for its server. `finish` reads what the server
wrote, in FOLDER/answers, and then does all that a run here does: the same rows in the same order, the same columns, the
same files of rejected rows. A pipeline on Dataflow has done so itself: its files are only brought to their places. Each
may be killed, and done again.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlmagic.errors import MlmagicError
from mlmagic.preprocessing.arguments import DATAFLOW
from mlmagic.serving.batch.arguments import Arguments, parse_arguments
from mlmagic.serving.batch.main import Failed
from mlmagic.spec.batch import KEY_FIELD, BatchResult
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import make_folder, write_atomic
from mlmagic.workspace.layout import ANSWERS, PREDICTIONS, PREPARED, Workspace

_DATABASE = "answers.db"
_REASONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Noun):
    """`prepared.json`: what is to be sent."""

    instances: int
    files: tuple[str, ...] = ()
    """Names in the folder."""
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    """Of all that the predictions depend on."""


def main(argv: Sequence[str] | None = None) -> None:
    """Do a step."""
    step, folder, *words = sys.argv[1:] if argv is None else argv
    try:
        arguments = parse_arguments(words)
        if step == "prepare":
            prepare(arguments, Path(folder))
        elif arguments.runner == DATAFLOW:
            collect_shards(arguments, Path(folder))
        else:
            finish(arguments, Path(folder))
    except MlmagicError as error:
        # Our own frames would only push it off the screen.
        raise Failed(str(error)) from None


def prepare(arguments: Arguments, folder: Path) -> None:
    """Write the instances.

    Raises:
        MlmagicError: the input cannot be read, too many of its rows do not fit the model, or the output's folder
            holds something else.
    """
    from mlmagic.preprocessing.reading.reader import read_unit
    from mlmagic.serving.batch.instances import InstanceFiles
    from mlmagic.serving.batch.model_inputs import fit
    from mlmagic.serving.batch.models import find_version
    from mlmagic.serving.batch.plan import make_plan
    from mlmagic.serving.batch.text_parser import TextParser
    from mlmagic.serving.batch.work import Work

    version, signature = find_version(Workspace(arguments.workspace), arguments)
    if any(spec.name == KEY_FIELD for spec in signature.inputs):
        raise MlmagicError(f"{version} takes {KEY_FIELD}, which tells instances apart in Vertex AI.")
    plan = make_plan(arguments, version, signature)
    Work(plan.target, plan.kind, len(plan.source.units)).check(plan.fingerprint(version))
    make_folder(folder)
    files, parser = InstanceFiles(folder), TextParser(plan.types, plan.source.options.null_values)
    read, reasons = 0, Counter[str]()
    told: list[str] = []
    for unit in plan.source.units:
        for raw in read_unit(plan.source, unit):
            fitting = fit(raw.batch, plan.inputs, parser)
            files.write(fitting.columns)
            faults = [*((row.reason, row.told) for row in raw.rejected), *fitting.faults.values()]
            reasons.update(reason for reason, _ in faults)
            told += [text for _, text in faults][: 5 - len(told)]
            read += raw.batch.num_rows + len(raw.rejected)
    files.close()
    _check_limit(arguments, read, reasons, told)
    if not files.count:
        raise MlmagicError("The input has no row that fits the model: there is nothing to be sent to Vertex AI.")
    names = tuple(path.name for path in files.paths)
    write_atomic(
        folder / PREPARED, dumps(Prepared(instances=files.count, files=names, fingerprint=plan.fingerprint(version)))
    )
    _print(f"{read:,} rows read: {files.count:,} instances for {version}")


def finish(arguments: Arguments, folder: Path) -> None:
    """Write the output.

    Raises:
        MlmagicError: as of `run`.
    """
    from mlmagic.serving.batch.answers import Answers, gather_answers
    from mlmagic.serving.batch.models import find_version
    from mlmagic.serving.batch.plan import make_plan
    from mlmagic.serving.batch.run import run

    version, signature = find_version(Workspace(arguments.workspace), arguments)
    sent = loads(Prepared, (folder / PREPARED).read_bytes()).fingerprint if (folder / PREPARED).exists() else None
    if sent is not None and make_plan(arguments, version, signature).fingerprint(version) != sent:
        raise MlmagicError("The input was changed after it was sent to Vertex AI.", hint="Run it again.")
    database = folder / _DATABASE
    gather_answers(sorted((folder / ANSWERS).iterdir()), database)
    _note(run(arguments, _print, load=lambda: Answers(database, signature)))


def collect_shards(arguments: Arguments, folder: Path) -> None:
    """Bring the files that a pipeline has written to where they belong.

    Raises:
        MlmagicError: they cannot be, or too many rows were rejected.
    """
    from mlmagic.serving.batch.collecting import collect
    from mlmagic.serving.batch.result import summary

    result = collect(arguments, folder)
    _print(summary(result))
    _note(result)


def _note(result: BatchResult) -> None:
    if place := os.environ.get("AIP_MODEL_DIR"):
        make_folder(Path(place))
        write_atomic(Path(place) / PREDICTIONS, dumps(result))


def _check_limit(arguments: Arguments, read: int, reasons: Counter[str], told: Sequence[str]) -> None:
    rejected = reasons.total()
    if not arguments.max_rejected.allows(rejected, read):
        raise MlmagicError(
            f"{rejected:,} of {read:,} rows were rejected: more than --max-rejected {arguments.max_rejected} allows.",
            problems=[
                *(f"{count:,} times {reason}" for reason, count in reasons.most_common(_REASONS)),
                *(f"such as {text}" for text in told),
            ],
            hint="Nothing was sent to Vertex AI. With a higher --max-rejected the others are predicted.",
        )


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - it is a program


if __name__ == "__main__":
    main()
