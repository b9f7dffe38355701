"""The files around the package: what they promise to each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def test_every_target_is_phony_and_told_by_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[1].split())
    told = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert phony == targets()
    assert set(re.findall(r"^  make ([a-z-]+)", told, flags=re.MULTILINE)) == phony


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_commands_of_the_pages_exist(page: str) -> None:
    commands = set(re.findall(r"(?:^|`|\$ )make ([a-z-]+)", (ROOT / page).read_text(), flags=re.MULTILINE))
    assert commands
    assert commands <= targets()


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "changelog.d/README.md", "docs/google.md", "docs/panels.md"],
)
def test_links_are_relative_and_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text())
    inside = [link for link in links if not link.startswith("https://")]
    assert inside
    assert [link for link in inside if not ((ROOT / page).parent / link).exists()] == []


def test_contributing_gives_a_reason_for_every_dependency_and_for_no_other() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    required = [*PROJECT["project"]["dependencies"], *(word for words in extras.values() for word in words)]
    names = {re.match(r"[A-Za-z0-9-]+", requirement)[0] for requirement in required} - {"mlmagic"}
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Dependencies\n")[2]
    first_cells = re.findall(r"^\|([^|]+)\|", section, flags=re.MULTILINE)
    assert sorted(re.findall(r"`([^`]+)`", " ".join(first_cells))) == sorted(names)


def test_lazy_names_and_registered_backends_exist() -> None:
    import mlmagic
    from mlmagic.backends import registry

    for name in mlmagic._HOMES:
        assert callable(getattr(mlmagic, name))
    for place in registry.BACKENDS.values():
        module, _, kind = place.partition(":")
        assert isinstance(getattr(import_module(module), kind), type)


def test_importing_mlmagic_imports_nothing_of_it() -> None:
    program = "import sys, mlmagic; print([name for name in sys.modules if name.startswith('mlmagic.')])"
    listed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert listed.stdout == "[]\n"


def test_notebooks_are_committed_without_outputs_and_with_ids() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        assert all(cell["id"] for cell in cells)
        assert not any(cell.get("outputs") for cell in cells)


def test_changes_have_known_kinds() -> None:
    kinds = set(PROJECT["tool"]["towncrier"]["fragment"])
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name not in {"README.md", ".gitignore"}]
    assert {path.name.split(".")[-2] for path in fragments} <= kinds


def test_contributing_gives_a_reason_for_every_package_of_node() -> None:
    package = json.loads((ROOT / "labextension/package.json").read_text())
    names = {*package["dependencies"], *package["devDependencies"]}
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## The extension's dependencies\n")[2]
    told = set(re.findall(r"`([@a-z][^`]*)`", section))
    assert {name for name in names if name not in told and f"{name.partition('/')[0]}/*" not in told} == set()


def test_the_lock_of_node_has_exact_versions_and_no_addresses() -> None:
    packages = json.loads((ROOT / "labextension/package-lock.json").read_text())["packages"]
    assert len(packages) > 100
    assert [name for name, package in packages.items() if "resolved" in package or "version" not in package] == []
