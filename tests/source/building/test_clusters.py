"""What is said of a program that does not know of its replicas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlmagic.source.clusters import cluster_note
from mlmagic.spec.package import CellShape

ALONE = "import keras\ndef train():\n    return keras.Sequential()"


def test_replicas_that_do_not_know_of_one_another_are_told_of(build) -> None:
    package = build(ALONE)
    note = "each of the 3 replicas runs the whole program by itself, and only the chief's result counts"
    assert cluster_note(package, 3) == f"{note}: `from trainer.loop import fit` trains on all of them together"
    given = replace(package, shape=CellShape.GIVEN)
    assert cluster_note(given, 3) == f"{note}: no file of the package asks for TF_CONFIG or a strategy"
    assert cluster_note(package, 1) is None


@pytest.mark.parametrize(
    "cell",
    [
        "from trainer.loop import fit\ndef train():\n    return fit(None, None, epochs=1)",
        "import tensorflow as tf\ndef train():\n    with tf.distribute.MirroredStrategy().scope():\n        pass",
        "import os\ndef train():\n    print(os.environ['TF_CONFIG'])",
    ],
)
def test_those_that_do_are_not(build, cell: str) -> None:
    assert cluster_note(build(cell), 3) is None
