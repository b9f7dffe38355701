"""The models that all servers serve, requests for them, and what the models themselves say to these.

`python -m benchmarks.serving.models FOLDER` makes them: `m1` is tabular, with its preprocessing inside; `m2` a small
CNN.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

NUMBERS = ("distance", "duration", "passengers", "hour", "weekday", "latitude", "longitude")
TEXTS = {"payment": ["cash", "card", "none", "dispute"], "zone": [f"zone-{number}" for number in range(60)]}
REQUESTS = 64
"""Different requests of each size, so that nothing can be answered from a cache."""
SIZES = (1, 64)


def main() -> None:
    folder = Path(sys.argv[1])
    for name, build, instances in (("m1", build_m1, rides), ("m2", build_m2, digits)):
        if (folder / name / "requests-64.json").exists():  # written last
            continue
        model = build()
        # What comes with the model is named as a version of TensorFlow Serving is: one of the peers wants it so.
        model.export(folder / name / "1", verbose=False)
        model.save(folder / name / "model.keras")
        for size in SIZES:
            asked = [instances(size, seed=number) for number in range(REQUESTS)]
            said = [predict(model, one) for one in asked]
            path = folder / name / f"requests-{size}.json"
            path.write_text(json.dumps([{"instances": a, "predictions": s} for a, s in zip(asked, said, strict=True)]))


def build_m1() -> Any:
    """Return a model of 7 numbers and 2 texts, which it normalises, divides, looks up and embeds itself."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    sample = {name: np.asarray([row[name] for row in rides(5000, seed=1)]) for name in (*NUMBERS, *TEXTS)}
    inputs: dict[str, Any] = {name: keras.Input((1,), name=name) for name in NUMBERS}
    inputs |= {name: keras.Input((1,), name=name, dtype="string") for name in TEXTS}
    encoded = []
    for name in NUMBERS:
        normalization = layers.Normalization(axis=None)
        normalization.adapt(sample[name])
        encoded.append(normalization(inputs[name]))
    for name in ("hour", "distance"):
        boundaries = np.quantile(sample[name], np.linspace(0.1, 0.9, 9)).tolist()
        buckets = layers.Discretization(bin_boundaries=boundaries)(inputs[name])
        encoded.append(layers.Flatten()(layers.Embedding(10, 4)(buckets)))
    for name, words in TEXTS.items():
        numbers = layers.StringLookup(vocabulary=words)(inputs[name])
        encoded.append(layers.Flatten()(layers.Embedding(len(words) + 1, 8)(numbers)))
    hidden = layers.Concatenate()(encoded)
    for units in (64, 32):
        hidden = layers.Dense(units, activation="relu")(hidden)
    return keras.Model(inputs, layers.Dense(1)(hidden))


def build_m2() -> Any:
    """Return a small CNN over 28x28 pixels."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def rides(count: int, *, seed: int) -> list[Any]:
    """Return instances of the first model."""
    columns = columns_of_rides(count, seed=seed)
    return [dict(zip(columns, row, strict=True)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)]


def columns_of_rides(count: int, *, seed: int) -> dict[str, Any]:
    """Return an array for each input of the first model."""
    generator = np.random.default_rng(seed)
    return {
        "distance": generator.gamma(2, 2, count).round(2),
        "duration": generator.gamma(3, 5, count).round(1),
        "passengers": generator.integers(1, 6, count).astype(float),
        "hour": generator.integers(0, 24, count).astype(float),
        "weekday": generator.integers(0, 7, count).astype(float),
        "latitude": generator.normal(40.7, 0.05, count).round(4),
        "longitude": generator.normal(-73.9, 0.05, count).round(4),
        **{name: generator.choice(words, count) for name, words in TEXTS.items()},
    }


def digits(count: int, *, seed: int) -> list[Any]:
    """Return instances of the second model."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 28, 28, 1)) / 255
    as_lists: list[Any] = pixels.round(3).tolist()
    return as_lists


def predict(model: Any, instances: list[Any]) -> list[Any]:
    """Return what the model itself says."""
    import tensorflow as tf

    if isinstance(instances[0], dict):
        inputs: Any = {name: tf.constant([[row[name]] for row in instances]) for name in instances[0]}
    else:
        inputs = tf.constant(instances)
    as_lists: list[Any] = model(inputs).numpy().tolist()
    return as_lists


if __name__ == "__main__":
    main()
