"""The image that a job runs in, and what of its package is installed there."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator

from mlmagic.backends.google.images import ContainerImage, Purpose, known_image, public_image, python_image
from mlmagic.errors import UsageError
from mlmagic.spec.job import JobSpec
from mlmagic.spec.package import TrainerPackage

_TENSORFLOW = ("tensorflow", "tensorflow-cpu")
_REQUIREMENTS = "requirements.txt"
_INSTALLED_ALREADY = frozenset({"tensorflow", "tensorflow-cpu", "keras", "numpy"})
"""What Vertex AI's training images come with, and what would not fit together in other versions."""


def image_for(spec: JobSpec, chosen: str | None, *, python: str) -> str:
    """Return the image that a job runs in: the one that was chosen, or TensorFlow's or Python's own of these versions.

    Args:
        spec: of the job.
        chosen: by the user's settings.
        python: the kernel's version, where the spec does not tell the one that it was submitted from.
    """
    wanted = spec.vertex.image or chosen
    if wanted is not None:
        return wanted
    version = tensorflow_version(spec)
    if version is None:
        return python_image(spec.versions.get("python", python))
    has_gpu = any(pool.accelerator_type for pool in spec.resources.worker_pools)
    return public_image(version, has_gpu=has_gpu)


def tensorflow_version(spec: JobSpec) -> str | None:
    """Return the version that the package asks for; None if it does not use TensorFlow."""
    pins = dict(line.partition("==")[::2] for line in spec.package.requirements)
    found = (spec.versions.get(name) or pins.get(name) for name in _TENSORFLOW)
    return next((version.strip() for version in found if version), None)


def check_image(uri: str, spec: JobSpec, package: TrainerPackage, *, python: str) -> None:
    """See that a program fits an image of which something is known, before anything is sent.

    Raises:
        UsageError: it does not; all reasons are listed.
    """
    image = known_image(uri)
    if image is None:
        return
    if image.purpose is Purpose.TRAINING:
        problems = [*_syntax_problems(image, package), *_keras_problems(image, spec)]
    else:
        problems = _differences(image, spec, spec.versions.get("python", python))
    problems += _accelerator_problems(image, spec)
    if image.purpose is Purpose.PREDICTION:
        problems = ["it answers predictions, and trains nothing"]
    if problems:
        raise UsageError(
            f"job {spec.display_name!r} cannot run in the image {uri}:",
            problems=problems,
            hint="Choose another image, or one of your own: %mlmagic config google-image IMAGE",
        )


def package_for(uri: str, package: TrainerPackage) -> TrainerPackage:
    """Return the package as it is installed in an image: Vertex AI's own keep their TensorFlow, Keras and numpy."""
    image = known_image(uri)
    if image is None or image.purpose is not Purpose.TRAINING or _REQUIREMENTS not in package.files:
        return package
    lines = package.files[_REQUIREMENTS].decode().splitlines(keepends=True)
    kept = "".join(line for line in lines if _distribution(line) not in _INSTALLED_ALREADY)
    return dataclasses.replace(package, files={**package.files, _REQUIREMENTS: kept.encode()})


def _distribution(line: str) -> str:
    match = re.match(r"[A-Za-z0-9][\w.-]*", line)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def _syntax_problems(image: ContainerImage, package: TrainerPackage) -> Iterator[str]:
    """Yield what Python of the image's version cannot read, as far as the one that runs this can tell."""
    if image.python is None:
        return
    major, minor = map(int, image.python.split("."))
    for path, content in sorted(package.files.items()):
        if not path.endswith(".py"):
            continue
        try:
            ast.parse(content, path, feature_version=(major, minor))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            yield f"{path}{f', line {line}' if line else ''}: not Python {image.python}: {getattr(error, 'msg', error)}"


def _keras_problems(image: ContainerImage, spec: JobSpec) -> list[str]:
    # Models and layers of Keras 3 are other ones than those of Keras 2.
    wanted, there = spec.versions.get("keras"), image.distributions.get("keras")
    if wanted is None or there is None or wanted.partition(".")[0] == there.partition(".")[0]:
        return []
    return [f"the notebook has Keras {wanted}, and the image Keras {there}"]


def _accelerator_problems(image: ContainerImage, spec: JobSpec) -> list[str]:
    # What an image without TensorFlow installs may bring what a GPU needs along.
    if image.has_gpu or "tensorflow" not in image.distributions:
        return []
    kinds = dict.fromkeys(pool.accelerator_type or "" for pool in spec.resources.worker_pools)
    asked = ", ".join(kind for kind in kinds if kind.startswith("NVIDIA_"))
    if not asked:
        return []
    tier = spec.resources.scale_tier
    return [f"the job ({tier}) pays for {asked}, and the image's TensorFlow uses no GPU: take the image for GPUs"]


def _differences(image: ContainerImage, spec: JobSpec, python: str) -> list[str]:
    problems = []
    if image.python is not None and _minor(python) != _minor(image.python):
        problems.append(f"the notebook has Python {_minor(python)}, and the image {image.python}")
    wanted, there = tensorflow_version(spec), image.distributions.get("tensorflow")
    if wanted is not None and (there is None or _minor(wanted) != _minor(there)):
        problems.append(f"the notebook has TensorFlow {wanted}, and the image {there or 'none'}")
    return problems


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
