"""The files of a dataset that Dataflow wrote into the bucket: found, counted, and deleted with the dataset."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.names import output_directory
from mlmagic.backends.google.outputs import size_text
from mlmagic.backends.google.remote import StoredObject
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.spec.dataset import DatasetVersion
from mlmagic.spec.names import is_job_id

_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFiles:
    """The objects below a dataset's own folder in a bucket."""

    place: str
    """`gs://BUCKET/mlmagic/jobs/JOB/model/`."""
    found: tuple[StoredObject, ...] = ()

    @property
    def size(self) -> int:
        """All that there is, in bytes."""
        return sum(stored.size for stored in self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __str__(self) -> str:
        count = len(self.found)
        return f"{count:,} {'file' if count == 1 else 'files'}, {size_text(self.size)}, in {self.place}"


def dataset_place(version: DatasetVersion) -> str:
    """Return the folder that a job of ours has written a dataset into, `gs://…/`.

    Raises:
        UsageError: it says to lie elsewhere, where other things may be.
    """
    location, job_id = version.origin.location or "", version.origin.job_id or ""
    bucket = "/".join(location.split("/", maxsplit=3)[:3])
    ours = f"{output_directory(bucket, job_id)}/model"
    if not is_job_id(job_id) or _BUCKET.fullmatch(bucket) is None or location != ours:
        raise UsageError(
            f"the files of {version} are said to be in {location}, which is no folder that mlmagic gave to a job: "
            "nothing is deleted.",
            hint=f"%datasets delete {version} --keep-files deletes what is on this machine.",
        )
    return f"{location}/"


def find_files(client: GoogleClient, version: DatasetVersion) -> BucketFiles:
    """Return what is there of a dataset, whichever bucket it is; nothing if the bucket is gone.

    Raises:
        UsageError: as of `dataset_place`.
        BackendError: Google refused, or did not answer.
    """
    place = dataset_place(version)
    try:
        found = client.storage.list_objects(place)
    except NotFoundError:
        return BucketFiles(place=place)
    return BucketFiles(place=place, found=tuple(found))


def delete_files(client: GoogleClient, files: BucketFiles) -> None:
    """Remove those files and no others; it may be called again after it was interrupted.

    Raises:
        BackendError, ConflictError: Google refused, or did not answer; or somebody has written one anew.
    """
    for stored in files.found:
        client.storage.delete_object(stored)
