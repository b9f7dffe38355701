"""Files brought into the bucket: once, whole or not at all, whoever is killed and whatever the network does."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.backends.google.uploads import Uploader
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import BackendError, ConflictError, UsageError
from mlmagic.workspace.layout import Workspace

PIECE = 256 << 10
INSERT = "storage.objects.insert"


@pytest.fixture
def client(emulator: Emulator) -> GoogleClient:
    return GoogleClient(emulator_settings(emulator.root))


@pytest.fixture
def uploader(client: GoogleClient, workspace: Workspace) -> Uploader:
    return Uploader(client, workspace, piece_bytes=PIECE)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Five pieces, of bytes that no other test has."""
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(4 * PIECE + 1))
    return path


@pytest.fixture
def stored(emulator: Emulator) -> Callable[[str], bytes]:
    """Returns the bytes of an object, out of the emulator's folder."""
    return lambda uri: (emulator.buckets / uri.removeprefix("gs://")).read_bytes()


def sent(emulator: Emulator) -> int:
    """Return how many requests wrote objects, or pieces of them."""
    headers = {"authorization": f"Bearer {emulator.token}"}
    answer = httpx.get(f"{emulator.url}/emulator/requests", params={"rpc": INSERT}, headers=headers, timeout=60)
    return len(answer.json()["requests"])


def test_a_folder_is_sent_once(uploader: Uploader, emulator: Emulator, tmp_path: Path, stored: Any) -> None:
    files = {"a.txt": tmp_path / "a", "b/ü #1?.txt": tmp_path / "b", "empty": tmp_path / "c"}
    for name, path in files.items():
        path.write_bytes(os.urandom(20) if name != "empty" else b"")
    place = uploader.folder(files)
    before = sent(emulator)
    assert uploader.folder(files) == place
    assert sent(emulator) == before
    assert all(stored(place + name) == path.read_bytes() for name, path in files.items())


def test_the_place_tells_the_content(uploader: Uploader, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "x").write_bytes(b"1")
    first = uploader.folder(folder)
    (folder / "below" / "x").write_bytes(b"2")
    second = uploader.folder(folder)
    assert first != second
    assert uploader.file(folder / "below" / "x").endswith(
        "/d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35/x"
    )


def test_a_large_file_comes_in_pieces(uploader: Uploader, emulator: Emulator, large: Path, stored: Any) -> None:
    before = sent(emulator)
    assert stored(uploader.file(large)) == large.read_bytes()
    assert sent(emulator) == before + 1 + 5


def upload_in_a_child(emulator: Emulator, workspace: Workspace, path: Path, pieces: int) -> int:
    """Upload in a process that is killed after so many pieces, and return how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            client = GoogleClient(emulator_settings(emulator.root))
            send, count = client.storage.send_piece, iter(range(pieces))
            client.storage.send_piece = lambda *told: send(*told) if next(count, None) is not None else os._exit(9)  # type: ignore[method-assign]
            Uploader(client, workspace, piece_bytes=PIECE).file(path)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_another_process_goes_on(
    uploader: Uploader, emulator: Emulator, workspace: Workspace, large: Path, stored: Any
) -> None:
    assert upload_in_a_child(emulator, workspace, large, 3) == 9
    [note] = workspace.uploads.iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    before = sent(emulator)
    assert stored(uploader.file(large)) == large.read_bytes()
    assert sent(emulator) == before + 1 + 2  # how much has come, and the rest
    assert not list(workspace.uploads.iterdir())


def test_an_upload_that_is_forgotten_begins_anew(
    uploader: Uploader, emulator: Emulator, workspace: Workspace, large: Path, stored: Any
) -> None:
    upload_in_a_child(emulator, workspace, large, 3)
    [note] = workspace.uploads.iterdir()
    note.write_text(note.read_text().replace("upload_id=", "upload_id=other"))
    assert stored(uploader.file(large)) == large.read_bytes()


@pytest.mark.parametrize("what", ['{"address": "http', ""])
def test_a_note_that_cannot_be_read_is_none(
    uploader: Uploader, emulator: Emulator, workspace: Workspace, large: Path, what: str
) -> None:
    upload_in_a_child(emulator, workspace, large, 1)
    [note] = workspace.uploads.iterdir()
    note.write_text(what)
    before = sent(emulator)
    uploader.file(large)
    assert sent(emulator) == before + 1 + 5


@pytest.mark.parametrize(
    "trouble",
    [
        {"after": after, **told}
        for after in (0, 2, 5)
        for told in ({"status": 503}, {"drop": "before"}, {"drop": "after"})
    ]
    + [{"after": 2, "status": 429}, {"after": 2, "status": 408}],
    ids=lambda trouble: "-".join(map(str, trouble.values())),
)
def test_a_call_that_fails_is_made_again(
    uploader: Uploader, large: Path, stored: Any, fault: Any, trouble: dict[str, Any]
) -> None:
    fault(INSERT, times=1, **trouble)
    assert stored(uploader.file(large)) == large.read_bytes()


def test_a_full_disk_of_the_store(uploader: Uploader, emulator: Emulator, large: Path, stored: Any, fault: Any) -> None:
    fault(INSERT, after=3, status=507, message="There is no space left.")
    with pytest.raises(BackendError, match=r"cannot upload a piece of a file: .*There is no space left\."):
        uploader.file(large)
    fault.clear()
    before = sent(emulator)
    assert stored(uploader.file(large)) == large.read_bytes()
    assert sent(emulator) == before + 1 + 3


def test_two_at_once_send_it_once(
    emulator: Emulator, workspace: Workspace, large: Path, client: GoogleClient, stored: Any
) -> None:
    before, places = sent(emulator), []
    threads = [
        threading.Thread(target=lambda: places.append(Uploader(client, workspace, piece_bytes=PIECE).file(large)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(places) == 3
    assert stored(*set(places)) == large.read_bytes()
    assert sent(emulator) == before + 1 + 5


def test_another_machine_was_quicker(
    emulator: Emulator, workspace: Workspace, tmp_path: Path, large: Path, client: GoogleClient
) -> None:
    upload_in_a_child(emulator, workspace, large, 4)
    place = Uploader(client, Workspace(tmp_path / "other")).file(large)
    # What it wrote is seen only when this one is done, too.
    answers = iter([False, True])
    client.storage.list_objects = lambda _: []  # type: ignore[method-assign]
    client.storage.has_object = lambda _: next(answers)  # type: ignore[method-assign]
    assert Uploader(client, workspace, piece_bytes=PIECE).file(large) == place
    assert next(answers, None) is None


@pytest.mark.parametrize("size", [100, 4 * PIECE + 1])
def test_a_file_that_changes_becomes_no_object(
    uploader: Uploader, client: GoogleClient, emulator: Emulator, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "growing.csv"
    path.write_bytes(os.urandom(size))
    look = client.storage.list_objects

    def list_objects(folder: str) -> Any:
        with path.open("ab") as file:
            file.write(b"more")
        return look(folder)

    client.storage.list_objects = list_objects  # type: ignore[method-assign]
    with pytest.raises(ConflictError, match=r"growing\.csv changed while it was uploaded\."):
        uploader.file(path)
    assert not list(emulator.buckets.rglob("growing.csv"))


def test_bytes_that_are_not_those_announced_become_no_object(
    uploader: Uploader, client: GoogleClient, emulator: Emulator, large: Path
) -> None:
    send = client.storage.send_piece
    client.storage.send_piece = lambda address, data, start, size: send(  # type: ignore[method-assign]
        address, bytes(len(data)) if start == PIECE else data, start, size
    )
    with pytest.raises(BackendError, match=r"large\.bin could not be uploaded: .* does not take the upload .*CRC32C"):
        uploader.file(large)
    assert not [path for path in emulator.buckets.rglob("large.bin") if path.read_bytes()[PIECE:][:9] == bytes(9)]


def test_what_google_says_of_a_refused_piece_is_kept(uploader: Uploader, large: Path, fault: Any) -> None:
    fault(INSERT, after=2, status=412, message="The object is under a retention policy.")
    with pytest.raises(BackendError) as raised:
        uploader.file(large)
    assert str(raised.value).startswith(
        f"{large} could not be uploaded: Cloud Storage does not take the upload any more: "
        "The object is under a retention policy.\nRun it again"
    )


def test_pieces_that_never_come_end_the_upload(
    uploader: Uploader, client: GoogleClient, workspace: Workspace, large: Path
) -> None:
    sent: list[int] = []
    client.storage.send_piece = lambda _, __, start, ___: sent.append(start) or PIECE  # type: ignore[func-returns-value,method-assign]
    with pytest.raises(BackendError, match="has 262,144 of its 1,048,577 bytes, and has taken none of the next ones 4"):
        uploader.file(large)
    assert sent == [0, *[PIECE] * 4]
    assert len(list(workspace.uploads.iterdir())) == 1


def test_what_cannot_be_uploaded(uploader: Uploader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    names = {"pipe": tmp_path / "pipe", "a\nb": tmp_path, "../x": tmp_path, "\udcff": tmp_path, "n" * 901: tmp_path}
    with pytest.raises(UsageError, match="these cannot be uploaded") as raised:
        uploader.folder(names)
    assert raised.value.problems == (
        "'../x' cannot be an object's name",
        "'a\\nb': the name has a control character",
        f"'{'n' * 60}'…: the name has 901 bytes, and 900 are the most",
        f"{tmp_path / 'pipe'} is no file",
        "'\\udcff': the name is not UTF-8",
    )


def test_folders_that_cannot_be_uploaded(uploader: Uploader, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the folder .* cannot be uploaded") as raised:
        uploader.folder(tmp_path / "empty")
    assert "No such file or directory" in raised.value.problems[0]
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "loop").symlink_to(tmp_path / "linked")
    with pytest.raises(UsageError) as raised:
        uploader.folder(tmp_path / "linked")
    assert raised.value.problems == (f"{tmp_path / 'linked' / 'loop'} is a link to a folder",)


@pytest.mark.parametrize("location", ["US", "NAM4"])
def test_a_bucket_of_several_regions_gets_advice(
    uploader: Uploader, client: GoogleClient, large: Path, location: str
) -> None:
    client.storage.bucket_location = lambda: location  # type: ignore[method-assign]
    with pytest.warns(UserWarning, match=rf"is in {location}, which is more than us-central1.*gcloud storage buckets"):
        uploader.file(large)


def test_a_bucket_of_another_region_is_refused(uploader: Uploader, client: GoogleClient, large: Path) -> None:
    client.storage.bucket_location = lambda: "EUROPE-WEST4"  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="is in EUROPE-WEST4, and jobs run in us-central1") as raised:
        uploader.file(large)
    assert "--location=us-central1" in str(raised.value.hint)


def test_a_large_package_comes_in_pieces(
    uploader: Uploader, emulator: Emulator, workspace: Workspace, stored: Any
) -> None:
    sdist = os.urandom(2 * PIECE)
    before = sent(emulator)
    assert stored(uploader.package(sdist)) == sdist
    assert sent(emulator) == before + 1 + 2
    assert not list(workspace.uploads.iterdir())


def test_a_large_upload_is_told_with_its_progress(client: GoogleClient, uploader: Uploader, large: Path) -> None:
    said: list[str] = []
    uploader.say = said.append
    uploader.file(large)
    told = f"uploading 1.05 MB to {client.settings.bucket}"
    assert said == [told, told, f"{told} (25%)", f"{told} (50%)", f"{told} (75%)", f"{told} (100%)"]
    uploader.file(large)
    assert len(said) == 6
