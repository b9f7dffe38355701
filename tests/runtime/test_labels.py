"""A classifier's version knows what its numbers stand for, if the program that made it noted that."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.runtime.labels import with_labels
from mlmagic.spec.model import Signature, TensorSpec

LABEL = TensorSpec(name="label", dtype="string", shape=(None,))


def signature_of(*outputs: TensorSpec) -> Signature:
    return Signature(outputs=outputs)


def scores(size: int | None, name: str = "prediction", dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name=name, dtype=dtype, shape=(None, size))


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "labels.json").write_text('["late", "on time"]')
    return tmp_path


def test_the_output_of_that_size_gets_them(artifact: Path) -> None:
    marked = with_labels(signature_of(LABEL, scores(2)), artifact)
    assert marked is not None
    assert {spec.name: spec.labels for spec in marked.outputs} == {"label": (), "prediction": ("late", "on time")}
    assert marked.without_labels() == signature_of(LABEL, scores(2))
    assert with_labels(None, artifact) is None


@pytest.mark.parametrize(
    "outputs",
    [
        (LABEL, scores(3)),
        (LABEL, scores(None)),
        (scores(2),),
        (LABEL, scores(2), scores(2, "other")),
        (LABEL, scores(2, dtype="int64")),
        (LABEL, TensorSpec(name="prediction", dtype="float32", shape=(None,))),
    ],
)
def test_in_doubt_they_are_not_known(artifact: Path, outputs: tuple[TensorSpec, ...]) -> None:
    signature = signature_of(*outputs)
    assert with_labels(signature, artifact) == signature


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"a": "b"}', '["a", "a"]', "[" * 100_000])
def test_what_is_no_list_of_classes_is_none(artifact: Path, text: str) -> None:
    (artifact / "assets.extra" / "labels.json").write_text(text)
    signature = signature_of(LABEL, scores(2))
    assert with_labels(signature, artifact) == signature
    assert with_labels(signature, artifact / "none") == signature
