"""`--package DIR`: a trainer package that somebody wrote for Vertex AI or ML Engine."""

from __future__ import annotations

from pathlib import Path

from mlmagic.spec.package import TrainerPackage


def read_package(directory: Path, module: str = "trainer.task") -> TrainerPackage:
    """Read a package. `directory` is the package itself, as gcloud's `--package-path`, or the folder that holds it.

    Raises:
        PackageError: it cannot run; the text says why and what to do.
    """
    raise TypeError(directory, module)
