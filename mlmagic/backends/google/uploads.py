"""What jobs need of this machine, brought into the bucket: each file once, under the name of its content."""

from __future__ import annotations

import hashlib
import secrets
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.names import DATA_FOLDER, package_object
from mlmagic.backends.google.outputs import size_text
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.backends.google.upload_files import LocalFile, digest_of, find_files, look_at
from mlmagic.backends.google.upload_sessions import ResumableUploads
from mlmagic.errors import ConflictError, UsageError
from mlmagic.workspace.files import explained, make_folder, write_atomic
from mlmagic.workspace.layout import Workspace

PIECE_BYTES = 8 << 20
"""What is not larger is sent in one request; of what is, a piece that is lost is sent again."""
_CONTINENTS = {"US": ("us-",), "EU": ("europe-",), "ASIA": ("asia-",)}
"""Locations of several regions, and what those are called."""


class Uploader:
    """Brings packages and data into the bucket of a client's settings. What is there already is not sent again.

    Any call may be made twice, by two processes at once, and again after one was killed: large files then go on with
    the piece that is missing.
    """

    def __init__(self, client: GoogleClient, workspace: Workspace, *, piece_bytes: int = PIECE_BYTES) -> None:
        """Make an uploader; nothing is asked of Google.

        Args:
            client: of whose settings.
            workspace: where uploads that have begun are noted down.
            piece_bytes: a multiple of 256 KiB.
        """
        self.say: Callable[[str], None] = lambda _: None
        """Is told what is done, where that takes a while."""
        self._client = client
        self._piece_bytes = piece_bytes
        self._folder = workspace.uploads
        self._sessions = ResumableUploads(client, workspace.uploads, piece_bytes=piece_bytes)
        self._is_checked = False

    def package(self, sdist: bytes) -> str:
        """Return where a source distribution lies, after bringing it there unless it was.

        Raises:
            UsageError: the bucket is in another region than the jobs.
            NotFoundError: there is no such bucket.
        """
        self._check_bucket()
        name = package_object(hashlib.sha256(sdist).hexdigest())
        if not self._client.storage.has_object(name):
            self._send_bytes(sdist, name)
        return f"{self._client.settings.bucket}/{name}"

    def file(self, path: Path) -> str:
        """Return `gs://BUCKET/mlmagic/data/<digest>/<name>`, where a file's bytes are; errors are those of `folder`."""
        [file] = look_at({path.name: path})
        return f"{self._bring([file], file.digest)}{file.name}"

    def folder(self, source: Path | Mapping[str, Path]) -> str:
        """Return `gs://BUCKET/mlmagic/data/<digest>/`, below which the files of a folder are under the same names.

        Args:
            source: the folder; or names with `/` between their parts → files.

        Raises:
            UsageError: it cannot be uploaded, or the bucket is in another region than the jobs.
            ConflictError: a file is being written.
            BackendError, NotFoundError: Google refused, or did not answer; the next call goes on.
            WorkspaceError: a file cannot be read, or nothing can be noted down here.
        """
        files = look_at(find_files(source) if isinstance(source, Path) else source)
        return self._bring(files, digest_of(files))

    def has(self, place: str, files: Mapping[str, Path]) -> bool:
        """Say whether a folder of the bucket, `gs://…`, has files of these names and sizes, which are not read."""
        if not place.startswith(f"{self._client.settings.bucket}/"):
            return False
        prefix = place.removeprefix(f"{self._client.settings.bucket}/").rstrip("/") + "/"
        found = self._client.storage.list_objects(f"{place.rstrip('/')}/")
        there = {stored.name.removeprefix(prefix): stored.size for stored in found}
        return all(there.get(name) == path.stat().st_size for name, path in files.items())

    def _bring(self, files: list[LocalFile], digest: str) -> str:
        self._check_bucket()
        prefix = f"{DATA_FOLDER}/{digest}/"
        place = f"{self._client.settings.bucket}/{prefix}"
        there = {stored.name.removeprefix(prefix): stored.size for stored in self._client.storage.list_objects(place)}
        missing = sum(file.size for file in files if file.name not in there)
        sent = 0
        for file in files:
            if file.name not in there:
                self._tell(sent, missing)
                self._send(file, prefix + file.name, self._teller(sent, missing))
                sent += file.size
            elif there[file.name] != file.size:
                raise ConflictError(
                    f"{place}{file.name} has {there[file.name]} bytes, and should have the {file.size} of {file.path}.",
                    hint=f"Somebody else wrote it. Remove it: gcloud storage rm --recursive {place}",
                )
        return place

    def _teller(self, before: int, size: int) -> Callable[[int], None]:
        return lambda done: self._tell(before + done, size)

    def _tell(self, done: int, size: int) -> None:
        if size > self._piece_bytes:
            progress = f" ({done / size:.0%})" if done else ""
            self.say(f"uploading {size_text(size)} to {self._client.settings.bucket}{progress}")

    def _send(self, file: LocalFile, name: str, on_sent: Callable[[int], None]) -> None:
        if file.size > self._piece_bytes:
            self._sessions.send(file, name, on_sent)
            return
        with explained(f"read {file.path}"):
            data = file.path.read_bytes()
        if hashlib.sha256(data).hexdigest() != file.digest:
            raise file.changed()
        self._client.storage.put_object(name, data)

    def _send_bytes(self, data: bytes, name: str) -> None:
        if len(data) <= self._piece_bytes:
            self._client.storage.put_object(name, data)
            return
        # As a file, so that another process can go on with it.
        make_folder(self._folder)
        path = self._folder / f"{secrets.token_hex(8)}-{PurePosixPath(name).name}"
        with explained(f"write {path}"):
            write_atomic(path, data, sync=False)
        try:
            [file] = look_at({path.name: path})
            self._sessions.send(file, name, self._teller(0, file.size))
        finally:
            path.unlink(missing_ok=True)

    def _check_bucket(self) -> None:
        if self._is_checked:
            return
        settings = self._client.settings
        location = self._client.storage.bucket_location()
        if not is_near(location, settings.region):
            raise UsageError(
                f"the bucket {settings.bucket} is in {location}, and jobs run in {settings.region}: "
                "Vertex AI reads and writes in its own region.",
                hint=_how_to_make_one(settings),
            )
        if location.lower() != settings.region:
            warnings.warn(
                f"the bucket {settings.bucket} is in {location}, which is more than {settings.region}, where jobs run: "
                f"a bucket in that one region is quicker and costs less. {_how_to_make_one(settings)}",
                stacklevel=2,
            )
        self._is_checked = True


def is_near(location: str, region: str) -> bool:
    """Say whether a bucket's location is the region, or holds it."""
    name = location.upper()
    # Two regions under one name, such as NAM4, are not told apart here: Google's own answer counts.
    is_pair = name not in _CONTINENTS and "-" not in name
    return is_pair or name == region.upper() or region.startswith(_CONTINENTS.get(name, ("?",)))


def _how_to_make_one(settings: GoogleSettings) -> str:
    return (
        f"Make one there: gcloud storage buckets create gs://NAME --location={settings.region} "
        f"--project={settings.project}"
    )
