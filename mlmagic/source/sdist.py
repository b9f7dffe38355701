"""A trainer package as a source distribution, the same bytes for the same package."""

from __future__ import annotations

from mlmagic.spec.package import TrainerPackage


def build_sdist(package: TrainerPackage, name: str, version: str = "0.1.0") -> bytes:
    """Return the content of `<name>-<version>.tar.gz`, which `pip install` takes."""
    raise TypeError(package, name, version)
