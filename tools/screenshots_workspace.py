"""What the pictures show: jobs of all kinds and states, a study, a dataset, a model and its endpoint."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from support import dataset_tables
from support.browser_jobs import TellingWorkspace
from support.kept_endpoints import SIGNATURE, save

import mlmagic
from mlmagic.api.deployment import deploy
from mlmagic.spec.model import ModelOrigin

EPOCHS = 12
ROWS = 4_000
TRIALS = 18
# Of which it takes some use of the machine to be seen, and lines of several severities.
_WORK = """
import math, os, time
from pathlib import Path

rows = [0.0] * 4_000_000
for epoch in range(1, 9):
    end = time.monotonic() + 0.9
    while time.monotonic() < end:
        math.sqrt(epoch)
    rows += [0.0] * 2_000_000
    print(f"Epoch {epoch}/8", flush=True)
    print(f"253/253 - 1s - 4ms/step - loss: {20 / (1 + epoch):.4f}", flush=True)
    if epoch == 3:
        print("W0000 00:00:1795.68   18 port.cc:153] this program could use more of the machine", flush=True)
    folder = Path(os.environ["AIP_CHECKPOINT_DIR"]) / f"epoch-{epoch}.keras"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(bytes(epoch * 100_000))
"""
LEARNED = """
from pathlib import Path


def train(units: int = 16, epochs: int = 12):
    \"\"\"Write the curves of a network that grows better with its width.\"\"\"
    import math, os, time
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(Path(os.environ["AIP_TENSORBOARD_LOG_DIR"]) / "train"))
    for epoch in range(epochs):
        loss = 12.1 - units / 70 + 9 * math.exp(-epoch / (2 + units / 32))
        values = {"epoch_loss": loss, "epoch_mae": 0.8 * loss}
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        writer.add_event(Event(wall_time=time.time(), step=epoch, summary=summary))
        writer.flush()
        print(f"Epoch {epoch + 1}/{epochs}")
        print(f"253/253 - 4s - 16ms/step - loss: {loss:.4f}", flush=True)
        time.sleep(0.5)
    writer.close()
"""
_SEARCHED = """
import math


def train(lr: float = 0.01, units: int = 64, optimizer: str = "adam"):
    \"\"\"Tell how good a network would be: best with 96 units, a rate of 0.003, and Adam.\"\"\"
    if optimizer == "sgd" and lr > 0.05:
        raise ValueError(f"the loss is not a number with a learning rate of {lr:.3f}")
    off = math.log10(lr / 0.003) ** 2 + math.log2(units / 96) ** 2
    return {"val_loss": 11.2 + off + 0.4 * (optimizer == "sgd")}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The ids of the jobs that pages are shown of."""

    narrow: str
    wide: str
    worked: str
    failed: str
    running: str
    study: str


def fill(jobs: TellingWorkspace) -> Filled:
    """Run all that is to be seen beside the job of a notebook that has failed; one job goes on."""
    failed = jobs.newest("typical-delay")
    study = _search(jobs)
    narrow, wide = (jobs.run("flights", LEARNED, args=[f"--units={units}"]).id for units in (16, 64))
    worked = jobs.run("weather", _WORK).id
    running = jobs.start("census", cores=0.2)
    for epoch in range(5):
        running.measure(epoch, epoch_loss=1 / (1 + epoch))
        running.say(f"Epoch {epoch + 1}/{EPOCHS}")
    for number in (1, 2):
        table = dataset_tables.rides(ROWS, seed=number)
        dataset_tables.register(jobs.session, "rides", dataset_tables.divided(table), target="fare")
    _serve(jobs)
    return Filled(narrow=narrow, wide=wide, worked=worked, failed=failed, running=running.id, study=study)


def _search(jobs: TellingWorkspace) -> str:
    study = mlmagic.tune(
        "units-and-rate",
        source=_SEARCHED,
        metric="val_loss",
        space="lr=log:1e-4..1e-1,units=16..256,optimizer=adam|sgd",
        trials=TRIALS,
        parallel=2,
        session=jobs.session,
    )
    return study.wait().id


def _serve(jobs: TellingWorkspace) -> None:
    """Deploy both versions of a model."""
    _register(jobs)
    deploy("delays@1", endpoint="delays", session=jobs.session)
    deploy("delays@2", endpoint="delays", traffic=20, session=jobs.session)


def serve_with_shadow(jobs: TellingWorkspace) -> None:
    """Deploy a version with the other one as its shadow, and ask it."""
    _register(jobs)
    deploy("delays@1", endpoint="delays", session=jobs.session)
    deploy("delays@2", endpoint="delays", shadow=True, session=jobs.session)
    ask(jobs)


def _register(jobs: TellingWorkspace) -> None:
    """Register a model whose version N adds N; it has two."""
    session = jobs.session
    with tempfile.TemporaryDirectory() as folder:
        for number, loss in ((1, 11.93), (2, 11.21)):
            path = Path(folder) / str(number)
            path.mkdir()
            save(path / "model.onnx", number)
            origin = ModelOrigin(
                artifact="onnx", artifact_path="model.onnx", framework="onnx", metrics={"val_loss": loss}
            )
            session.models.register("delays", path, origin=origin, signature=SIGNATURE, now=datetime.now(UTC))


def ask(jobs: TellingWorkspace) -> None:
    """Ask the endpoint often enough for its page to have something to tell."""
    for number in range(200):
        mlmagic.predict("delays", [{"x": float(number)}], session=jobs.session)
