"""The engine alone: `python -m benchmarks.serving.in_process MODEL ENGINE`, CPU µs of a request, bytes to bytes.

What every server has to do at least: read the JSON, make arrays, run the model, write the JSON. Requests are merged
into a batch as a server with so many clients can merge them at most.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.serving.servers import BUILD
from mlmagic.serving.engines.converter import convert
from mlmagic.serving.engines.load import load_engine
from mlmagic.spec.codec import dumps
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.workspace.layout import CONVERSION_RECORD, CONVERTED_MODEL

ROUNDS, CALLS = 7, 200


def main() -> None:
    model, choice = sys.argv[1], EngineChoice(sys.argv[2])
    os.sched_setaffinity(0, {0})
    artifact = BUILD / model / "1"
    converted = make_onnx(artifact, BUILD / f"{model}-onnx") if choice is EngineChoice.ONNX else None
    engine = load_engine(artifact, choice=choice, converted=converted)
    taken = {}
    for clients, instances in ((1, 1), (8, 1), (32, 1), (8, 64)):
        bodies = [
            orjson.dumps({"instances": one["instances"]})
            for one in json.loads((BUILD / model / f"requests-{instances}.json").read_text())[:clients]
        ]
        answer(engine, bodies)
        rounds = []
        for _ in range(ROUNDS):
            started = time.process_time()
            for _ in range(CALLS if instances == 1 else CALLS // 10):
                answer(engine, bodies)
            rounds.append((time.process_time() - started) / (CALLS if instances == 1 else CALLS // 10) / clients)
        taken[f"{clients}x{instances}"] = statistics.median(rounds) * 1e6
    print(json.dumps(taken))


def make_onnx(artifact: Path, folder: Path) -> Path:
    """Convert a model, unless that was done before, and return the path of what it was converted to."""
    if not (folder / CONVERSION_RECORD).exists():
        folder.mkdir(exist_ok=True)
        record = convert(artifact, folder, signature=None, statistics=None)
        if record.reason is not None:
            raise RuntimeError(f"{artifact} cannot be converted: {record.reason}")
        (folder / CONVERSION_RECORD).write_text(dumps(record))
    return folder / CONVERTED_MODEL


def answer(engine: Any, bodies: list[bytes]) -> list[bytes]:
    """Answer all requests with one call of the model."""
    asked = [orjson.loads(body)["instances"] for body in bodies]
    merged = [instance for instances in asked for instance in instances]
    columns = {}
    for tensor in engine.signature.inputs:
        values = [[instance[tensor.name]] for instance in merged] if isinstance(merged[0], dict) else merged
        columns[tensor.name] = np.array(values, dtype=object if tensor.dtype == "string" else tensor.dtype)
    (output,) = engine.run(columns).values()
    rows, replies, start = output.tolist(), [], 0
    for instances in asked:
        replies.append(orjson.dumps({"predictions": rows[start : start + len(instances)]}))
        start += len(instances)
    return replies


if __name__ == "__main__":
    main()
