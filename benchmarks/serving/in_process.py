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
from typing import Any

import numpy as np
import orjson

from benchmarks.serving.servers import BUILD
from mlmagic.serving.engines.load import load_engine
from mlmagic.spec.endpoint import EngineChoice

ROUNDS, CALLS = 7, 200


def main() -> None:
    model, choice = sys.argv[1:3]
    os.sched_setaffinity(0, {0})
    converted = BUILD / f"{model}.onnx"
    engine = load_engine(
        BUILD / model / "1", choice=EngineChoice(choice), converted=converted if choice == "onnx" else None
    )
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
