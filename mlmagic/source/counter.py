"""The package of a pipeline that counts files for monitoring on Dataflow, whose workers install it."""

from __future__ import annotations

import sys

from mlmagic.errors import MissingDependencyError
from mlmagic.source.digest import digest_of
from mlmagic.source.monitor import MODULE, PACKAGE
from mlmagic.source.project import pyproject, requirements_text
from mlmagic.source.requirements import installed_distribution
from mlmagic.source.sdist import distribution_name
from mlmagic.source.task import template
from mlmagic.source.vendor import vendored
from mlmagic.spec.codec import dumps
from mlmagic.spec.monitoring_files import CountRequest
from mlmagic.spec.package import CellShape, TrainerPackage

_ENTRY = "serving.file_counting_job"
_NEEDED = ("apache_beam", "numpy", "pyarrow")


def build_counter(name: str, request: CountRequest) -> TrainerPackage:
    """Return the package, in which stands what is to be counted: mlmagic is not where it runs.

    Raises:
        MissingDependencyError: Beam is not installed.
    """
    found = {module: installed_distribution(module) for module in _NEEDED}
    if missing := [module for module, pin in found.items() if pin is None]:
        names = " and ".join(module.replace("_", "-") for module in missing)
        raise MissingDependencyError(
            f"--runner dataflow needs {names}, which this kernel does not have.",
            hint="Install it: %pip install 'mlmagic[beam]'",
        )
    requirements = tuple(sorted(f"{pin[0]}=={pin[1]}" for pin in found.values() if pin is not None))
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    files = {
        f"{PACKAGE}/__init__.py": b"",
        f"{PACKAGE}/task.py": template("count_task.py").substitute().encode(),
        f"{PACKAGE}/request.json": dumps(request).encode(),
        "requirements.txt": requirements_text(requirements, python).encode(),
        "setup.py": template("setup.py").substitute().encode(),
        **vendored(_ENTRY, PACKAGE),
    }
    files["pyproject.toml"] = pyproject(distribution_name(name, PACKAGE), files).encode()
    return TrainerPackage(
        shape=CellShape.MONITOR,
        module=MODULE,
        files=dict(sorted(files.items())),
        requirements=requirements,
        digest=digest_of(files),
        cold_reason="it is a pipeline of Dataflow",
    )
