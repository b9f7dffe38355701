"""Artifacts: copied from their bucket at upload, looked into, and kept as versions of the engine's workspace."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from mlmagic.emulator.core import Core
from mlmagic.emulator.errors import ApiError, failed_precondition, invalid
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.runtime.inspection import inspect_model
from mlmagic.spec.model import ModelOrigin, Signature
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.files import is_inside, make_folder
from mlmagic.workspace.layout import STAGING_PREFIX, Workspace
from mlmagic.workspace.model_aliases import DEFAULT
from mlmagic.workspace.models import ModelStore

_SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")


class Artifacts:
    """What was uploaded with versions, in the engine's model store."""

    def __init__(self, workspace: Workspace, buckets: Path) -> None:
        self._workspace = workspace
        self._buckets = buckets
        self._store = ModelStore(Database(workspace))

    @classmethod
    def of(cls, core: Core) -> Self:
        """Return those of an emulator."""
        return cls(open_workspace(Workspace(core.engine_folder)), core.buckets)

    def keep(self, model: str, uri: str) -> int:
        """Copy a SavedModel from a bucket, look into it, and return its number in the engine's workspace.

        Raises:
            ApiError: there is none, or it cannot be served.
        """
        source = folder_of(self._buckets, uri, "model.artifact_uri")
        if not any((source / name).is_file() for name in _SAVED_MODEL):
            raise failed_precondition(
                f"Model directory {uri} is expected to contain exactly one of: [{', '.join(_SAVED_MODEL)}]."
            )
        parent = self._workspace.model(model).root
        make_folder(parent)
        staged = parent / f"{STAGING_PREFIX}{secrets.token_hex(4)}"
        try:
            _copy(source, staged, uri)
            signature, version = _inspect(staged, uri)
            origin = ModelOrigin(source=uri, framework="tensorflow", framework_version=version)
            kept = self._store.register(model, staged, origin=origin, signature=signature, now=datetime.now(UTC))
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return kept.number

    def path(self, model: str, number: int) -> Path:
        """Return the folder of a SavedModel that was kept."""
        return self._workspace.version(model, number).root

    def signature(self, model: str, number: int) -> Signature | None:
        """Return what a version takes and returns."""
        found = [version for version in self._store.versions(model) if version.number == number]
        return found[0].signature if found else None

    def export(self, model: str, number: int, uri: str) -> None:
        """Copy a SavedModel into a folder of a bucket, without what the engine knows of it.

        Raises:
            ApiError: INVALID_ARGUMENT.
        """
        version = self._workspace.version(model, number)
        own = {path.name for path in (version.origin, version.signature, version.statistics)}
        target = folder_of(self._buckets, uri, "output_config.artifact_destination.output_uri_prefix")
        make_folder(target.parent)
        shutil.copytree(version.root, target, ignore=lambda folder, _: own if Path(folder) == version.root else ())

    def forget(self, model: str, number: int) -> None:
        """Remove a version.

        Raises:
            ApiError: FAILED_PRECONDITION: it is being deployed.
        """
        versions = self._store.versions(model)
        gone = [version for version in versions if version.number == number]
        others = [version for version in versions if version.number != number]
        if gone and others:
            if self._store.get(model).aliases[DEFAULT] == number:
                self._store.set_default(model, others[-1].number)
            with _unless_served():
                self._store.delete(gone[0])
        elif gone:
            self.forget_model(model)

    def forget_model(self, model: str) -> None:
        """Remove all versions of a model that has any.

        Raises:
            ApiError: FAILED_PRECONDITION: one is being deployed.
        """
        with contextlib.suppress(NotFoundError), _unless_served():
            self._store.delete_model(model)


@contextlib.contextmanager
def _unless_served() -> Iterator[None]:
    """Refuse what the engine refuses: it serves a model from the moment at which its deployment begins."""
    try:
        yield
    except ConflictError as error:
        raise failed_precondition(f"The model is being deployed: {error.message}") from error


def folder_of(buckets: Path, uri: str, field: str) -> Path:
    """Return the folder in which the objects below `gs://BUCKET/PREFIX` lie.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    bucket, _, prefix = uri.removeprefix("gs://").partition("/")
    inner = prefix.strip("/")
    if not uri.startswith("gs://") or not is_inside(bucket) or (inner and not is_inside(inner)):
        raise invalid(field, f"Invalid Cloud Storage URI {uri!r}: expected gs://bucket/folder.")
    return buckets / bucket / inner if inner else buckets / bucket


def _copy(source: Path, target: Path, uri: str) -> None:
    links = [path for path in source.rglob("*") if path.is_symlink()]
    if links:
        raise failed_precondition(f"{uri} has links, which Cloud Storage does not have: {links[0].name}.")
    try:
        shutil.copytree(source, target, copy_function=shutil.copyfile)
    except (OSError, shutil.Error) as error:
        raise ApiError(status="INTERNAL", message=f"{uri} could not be copied: {error}.") from error
    for folder, _, files in os.walk(target):
        Path(folder).chmod(0o700)
        for name in files:
            (Path(folder) / name).chmod(0o600)


def _inspect(folder: Path, uri: str) -> tuple[Signature | None, str | None]:
    """Return signature and TensorFlow's version, read by a process of its own."""
    found = inspect_model(folder, python=None, environment=_environment(os.environ), wait=_wait)
    if found.missing is not None:
        raise failed_precondition(
            f"The emulator cannot look into {uri}: the package {found.missing} is not installed beside it."
        )
    if found.refused is not None:
        raise failed_precondition(f"The model in {uri} cannot be served: {found.refused}.")
    return found.signature, found.framework_version


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"TF_CPP_MIN_LOG_LEVEL": "2", **kept, "CUDA_VISIBLE_DEVICES": "-1"}


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
