"""Container images: which Python and which libraries a program finds in them, told by their names.

What an image is called tells its TensorFlow, and for Vertex AI's training images its Python. How surely the table knows
the rest, `Origin` says. An image that is in none of these tables is the user's own, and nothing is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

REGIONS = ("us", "europe", "asia")
"""Where Vertex AI's own images are kept: the same in each."""


class Purpose(StrEnum):
    """What an image is for."""

    TRAINING = "training"
    PREDICTION = "prediction"
    GENERAL = "general"
    """A public image of TensorFlow or of Python: runs whatever command it is given."""


class Origin(StrEnum):
    """How surely the table knows that an image exists."""

    CLIENT_LIBRARY = "client library"
    """It stands in `google.cloud.aiplatform.constants.prediction`; a test compares."""
    DOCUMENTATION = "documentation"
    """It stands in a stored page of Vertex AI's documentation."""
    UNVERIFIED = "unverified"
    """Its name follows the others, or was seen in public programs alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerImage:
    """An image, and what is installed in it."""

    uri: str
    purpose: Purpose
    python: str | None = None
    """`3.10`; None where it is not known."""
    distributions: Mapping[str, str] = field(default_factory=dict)
    """Name → how its version begins, such as `2.17`; an empty text where that is not known."""
    has_gpu: bool = False
    origin: Origin = Origin.UNVERIFIED


# TensorFlow's minor version → whether the image stands in a stored page of the documentation, with Python 3.10.
_TRAINING: Mapping[str, Origin] = MappingProxyType(
    {
        "2-12": Origin.DOCUMENTATION,
        "2-13": Origin.DOCUMENTATION,
        "2-14": Origin.DOCUMENTATION,
        "2-15": Origin.UNVERIFIED,
        "2-16": Origin.UNVERIFIED,
        "2-17": Origin.UNVERIFIED,
    }
)
_TRAINING_URI = re.compile(
    r"(?:us|europe|asia)-docker\.pkg\.dev/vertex-ai/training/tf-(?P<device>cpu|gpu)\.(?P<version>2-\d+)\.py310:latest"
)
_PREDICTION_MINORS = range(1, 16)
_PREDICTION_URI = re.compile(
    r"(?:us|europe|asia)-docker\.pkg\.dev/vertex-ai/prediction/tf2-(?P<device>cpu|gpu)\.2-(?P<minor>\d+):latest"
)
_PUBLIC_URI = re.compile(r"tensorflow/tensorflow:(?P<version>2\.(?P<minor>\d+)\.\d+)(?P<gpu>-gpu)?")
_PYTHON_URI = re.compile(r"python:(?P<version>3\.\d+)")

# Unverified: the Python that TensorFlow's own images are built with, by TensorFlow's minor version.
_PUBLIC_PYTHON = ((16, "3.11"), (13, "3.8"))
_KERAS_3 = 16
"""From this minor version on, TensorFlow brings Keras 3."""


def known_image(uri: str) -> ContainerImage | None:
    """Return what is known of an image; None for one that is not in the tables, such as the user's own."""
    if match := _TRAINING_URI.fullmatch(uri):
        return _training(uri, match) if match["version"] in _TRAINING else None
    if match := _PREDICTION_URI.fullmatch(uri):
        is_listed = int(match["minor"]) in _PREDICTION_MINORS
        return _prediction(uri, match) if is_listed else None
    if match := _PUBLIC_URI.fullmatch(uri):
        return _public(uri, match)
    if match := _PYTHON_URI.fullmatch(uri):
        return ContainerImage(uri=uri, purpose=Purpose.GENERAL, python=match["version"])
    return None


def public_image(tensorflow_version: str, *, has_gpu: bool = False) -> str:
    """Return TensorFlow's own image of a version such as `2.21.0`."""
    return f"tensorflow/tensorflow:{tensorflow_version}{'-gpu' if has_gpu else ''}"


def python_image(python_version: str) -> str:
    """Return Python's own image of a version such as `3.11.7`, which is that of its minor version."""
    return f"python:{'.'.join(python_version.split('.')[:2])}"


def training_images(*, region: str = "us") -> tuple[str, ...]:
    """Return Vertex AI's training images with TensorFlow, the newest first."""
    return tuple(
        f"{region}-docker.pkg.dev/vertex-ai/training/tf-{device}.{version}.py310:latest"
        for version in sorted(_TRAINING, reverse=True)
        for device in ("cpu", "gpu")
    )


def prediction_images(*, region: str = "us") -> tuple[str, ...]:
    """Return Vertex AI's prediction images with TensorFlow 2, the newest first."""
    return tuple(
        f"{region}-docker.pkg.dev/vertex-ai/prediction/tf2-{device}.2-{minor}:latest"
        for minor in reversed(_PREDICTION_MINORS)
        for device in ("cpu", "gpu")
    )


def _training(uri: str, match: re.Match[str]) -> ContainerImage:
    return ContainerImage(
        uri=uri,
        purpose=Purpose.TRAINING,
        python="3.10",
        # Unverified but for TensorFlow: Vertex AI's pages name pandas and the clients, without versions.
        distributions=_with_keras(match["version"].replace("-", "."))
        | {"pandas": "", "scipy": "", "google-cloud-storage": "", "cloudml-hypertune": ""},
        has_gpu=match["device"] == "gpu",
        origin=_TRAINING[match["version"]],
    )


def _prediction(uri: str, match: re.Match[str]) -> ContainerImage:
    # No program of ours runs in it, so its Python is of no interest.
    return ContainerImage(
        uri=uri,
        purpose=Purpose.PREDICTION,
        distributions={"tensorflow": f"2.{match['minor']}"},
        has_gpu=match["device"] == "gpu",
        origin=Origin.CLIENT_LIBRARY,
    )


def _public(uri: str, match: re.Match[str]) -> ContainerImage:
    minor = int(match["minor"])
    return ContainerImage(
        uri=uri,
        purpose=Purpose.GENERAL,
        python=next((python for first, python in _PUBLIC_PYTHON if minor >= first), None),
        distributions=_with_keras(match["version"]),
        has_gpu=match["gpu"] is not None,
        origin=Origin.UNVERIFIED,
    )


def _with_keras(tensorflow: str) -> dict[str, str]:
    """Return what TensorFlow cannot be without."""
    minor = int(tensorflow.split(".")[1])
    keras = "3" if minor >= _KERAS_3 else f"2.{minor}"
    return {"tensorflow": tensorflow, "keras": keras, "numpy": "", "tensorboard": f"2.{minor}", "protobuf": ""}
