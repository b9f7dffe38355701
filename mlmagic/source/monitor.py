"""The package of a monitoring job: ten lines that call mlmagic."""

from __future__ import annotations

import sys

from mlmagic.source.digest import digest_of
from mlmagic.source.project import pyproject, requirements_text
from mlmagic.source.sdist import distribution_name
from mlmagic.source.task import template
from mlmagic.spec.package import CellShape, TrainerPackage

PACKAGE = "monitor"
MODULE = f"{PACKAGE}.task"


def build_monitor(name: str, version: str) -> TrainerPackage:
    """Return the package; `version` is mlmagic's."""
    requirements = (f"mlmagic=={version}",)
    files = {
        f"{PACKAGE}/__init__.py": b"",
        f"{PACKAGE}/task.py": template("monitor_task.py").substitute().encode(),
        "requirements.txt": requirements_text(
            requirements, f"{sys.version_info.major}.{sys.version_info.minor}"
        ).encode(),
        "setup.py": template("setup.py").substitute().encode(),
    }
    files["pyproject.toml"] = pyproject(distribution_name(name, PACKAGE), files).encode()
    return TrainerPackage(
        shape=CellShape.MONITOR,
        module=MODULE,
        files=dict(sorted(files.items())),
        requirements=requirements,
        digest=digest_of(files),
        # A job that goes on for ever is to hold no TensorFlow in memory.
        cold_reason="monitoring needs no TensorFlow",
    )
