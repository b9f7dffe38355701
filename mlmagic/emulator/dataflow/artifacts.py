"""What a pipeline was staged with: fetched, checked, and installed where its process finds it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mlmagic.workspace.files import is_inside, make_folder

MAIN_SESSION = "pickled_main_session"
_WORKFLOW = "workflow.tar.gz"
_EXTRA_PACKAGES = "extra_packages.txt"
_REQUIREMENTS = "requirements.txt"
_LAST_LINES = 20


class ArtifactError(Exception):
    """An artifact is not what was staged, or cannot be installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file of the pipeline's environment."""

    url: str
    name: str
    """Under which the SDK expects it."""
    sha256: str | None = None


def artifacts_of(environments: Iterable[Any]) -> list[Artifact]:
    """Return the artifacts of environments (protobuf messages of Beam's), each once.

    Raises:
        ArtifactError: one is of a kind that Dataflow's workers do not take, or would lie outside of its folder.
    """
    from apache_beam.portability import common_urns
    from apache_beam.portability.api import beam_runner_api_pb2

    found: dict[str, Artifact] = {}
    for dependency in (each for environment in environments for each in environment.dependencies):
        if dependency.type_urn == common_urns.artifact_types.URL.urn:
            payload = beam_runner_api_pb2.ArtifactUrlPayload.FromString(dependency.type_payload)
            url = payload.url
        elif dependency.type_urn == common_urns.artifact_types.FILE.urn:
            payload = beam_runner_api_pb2.ArtifactFilePayload.FromString(dependency.type_payload)
            url = payload.path
        else:
            raise ArtifactError(f"an artifact is of the kind {dependency.type_urn}, which workers do not take")
        name = url.rsplit("/", 1)[-1]
        if dependency.role_urn == common_urns.artifact_roles.STAGING_TO.urn:
            role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(dependency.role_payload)
            name = role.staged_name
        if not is_inside(name):
            raise ArtifactError(f"the artifact {name!r} would lie outside of the folder of staged files")
        found[name] = Artifact(url=url, name=name, sha256=payload.sha256 or None)
    return list(found.values())


def fetch(artifacts: Iterable[Artifact], folder: Path, read: Callable[[str], bytes]) -> None:
    """Write artifacts into a folder; `read` gives the content of a URL.

    Raises:
        ArtifactError: one was changed after it was staged.
    """
    for artifact in artifacts:
        content = read(artifact.url)
        digest = hashlib.sha256(content).hexdigest()
        if artifact.sha256 is not None and digest != artifact.sha256:
            raise ArtifactError(f"{artifact.url} has the SHA-256 {digest}; staged was {artifact.sha256}")
        path = folder / artifact.name
        make_folder(path.parent)
        path.write_bytes(content)


def install(staged: Path, target: Path, say: Callable[[str], None]) -> None:
    """Install the staged packages into a folder, as a worker does at its start: requirements, extra packages, workflow.

    Nothing is taken from elsewhere: what they depend on is staged too, or installed here.

    Raises:
        ArtifactError: pip refused one; with the end of what it said.
    """
    for requirement in _missing_requirements(staged):
        say(f"Installing {requirement}")
        _pip(target, "--find-links", str(staged), requirement)
    for name in _extra_packages(staged):
        say(f"Installing the extra package {name}")
        _pip(target, str(staged / name))
    if (staged / _WORKFLOW).exists():
        say("Installing the workflow's package")
        _pip(target, str(staged / _WORKFLOW))


def _missing_requirements(staged: Path) -> list[str]:
    """Return the lines of the requirements that are not installed here already."""
    from packaging.requirements import InvalidRequirement

    try:
        lines = (staged / _REQUIREMENTS).read_text().splitlines()
    except FileNotFoundError:
        return []
    requirements = [line.partition("#")[0].strip() for line in lines]
    try:
        return [requirement for requirement in requirements if requirement and not _is_installed(requirement)]
    except InvalidRequirement as error:
        raise ArtifactError(f"{_REQUIREMENTS} has a line that is no requirement: {error}") from None


def _is_installed(line: str) -> bool:
    from packaging.requirements import Requirement

    requirement = Requirement(line)
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False


def _extra_packages(staged: Path) -> list[str]:
    try:
        lines = (staged / _EXTRA_PACKAGES).read_text().splitlines()
    except FileNotFoundError:
        return []
    names = [line.strip() for line in lines if line.strip()]
    if strange := [name for name in names if not is_inside(name)]:
        raise ArtifactError(f"extra packages lie outside of the folder of staged files: {', '.join(strange)}")
    return names


def _pip(target: Path, *words: str) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation", "--upgrade")
    command = (sys.executable, "-m", "pip", "install", *options, "--target", str(target), *words)
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        said = "\n".join(done.stdout.strip().splitlines()[-_LAST_LINES:])
        raise ArtifactError(f"pip could not install {words[-1].rsplit('/', 1)[-1]}:\n{said}")
