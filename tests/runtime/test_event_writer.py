"""Event files as mlmagic writes them itself."""

from __future__ import annotations

import errno
import os

import pytest

from mlmagic.runtime.event_writer import EventWriter
from mlmagic.runtime.scalars import curves


def test_a_later_file_goes_on(tmp_path):
    EventWriter(tmp_path / "taxi@1", time=1000.0).write({"fare/distance": 0.25, "fare/ü": 1.0}, step=1, time=1000.5)
    writer = EventWriter(tmp_path / "taxi@1", time=2000.0)
    writer.write({"fare/distance": 0.5}, step=2, time=2000.5)
    writer.write({"fare/distance": 0.75}, step=300, time=2001.5)
    points = ((1, 1000.5, 0.25), (2, 2000.5, 0.5), (300, 2001.5, 0.75))
    assert curves(tmp_path) == {"fare/distance": points, "fare/ü": ((1, 1000.5, 1.0),)}


def test_tensorboard_reads_it(tmp_path):
    from tensorboard.compat.proto.event_pb2 import Event

    EventWriter(tmp_path, time=1000.0).write({"a/b": 0.5, "c": -1.0}, step=7, time=1000.5)
    [path] = tmp_path.iterdir()
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    first, second = Event.FromString(data[12 : 12 + length]), Event.FromString(data[16 + length + 12 : -4])
    assert (first.file_version, second.step, second.wall_time) == ("brain.Event:2", 7, 1000.5)
    assert [(each.tag, each.simple_value) for each in second.summary.value] == [("a/b", 0.5), ("c", -1.0)]


def test_a_full_disk_leaves_no_half_record(tmp_path, monkeypatch):
    writer = EventWriter(tmp_path, time=1000.0)
    writer.write({"a": 1.0}, step=1, time=1001.0)
    write = os.write
    pieces = iter([10])

    def full(descriptor, data):
        if (size := next(pieces, None)) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:size])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            writer.write({"a": 2.0}, step=2, time=1002.0)
    writer.write({"a": 3.0}, step=3, time=1003.0)
    assert [point[0] for point in curves(tmp_path)["a"]] == [1, 3]
