"""The dataset that a job in Google Cloud trains on: brought into the bucket, and named as its containers see it."""

from __future__ import annotations

from pathlib import Path

from mlmagic.backends.google.names import mounted
from mlmagic.backends.google.uploads import Uploader
from mlmagic.errors import NotFoundError
from mlmagic.spec.codec import DecodeError, loads
from mlmagic.spec.dataset import DatasetOrigin
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.workspace.layout import DatasetVersionFolder

_FLAG = "--data"
_KINDS = frozenset({JobKind.TRAINING, JobKind.TUNING})
_READ = ("*.parquet", "*.json")
"""What a program reads of a dataset's folder; the rows that were rejected are not among it."""


def dataset_folder(spec: JobSpec) -> Path | None:
    """Return the folder of this machine that has the dataset of a job; None if it has none, or one in the cloud."""
    if spec.kind not in _KINDS or spec.args[:1] != (_FLAG,) or len(spec.args) == 1:
        return None
    folder = Path(spec.args[1])
    if not folder.is_absolute() or spec.args[1].startswith("/gcs/"):
        return None
    # A program that was given from outside may call something else so.
    return folder if spec.dataset is not None or (folder / "schema.json").exists() else None


def remote_args(spec: JobSpec, uploader: Uploader) -> tuple[str, ...]:
    """Return the program's arguments as a container takes them, after bringing the dataset to where it finds it.

    Raises:
        NotFoundError: the dataset was deleted.
        MlmagicError: as of `Uploader.folder`.
    """
    folder = dataset_folder(spec)
    if folder is None:
        return spec.args
    files = {path.name: path for pattern in _READ for path in folder.glob(pattern)}
    if not files:
        raise NotFoundError(f"{spec.dataset or folder}, which the job is to train on, is not on this machine any more.")
    made = _made_there(folder)
    # `origin.json` alone is another one here: it tells of the job.
    if made is None or not uploader.has(made, {name: path for name, path in files.items() if path != _origin(folder)}):
        made = uploader.folder(files)
    return (_FLAG, mounted(made.rstrip("/")), *spec.args[2:])


def _made_there(folder: Path) -> str | None:
    """Return where Dataflow wrote a dataset."""
    try:
        return loads(DatasetOrigin, _origin(folder).read_bytes()).location
    except (OSError, DecodeError):
        return None


def _origin(folder: Path) -> Path:
    return DatasetVersionFolder(folder).origin
