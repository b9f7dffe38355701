"""What a job's folder holds: made whole or not at all, and read back when the database is gone."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlmagic.errors import PackageError
from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import is_inside, make_folder, sync_folder, write_atomic, write_new
from mlmagic.workspace.layout import STAGING_PREFIX, JobFolder, Workspace


def stage_job(
    workspace: Workspace,
    record: JobRecord,
    *,
    package_files: Mapping[str, bytes],
    dist_files: Mapping[str, bytes],
    source_map: Noun | None,
) -> JobFolder:
    """Make the folder under a name that nobody looks for, and return it; a rename brings it into its place."""
    staged = JobFolder(workspace.jobs / f"{STAGING_PREFIX}{record.id}-{secrets.token_hex(4)}")
    try:
        for folder in (staged.package, staged.logs, staged.model_dir, staged.checkpoint_dir, staged.tensorboard_dir):
            make_folder(folder)
        _write_files(staged.package, package_files)
        if dist_files:
            _write_files(staged.dist, dist_files)
        if source_map is not None:
            write_new(staged.source_map, codec.dumps(source_map))
        write_new(staged.spec, codec.dumps(record.spec))
        write_state(staged, record)
    except BaseException:
        shutil.rmtree(staged.root, ignore_errors=True)
        raise
    return staged


def check_file_names(names: Mapping[str, object]) -> None:
    """See that files of a package stay within it.

    Raises:
        PackageError: some do not; all are listed.
    """
    if problems := [repr(name) for name in names if name == "." or not is_inside(name)]:
        raise PackageError("files of a package have relative paths without .. in them; not allowed:", problems=problems)


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        make_folder(path.parent)
        write_new(path, content)
    for parent, _, _ in os.walk(folder):
        sync_folder(Path(parent))


def write_state(folder: JobFolder, record: JobRecord) -> None:
    """Write what the row says beside the spec, which never changes."""
    document = codec.encode(record)
    del document["spec"]
    # What is true only while a process runs need not outlive the machine.
    sync = record.state is JobState.QUEUED or record.state.is_final
    write_atomic(folder.state, json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False), sync=sync)


def read_record(folder: JobFolder) -> JobRecord:
    """Read the record from the folder.

    Raises:
        OSError: a file cannot be read.
        codec.DecodeError: a file does not hold what it should.
    """
    spec: dict[str, Any] = _read_object(folder.spec)
    spec.pop("schemaVersion", None)
    record = codec.decode(JobRecord, {**_read_object(folder.state), "spec": spec})
    if record.id != folder.id:
        raise codec.DecodeError(f"{folder.state.name} is that of job {record.id!r}")
    return record


def _read_object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise codec.DecodeError(f"{path.name}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise codec.DecodeError(f"{path.name}: expected a JSON object, got {type(document).__name__}")
    return document
