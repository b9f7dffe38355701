"""`--export PATH`: the package as files of the user's own."""

from __future__ import annotations

from pathlib import Path

from mlmagic.spec.package import TrainerPackage


def write_package(package: TrainerPackage, directory: Path) -> list[Path]:
    """Write the package's files, and return their paths. A folder that holds exactly these files already is fine.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
    """
    raise TypeError(package, directory)
