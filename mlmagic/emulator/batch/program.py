"""The process of a batch prediction: `python -m mlmagic.emulator.batch.program FOLDER`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from mlmagic.emulator.batch.instances import Instance, read_instances
from mlmagic.emulator.batch.outputs import Shard, open_shard
from mlmagic.emulator.batch.request import PROGRESS, BatchRequest, Progress
from mlmagic.emulator.batch.server import ModelServer, RefusedError
from mlmagic.emulator.batch.sources import find_files
from mlmagic.emulator.programs import REQUEST
from mlmagic.spec.codec import dumps, loads
from mlmagic.workspace.files import write_atomic

_MOST_FAILURES = 20


class NothingPredictedError(Exception):
    """No instance got a prediction."""


def main(argv: Sequence[str]) -> None:
    """Predict what the folder's request names."""
    folder = Path(argv[0])
    # Files that are not complete yet stay here.
    os.chdir(folder)
    run(loads(BatchRequest, (folder / REQUEST).read_bytes()), folder)


def run(request: BatchRequest, folder: Path) -> Progress:
    """Predict; a shard for each input file.

    Raises:
        NoInputError: there is nothing to be predicted.
        NothingPredictedError: all instances failed; has the first reason.
    """
    files = find_files(Path(request.buckets), request.sources)
    server = ModelServer(Path(request.artifact), request.label, request.signature)
    successful, failed, failures, first = 0, 0, [], None
    for number, path in enumerate(files):
        with open_shard(request, number, len(files)) as shard:
            try:
                first = _predict(read_instances(path, request), server, shard, request) or first
            except (OSError, ValueError) as error:
                failures.append(f"{path.name}: {error}")
        successful, failed = successful + shard.successful, failed + shard.failed
        told = Progress(successful=successful, failed=failed, failures=tuple(failures[:_MOST_FAILURES]))
        write_atomic(folder / PROGRESS, dumps(told))
    if not successful and (failed or failures):
        raise NothingPredictedError(first or failures[0])
    return told


def _predict(instances: Iterable[Instance], server: ModelServer, shard: Shard, request: BatchRequest) -> str | None:
    """Write predictions and failures of a file, and return the first reason of a failure."""
    first = None
    for batch in _batches(instances, request.batch_size):
        for instance, prediction, why in _answers(batch, server, request):
            if why is None:
                shard.write(instance, prediction)
            else:
                first = first or why
                shard.refuse(instance, why)
    return first


def _answers(
    batch: Sequence[Instance], server: ModelServer, request: BatchRequest
) -> Iterator[tuple[Instance, object, str | None]]:
    """Ask for all at once, and where that is refused for each alone: one bad row fails no other."""
    asked = [instance for instance in batch if instance.error is None]
    yield from ((instance, None, instance.error) for instance in batch if instance.error is not None)
    if not asked:
        return
    try:
        predictions = server.predict([instance.sent for instance in asked], request.parameters)
    except RefusedError as refused:
        if len(asked) == 1:
            yield asked[0], None, str(refused)
            return
        for instance in asked:
            yield from _answers([instance], server, request)
    else:
        yield from ((instance, each, None) for instance, each in zip(asked, predictions, strict=True))


def _batches(instances: Iterable[Instance], size: int) -> Iterator[list[Instance]]:
    left = iter(instances)
    while batch := list(islice(left, size)):
        yield batch


if __name__ == "__main__":
    main(sys.argv[1:])
