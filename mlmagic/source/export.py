"""`--export PATH`: the package as files of the user's own."""

from __future__ import annotations

from pathlib import Path

from mlmagic.errors import UsageError
from mlmagic.spec.package import TrainerPackage


def write_package(package: TrainerPackage, directory: Path) -> list[Path]:
    """Write the package's files, and return their paths. A folder that holds exactly these files already is fine.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
    """
    paths = {directory / name: content for name, content in sorted(package.files.items())}
    try:
        if directory.exists():
            _check_same(directory, paths)
        for path, content in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"the package cannot be written to {directory}: {error.strerror}.") from error
    return list(paths)


def _check_same(directory: Path, paths: dict[Path, bytes]) -> None:
    if not directory.is_dir():
        raise UsageError(f"{directory} is a file; a package is written to a folder.", hint="Give --export a new path.")
    # What Python writes beside the files when they are run does not count.
    present = [path for path in sorted(directory.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    foreign = [path for path in present if paths.get(path) != path.read_bytes()]
    if foreign:
        named = ", ".join(str(path.relative_to(directory)) for path in foreign[:3])
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise UsageError(
            f"{directory} is not empty: {named}{more} would be mixed up with the package.",
            hint="Give --export a new path, or empty the folder.",
        )
