"""The package of a batch prediction job: ten lines that call mlmagic, or for Dataflow's workers a copy of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from mlmagic.errors import MissingDependencyError
from mlmagic.source.digest import digest_of
from mlmagic.source.project import pyproject, requirements_text
from mlmagic.source.requirements import installed_distribution
from mlmagic.source.sdist import distribution_name
from mlmagic.source.task import template
from mlmagic.source.vendor import vendored
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.package import CellShape, TrainerPackage

PACKAGE = "predictor"
MODULE = f"{PACKAGE}.task"
_ENTRY = "serving.batch.main"
_NEEDED = ("apache_beam", "numpy", "orjson", "pyarrow")
_LIBRARIES = {"savedmodel": ("tensorflow",), "keras": ("keras", "tensorflow"), "onnx": ("onnxruntime",)}
"""What loads an artifact of a kind; of the first, the version's origin knows which release."""


def build_predictor(name: str, version: str, *, uses_beam: bool = False) -> TrainerPackage:
    """Return the package of a job of this machine.

    Args:
        name: the job's.
        version: mlmagic's.
        uses_beam: a pipeline of Beam does the work.
    """
    extras = "beam,serve,tensorflow" if uses_beam else "serve,tensorflow"
    cold = "it runs a pipeline of Beam, which is not kept warm" if uses_beam else None
    return _package(name, "mlmagic", {}, (f"mlmagic[{extras}]=={version}",), cold)


def build_pipeline(name: str, version: ModelVersion) -> TrainerPackage:
    """Return the package of a pipeline on Dataflow, whose workers install it: mlmagic is not there.

    Raises:
        MissingDependencyError: Beam is not installed.
    """
    libraries = _LIBRARIES.get(version.origin.artifact, _LIBRARIES["savedmodel"])
    found = {module: installed_distribution(module) for module in (*_NEEDED, *libraries)}
    if missing := [module for module, pin in found.items() if pin is None]:
        names = " and ".join(module.replace("_", "-") for module in missing)
        raise MissingDependencyError(
            f"--runner dataflow needs {names}, which this kernel does not have.",
            hint="Install it: %pip install 'mlmagic[beam,serve,tensorflow]'",
        )
    pins = {module: pin for module, pin in found.items() if pin is not None}
    if version.origin.framework_version is not None:
        # Another one may lack operations of the model's graph.
        pins[libraries[0]] = (pins[libraries[0]][0], version.origin.framework_version)
    lines = tuple(f"{distribution}=={pin}" for distribution, pin in sorted(pins.values()))
    return _package(name, PACKAGE, vendored(_ENTRY, PACKAGE), lines, "it is a pipeline of Dataflow")


def _package(
    name: str, caller: str, copied: Mapping[str, bytes], requirements: tuple[str, ...], cold: str | None
) -> TrainerPackage:
    files = {
        f"{PACKAGE}/__init__.py": b"",
        f"{PACKAGE}/task.py": template("predict_task.py").substitute(package=caller).encode(),
        "requirements.txt": requirements_text(
            requirements, f"{sys.version_info.major}.{sys.version_info.minor}"
        ).encode(),
        "setup.py": template("setup.py").substitute().encode(),
        **copied,
    }
    files["pyproject.toml"] = pyproject(distribution_name(name, PACKAGE), files).encode()
    return TrainerPackage(
        shape=CellShape.PREDICT,
        module=MODULE,
        files=dict(sorted(files.items())),
        requirements=requirements,
        digest=digest_of(files),
        cold_reason=cold,
    )
