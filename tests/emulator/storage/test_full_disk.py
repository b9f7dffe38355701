"""An emulator whose disk is full."""

from __future__ import annotations

from pathlib import Path

import requests
from support.disks import fill, small_disk

from mlmagic.emulator.launch import Emulator, emulator


def put(started: Emulator, kind: str, name: str, data: bytes) -> requests.Response:
    address = f"{started.environment['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/{started.bucket}/o"
    return requests.post(address, params={"uploadType": kind, "name": name}, data=data, timeout=120)


def test_it_says_so_keeps_what_there_is_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=16) as disk, emulator(disk / "root") as started:
        assert put(started, "media", "a", b"old").status_code == 200
        fill(disk / "filler")

        for kind, data in (("media", b"new"), ("media", bytes(8 << 20)), ("resumable", b'{"metadata": {}}')):
            answer = put(started, kind, "a", data)
            assert answer.status_code == 507, answer.text
            assert answer.json()["error"]["message"].startswith("The disk of mlmagic's emulator is full.")

        assert (started.buckets / started.bucket / "a").read_bytes() == b"old"
        assert [path for path in (disk / "root" / "incoming").iterdir() if path.stat().st_size] == []
        (disk / "filler").unlink()
        assert put(started, "media", "a", b"new").status_code == 200
