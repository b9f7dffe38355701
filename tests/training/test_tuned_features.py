"""A number of a feature that is a flag makes the feature that is declared with this number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.rides import COLUMNS, rides, statistics_of
from support.trainer_process import TrainerProcess, load_trainer, write_trainer

from mlmagic.api.search_space import read_space
from mlmagic.source.feature_tuning import tuned_features
from mlmagic.source.features import features_module
from mlmagic.spec.dataset import DatasetSchema
from mlmagic.spec.feature_declaration import read_features

SPACE = read_space("longitude.buckets=2..64,company.vocabulary=1..30,words.vocabulary=1..9,company.embedding=2..8")


def trainer(folder: Path, buckets: int, companies: int, words: int, size: int, *, is_tuned: bool) -> Path:
    declared = {
        "longitude": {"type": "bucketized", "buckets": buckets},
        "company": {"type": "categorical", "vocabulary": companies, "embedding": size},
        "words": {"type": "text", "column": "review", "vocabulary": words},
        "place": {"type": "crossed", "of": ["longitude", "company"], "buckets": 30},
    }
    known = statistics_of(rides(2000))
    features = read_features(declared, COLUMNS, target="fare", key="key")
    features = tuned_features(features, SPACE if is_tuned else (), known)
    return write_trainer(
        folder, features_module(DatasetSchema(columns=COLUMNS, key="key"), known, features, "fare").files
    )


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainerProcess]:
    process = TrainerProcess(tmp_path_factory.mktemp("process") / "log")
    yield process
    process.end()


def encoded(folder: Path, arguments: Mapping[str, int]) -> tuple[dict[str, Any], list[tuple[int, ...]]]:
    """The codes of some rows, and the shapes of the weights."""
    import keras
    import tensorflow as tf

    features = load_trainer(folder).make_features(**arguments)
    columns = rides(300, missing=0.0)
    chunk = {name: tf.constant(columns[name], spec.dtype) for name, spec in features.raw_inputs.items()}
    codes = {name: code.numpy().tolist() for name, code in features.encode(chunk).items()}
    model = keras.Model(features.get_inputs(), features.get_encoded_features())
    return codes, [tuple(weight.shape) for weight in model.weights] + [model.output.shape]


@pytest.mark.parametrize("numbers", [(2, 1, 1, 2), (7, 5, 3, 4), (64, 30, 9, 8)])
def test_the_flag_makes_what_the_declaration_would(process, tmp_path: Path, numbers: tuple[int, ...]) -> None:
    names = ("longitude_buckets", "company_vocabulary", "words_vocabulary", "company_embedding")
    declared = trainer(tmp_path / "declared", *numbers, is_tuned=False)
    tuned = trainer(tmp_path / "tuned", 16, 20, 5, 3, is_tuned=True)
    expected = process.call(encoded, declared, {})
    assert process.call(encoded, tuned, dict(zip(names, numbers, strict=True))) == expected
    assert process.call(encoded, tuned, {}) != expected
