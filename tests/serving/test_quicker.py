"""Predictions straight from a version that was converted to ONNX once: without TensorFlow."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from mlmagic.serving.engines.conversion import convert
from mlmagic.serving.pool import PredictorPool
from mlmagic.serving.prediction import predict_frame
from mlmagic.spec.codec import dumps
from mlmagic.spec.model import ModelVersion, Signature, TensorSpec
from mlmagic.workspace.layout import VersionFolder, Workspace

SIGNATURE = Signature(
    inputs=(TensorSpec(name="pixels", dtype="float32", shape=(None, 3)),),
    outputs=(TensorSpec(name="output_0", dtype="float32", shape=(None, 3)),),
)
VERSION = ModelVersion(model="m", number=1, create_time=dt.datetime(2026, 1, 31, tzinfo=dt.UTC), signature=SIGNATURE)


@pytest.fixture(scope="module")
def workspace(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a version that has been converted."""
    workspace = Workspace(tmp_path_factory.mktemp("workspace") / ".mlmagic")
    folder = workspace.version("m", 1)
    shutil.copytree(models / "vector", folder.root)
    VersionFolder(folder.root).signature.write_text(dumps(SIGNATURE))
    assert convert(workspace, VERSION, folder.root).path is not None
    return workspace


def ask(workspace: Workspace, version: ModelVersion = VERSION) -> tuple[pd.DataFrame, bool]:
    """Return a prediction, and whether its process has TensorFlow."""
    folder, pool = workspace.version("m", 1).root, PredictorPool(workspace)
    frame = predict_frame(pool, version, folder, [[1.0, 2.0, 3.0]])
    with pool.lease(version, folder) as predictor:
        files = [file.path for file in psutil.Process(predictor.process_id).memory_maps()]
    pool.close()
    return frame, any("libtensorflow" in file for file in files)


def test_a_known_conversion_answers_without_tensorflow(workspace: Workspace) -> None:
    frame, has_tensorflow = ask(workspace)
    assert frame.to_numpy().tolist() == [[2.0, 4.0, 6.0]]
    assert not has_tensorflow


@pytest.mark.parametrize("signature", [SIGNATURE, None])
def test_without_a_conversion_that_loads_the_version_itself_answers(
    workspace: Workspace, tmp_path: Path, signature: Signature | None
) -> None:
    broken = Workspace(tmp_path / ".mlmagic")
    shutil.copytree(workspace.root, broken.root)
    next(broken.converted.glob("*/model.onnx")).write_bytes(b"cut short")
    frame, has_tensorflow = ask(broken, dataclasses.replace(VERSION, signature=signature))
    assert frame.to_numpy().tolist() == [[2.0, 4.0, 6.0]]
    assert has_tensorflow


@pytest.mark.slow
def test_gradients_come_from_the_version_itself(workspace: Workspace) -> None:
    folder, pool = workspace.version("m", 1).root, PredictorPool(workspace)
    rows = {"pixels": np.ones((2, 3), "float32")}
    with pool.lease(VERSION, folder) as predictor:
        assert predictor.predict(rows)["output_0"].tolist() == [[2.0] * 3] * 2
        first = predictor.process_id
        assert predictor.gradients(rows, "output_0", 1)["pixels"].tolist() == [[0.0, 2.0, 0.0]] * 2
        assert predictor.process_id == first
    pool.close()
