"""The files by which a package is installed: pyproject.toml and requirements.txt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlmagic.source.task import template


def requirements_text(pins: Sequence[str], python: str) -> str:
    """Return requirements.txt; `python` is the version of the kernel that the pins are from."""
    return "\n".join([f"# As the notebook's kernel has them, Python {python}", *pins, ""])


def pyproject(name: str, files: Mapping[str, bytes]) -> str:
    """Return pyproject.toml for a distribution of these files."""
    python_files = [file for file in files if file.endswith(".py") and file != "setup.py"]
    packages = sorted({file.rpartition("/")[0].replace("/", ".") for file in python_files if "/" in file})
    modules = sorted(file.removesuffix(".py") for file in python_files if "/" not in file)
    contents = [f"packages = {_toml(packages)}"]
    if modules:
        contents.append(f"py-modules = {_toml(modules)}")
    others = [file for file in files if "/" in file and not file.endswith(".py")]
    if others:
        contents.append('package-data = { "*" = ["**/*"] }')
    return template("pyproject.toml").substitute(name=name, contents="\n".join(contents))


def _toml(items: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"
