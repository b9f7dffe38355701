"""The pictures of work in Google Cloud, on the emulator: jobs, a study, a pipeline of Dataflow, an endpoint."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.browser_jobs import TellingWorkspace
from support.kept_endpoints import until

import mlmagic
from mlmagic.api.deployment import deploy
from mlmagic.spec.codec import dumps
from mlmagic.spec.model import ModelOrigin, Signature, TensorSpec
from mlmagic.workspace.files import write_atomic
from tools.screenshots_workspace import LEARNED

ROWS = 6_000
TRIALS = 8
_MODEL = """
import sys
import tensorflow as tf

for number in (1, 2):
    module = tf.Module()
    specs = {name: tf.TensorSpec([None], tf.float32, name) for name in ("miles", "passengers")}
    module.answer = tf.function(lambda miles, passengers: {"fare": 3.0 + (1.9 + number / 10) * miles + 0 * passengers})
    answer = module.answer.get_concrete_function(**specs)
    tf.saved_model.save(module, f"{sys.argv[1]}/{number}/model", signatures=answer)
"""
_CLEAN = """
def clean(batch):
    return batch[batch["fare"].notna()]
"""
_RUNS = """
import time


def train(epochs: int = 240):
    for epoch in range(epochs):
        print(f"Epoch {epoch + 1}/{epochs}", flush=True)
        time.sleep(1)
"""
_FAILS = """
import json


def train(path: str = "/gcs/rides/zones.json"):
    return {"zones": len(json.load(open(path)))}
"""
_SEARCHED = """
def train(rate: float = 0.01, units: int = 64):
    return {"val_mae": 2.3 + abs(rate - 0.02) * 9 + abs(units - 96) / 150}
"""


def fill_cloud(jobs: TellingWorkspace) -> str:
    """Run all that is to be seen on the emulator, and return the id of the pipeline. One job goes on."""
    session = jobs.session
    session.use("emulator")
    pipeline = _preprocess(jobs)
    jobs.run("zones", _FAILS)
    mlmagic.tune(
        "rate-and-units",
        source=_SEARCHED,
        metric="val_mae",
        space="rate=log:1e-3..1e-1,units=16..256",
        trials=TRIALS,
        parallel=2,
        session=session,
    ).wait()
    jobs.run("fares", LEARNED, args=["--units=64"])
    _serve(jobs)
    until(lambda: jobs.job(pipeline).state.is_final, seconds=300)
    running = mlmagic.train("fares-all-year", source=_RUNS, session=session)
    until(lambda: "Epoch" in str(running.logs()), seconds=120)
    return pipeline


def _preprocess(jobs: TellingWorkspace) -> str:
    folder = jobs.session.workspace.root.parent / "rides"
    folder.mkdir()
    for month in range(1, 4):
        rows = [f"{row % 40 / 4},{row % 5 + 1},{'' if row % 97 == 0 else 3 + row % 40 / 2}" for row in range(ROWS // 3)]
        (folder / f"2013-{month:02}.csv").write_text("\n".join(["miles,passengers,fare", *rows]) + "\n")
    job = mlmagic.preprocess(
        "rides", source=_CLEAN, input=f"{folder}/*.csv", target="fare", workers=2, session=jobs.session
    )
    return job.id


def _serve(jobs: TellingWorkspace) -> None:
    session = jobs.session
    folder = session.workspace.root.parent / "saved"
    subprocess.run([sys.executable, "-c", _MODEL, str(folder)], check=True, capture_output=True)
    inputs = tuple(TensorSpec(name=name, dtype="float32", shape=(None,)) for name in ("miles", "passengers"))
    signature = Signature(inputs=inputs, outputs=(TensorSpec(name="fare", dtype="float32", shape=(None,)),))
    origin = ModelOrigin(artifact="savedmodel", artifact_path="model", framework="tensorflow")
    for number in (1, 2):
        saved = folder / str(number)
        session.models.register("fares", Path(saved), origin=origin, signature=signature, now=datetime.now(UTC))
    deploy("fares@1", endpoint="fares", session=session)
    deploy("fares@2", endpoint="fares", traffic=20, session=session)
    mlmagic.predict("fares", [{"miles": 2.5, "passengers": 1}], session=session)
    _grow_old(jobs)


def _grow_old(jobs: TellingWorkspace) -> None:
    """Let the endpoint look as it does three hours later."""
    folder = jobs.session.workspace.endpoint("fares")
    before = datetime.now(UTC) - timedelta(hours=3)
    spec = jobs.session.endpoints.get("fares").spec
    write_atomic(folder.spec, dumps(dataclasses.replace(spec, update_time=before)))
    os.utime(folder.asked, (before.timestamp(), before.timestamp()))
