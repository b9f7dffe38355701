"""The engine alone: `python -m benchmarks.serving.in_process MODEL ENGINE`, CPU µs of a request, bytes to bytes.

What every server has to do at least: read the JSON, make arrays, run the model, write the JSON. Requests are merged
into a batch as a server with so many clients can merge them at most. For each line "CLIENTS INSTANCES" on stdin it
answers with a number. The first line that it writes tells which engine it is, and why if it is not ONNX Runtime.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import orjson

from benchmarks.serving.servers import BUILD
from mlmagic.serving.engines.base import Engine
from mlmagic.serving.engines.converter import convert
from mlmagic.serving.engines.load import load_engine
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.workspace.layout import CONVERSION_RECORD, CONVERTED_MODEL

ROUNDS, INSTANCES = 5, 200


def main() -> None:
    model, choice = sys.argv[1], EngineChoice(sys.argv[2])
    os.sched_setaffinity(0, {0})
    artifact = BUILD / model / "1"
    converted, reason = (None, None) if choice is EngineChoice.SESSION else make_onnx(artifact, BUILD / f"{model}-onnx")
    engine = load_engine(artifact, choice=choice, converted=converted)
    gc.freeze()
    print(json.dumps({"engine": engine.kind, "reason": reason}), flush=True)
    for line in sys.stdin:
        clients, instances = map(int, line.split())
        print(measure(engine, model, clients, instances), flush=True)


def measure(engine: Engine, model: str, clients: int, instances: int) -> float:
    """Return CPU microseconds of a request, the requests of all clients in one batch."""
    asked = json.loads((BUILD / model / f"requests-{instances}.json").read_text())[:clients]
    bodies = [orjson.dumps({"instances": one["instances"]}) for one in asked]
    calls = max(10, INSTANCES // instances)
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(calls):
            answer(engine, bodies)
        rounds.append((time.process_time() - started) / calls / clients)
    return statistics.median(rounds) * 1e6


def make_onnx(artifact: Path, folder: Path) -> tuple[Path | None, str | None]:
    """Return the path of what a model is converted to, which is done once, or why there is none."""
    record = folder / CONVERSION_RECORD
    if not record.exists():
        folder.mkdir(exist_ok=True)
        record.write_text(dumps(convert(artifact, folder, signature=None, statistics=None)))
    reason = loads(ConversionRecord, record.read_bytes()).reason
    return (folder / CONVERTED_MODEL if reason is None else None), reason


def answer(engine: Engine, bodies: list[bytes]) -> list[bytes]:
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
