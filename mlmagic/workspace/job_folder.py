"""What a job's folder holds: made whole or not at all, and read back when the database is gone."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlmagic.errors import PackageError
from mlmagic.spec import codec
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.noun import Noun
from mlmagic.workspace.files import is_inside, make_folder, write_atomic, write_new
from mlmagic.workspace.layout import STAGING_PREFIX, JobFolder, Workspace
from mlmagic.workspace.manifest import write_manifest


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
    files = {f"package/{name}": content for name, content in package_files.items()}
    files |= {f"dist/{name}": content for name, content in dist_files.items()}
    files[staged.spec.name] = codec.dumps(record.spec).encode()
    if source_map is not None:
        files[staged.source_map.name] = codec.dumps(source_map).encode()
    try:
        for folder in (staged.package, staged.logs, staged.model_dir, staged.checkpoint_dir, staged.tensorboard_dir):
            make_folder(folder)
        _write_files(staged.root, files)
        write_manifest(staged, files)
        write_state(staged, codec.encode(record))
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


def _write_files(root: Path, files: Mapping[str, bytes]) -> None:
    made = {root}
    for name, content in files.items():
        path = root / name
        if path.parent not in made:
            make_folder(path.parent)
            made.add(path.parent)
        write_new(path, content, sync=False)


def write_state(folder: JobFolder, document: Mapping[str, Any]) -> None:
    """Write what the row says, the encoded record, beside the spec, which never changes."""
    state = {key: value for key, value in document.items() if key != "spec"}
    # What is true only while the machine runs need not outlive it.
    sync = JobState(state["state"]).is_final
    write_atomic(folder.state, json.dumps(state, indent=2, sort_keys=True, ensure_ascii=False), sync=sync)


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
