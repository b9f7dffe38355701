"""Large data of a cell's `--with`: a package of its own, so that a changed cell does not send it again.

Both packages are installed into one folder, where the program finds its data beside its code as it does here.
"""

from __future__ import annotations

import dataclasses

from mlmagic.source.sdist import build_sdist
from mlmagic.spec.package import TrainerPackage

LARGE_BYTES = 4 << 20
"""What is not larger stays in the package."""
_FOLDER = "trainer/data/"
_NAME = "trainer-data"
_SETUP = b"""from setuptools import setup

setup(name="trainer-data", version="0.1.0", packages=["trainer.data"], package_data={"trainer.data": ["*"]})
"""


def divide(package: TrainerPackage) -> tuple[TrainerPackage, bytes | None]:
    """Return a package without its large data, and that as a source distribution; None if there is none.

    The distribution is the same bytes for the same data, whatever the program is.
    """
    large = {
        path: content
        for path, content in package.files.items()
        if path.startswith(_FOLDER) and not path.endswith(".py") and len(content) > LARGE_BYTES
    }
    if not large:
        return package, None
    rest = {path: content for path, content in package.files.items() if path not in large}
    data = dataclasses.replace(package, files={**large, "setup.py": _SETUP})
    return dataclasses.replace(package, files=rest), build_sdist(data, _NAME)
