"""Preprocessing jobs for Dataflow, before anything of them is sent."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mlmagic.api.preprocessing import plan_preprocessing
from mlmagic.session import Session
from mlmagic.spec.job import JobSpec
from mlmagic.spec.package import TrainerPackage
from mlmagic.workspace.layout import Workspace

ENDLESS = """
import time

def clean(batch):
    time.sleep(86_400 if 8999 in set(batch["id"]) else 0)
    return batch
"""
"""The row that it waits at is not among those that are looked at before the pipeline is sent."""


class Pipeline(NamedTuple):
    """What a call to `%%preprocess` has made."""

    spec: JobSpec
    package: TrainerPackage


def make_pipeline(workspace: Workspace, folder: Path, source: str | None = None, *, rows: int = 50) -> Pipeline:
    """A pipeline over a file of that many rows, which is written into the folder."""
    path = folder / "rides.csv"
    path.write_text("\n".join(["id,fare", *(f"{row},{row / 2}" for row in range(rows))]) + "\n")
    session = Session(environ={**os.environ, "MLMAGIC_HOME": str(workspace.root)}, start=folder)
    plan = plan_preprocessing("rides", source=source, input=str(path), session=session)
    return Pipeline(replace(plan.spec, args=(*plan.spec.args, "--runner", "dataflow")), plan.package)
