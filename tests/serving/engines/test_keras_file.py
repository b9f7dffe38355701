"""`.keras` files: exported for a session, or called as they are where that fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlmagic.serving.engines.load import load_engine


def fail(*_: object) -> None:
    raise ValueError("cannot be exported")


def test_it_runs_in_a_session(models: Path) -> None:
    engine = load_engine(models / "dense.keras")
    (output,) = engine.run({"pixels": np.ones((2, 3))}).values()
    assert (engine.kind, output.tolist()) == ("session", [[3.0, 3.0]] * 2)
    engine.close()


def test_what_cannot_be_exported_is_called_as_it_is(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlmagic.serving.engines.keras_file.export_keras", fail)
    engine = load_engine(models / "dense.keras")
    (output,) = engine.run_signature("serving_default", {"pixels": np.ones((2, 3))}).values()
    assert (engine.kind, output.tolist()) == ("keras", [[3.0, 3.0]] * 2)
    with pytest.raises(KeyError, match="serve"):
        engine.run_signature("serve", {})
    engine.close()
