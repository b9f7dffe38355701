"""Whether a program makes use of the replicas that it is started on."""

from __future__ import annotations

import re

from mlmagic.source.parts import LOOP_FILE
from mlmagic.spec.package import CellShape, TrainerPackage

# What programs that train together name: the contract's variables, or the libraries that read them.
_TOGETHER = re.compile(
    rb"TF_CONFIG|CLUSTER_SPEC|\btf\.distribute\b|\btensorflow\.distribute\b|import distribute\b|Strategy\("
    rb"|torch\.distributed|DistributedDataParallel|\bhorovod\b|jax\.distributed"
)


def cluster_note(package: TrainerPackage, replicas: int) -> str | None:
    """Return what a user should know of a program that takes each of its replicas for the only one, else None."""
    texts = [content for name, content in package.files.items() if name.endswith(".py") and name != "trainer/task.py"]
    if replicas < 2 or LOOP_FILE in package.files or any(_TOGETHER.search(text) for text in texts):
        return None
    note = f"each of the {replicas} replicas runs the whole program by itself, and only the chief's result counts"
    if package.shape is CellShape.GIVEN:
        return f"{note}: no file of the package asks for TF_CONFIG or a strategy"
    return f"{note}: `from trainer.loop import fit` trains on all of them together"
