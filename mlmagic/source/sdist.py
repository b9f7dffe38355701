"""A trainer package as a source distribution, the same bytes for the same package."""

from __future__ import annotations

import gzip
import io
import re
import tarfile

from mlmagic.source.task import template
from mlmagic.spec.package import TrainerPackage

VERSION = "0.1.0"
"""Of every package built from a cell."""


def distribution_name(display_name: str, what: str = "trainer") -> str:
    """Return what the package of a cell calls itself."""
    return f"{re.sub(r'[-_.]+', '-', display_name).strip('-').lower()}-{what}"


def sdist_file_name(display_name: str) -> str:
    """Return what a build tool calls the source distribution of a cell's package."""
    return f"{distribution_name(display_name).replace('-', '_')}-{VERSION}.tar.gz"


def build_sdist(package: TrainerPackage, name: str, version: str = VERSION) -> bytes:
    """Return the content of `<name>-<version>.tar.gz`, which `pip install` takes.

    For a package built from a cell the name is its `distribution_name`; some installers insist on that.
    """
    distribution = re.sub(r"[-_.]+", "_", name).lower()
    files = dict(package.files)
    if not {"setup.py", "pyproject.toml"} & set(files):
        # As gcloud does for a package that comes without: all of its packages, and their data.
        files["setup.py"] = template("given_setup.py").substitute(name=distribution, version=version).encode()
    files["PKG-INFO"] = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n".encode()
    buffer = io.BytesIO()
    with (
        # No time and no file name in the header: they would differ from one call to the next.
        gzip.GzipFile(filename="", fileobj=buffer, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{distribution}-{version}/{path}")
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
