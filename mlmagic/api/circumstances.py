"""What a job's spec says about the moment of its submission."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.git import head_commit
from mlmagic.api.program_arguments import flag_values
from mlmagic.errors import UsageError
from mlmagic.source.history import Cell
from mlmagic.spec.job import Origin, PackageReference

if TYPE_CHECKING:
    from mlmagic.spec.package import TrainerPackage


def package_reference(package: TrainerPackage) -> PackageReference:
    """Return what a spec says about its package."""
    return PackageReference(
        digest=package.digest,
        module=package.module,
        requirements=package.requirements,
        cold_reason=package.cold_reason,
    )


def circumstances(package: TrainerPackage, args: Sequence[str]) -> dict[str, Any]:
    """Return what a spec says about the moment of its submission."""
    folder = _working_directory()
    return {
        "flags": flag_values(package, args),
        "versions": _versions(package),
        "git_commit": head_commit(Path(folder)),
        "python": sys.executable,
        "working_directory": folder,
    }


def _versions(package: TrainerPackage) -> dict[str, str]:
    from mlmagic import __version__

    pinned = [line.partition("==")[::2] for line in package.requirements if "==" in line]
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python, "mlmagic": __version__} | {name.strip(): version.strip() for name, version in pinned}


def _working_directory() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError as error:
        raise UsageError(
            "the working directory was deleted, and relative paths of the program would start there.",
            hint="Change to another folder: %cd ~",
        ) from error


def origin_of(cell: Cell | None, notebook: str | None) -> Origin:
    """Return where in a notebook a job came from."""
    if cell is None:
        return Origin(notebook=notebook)
    return Origin(notebook=notebook, cell_id=cell.cell_id, cell_number=cell.number)
