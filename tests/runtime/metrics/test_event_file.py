"""The reader of event files gives what TensorBoard gives, and goes on where that stops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.event_files import TYPES, event, record, restart, tensor_event

from mlmagic.runtime import event_file
from mlmagic.runtime.event_file import EventFile

Write = Callable[..., Path]
EVENTS = [event(step, loss=step * 0.5) for step in range(4)]


@pytest.mark.slow
def test_every_type_of_number_is_read_as_tensorboard_reads_it(
    trained: Callable[[int], tuple[Path, str]], accumulated: Callable[[Path], dict[str, list[tuple[float, ...]]]]
) -> None:
    logs, _ = trained(1)
    (path,) = (logs / "typed").iterdir()
    new = EventFile(path).read()
    assert [value for _, _, value in new.pop("bfloat16")] == [0, 1, 200]
    assert new == accumulated(logs / "typed")
    assert set(new) == {*TYPES, "scalar"} - {"bfloat16"}
    assert new["scalar"][0][0] == -1


@pytest.mark.parametrize("run", ["train", "validation"])
def test_what_keras_writes_is_read_as_tensorboard_reads_it(
    run: str,
    trained: Callable[[int], tuple[Path, str]],
    accumulated: Callable[[Path], dict[str, list[tuple[float, ...]]]],
) -> None:
    logs, _ = trained(1)
    (path,) = (logs / run).iterdir()
    new = EventFile(path).read()
    assert new == accumulated(logs / run)
    assert len(new["epoch_loss"]) == 3


def test_simple_values_are_read_as_tensorboard_reads_them(
    write: Write, accumulated: Callable[[Path], dict[str, list[tuple[float, ...]]]]
) -> None:
    events = [event(step, loss=1 / (step + 1), accuracy=step, nan=float("inf")) for step in range(300)]
    path = write("events.out.tfevents.1", *events)
    new = EventFile(path).read()
    assert new == accumulated(path.parent)
    assert new["loss"][299] == (299, 1299.0, pytest.approx(1 / 300))


def test_a_restart_takes_back_later_steps(
    write: Write, accumulated: Callable[[Path], dict[str, list[tuple[float, ...]]]]
) -> None:
    from tensorboard.compat.proto.event_pb2 import Event

    version = Event(file_version="brain.Event:2").SerializeToString()
    path = write("events.out.tfevents.1", version, *EVENTS, restart(2), event(2, loss=9.0))
    file = EventFile(path)
    file.read()
    assert sorted(file.points["loss"].values()) == accumulated(path.parent)["loss"]
    assert file.void_from == 2


def test_a_growing_file_is_read_on_from_where_it_ended(write: Write) -> None:
    path = write("events.out.tfevents.1", *EVENTS[:2])
    file = EventFile(path)
    assert [point[0] for point in file.read()["loss"]] == [0, 1]
    assert file.read() == {}
    write("events.out.tfevents.1", EVENTS[2])
    assert [point[0] for point in file.read()["loss"]] == [2]


def test_every_torn_tail_waits_for_its_rest(tmp_path: Path) -> None:
    path, whole = tmp_path / "events.out.tfevents.1", record(EVENTS[0]) + record(EVENTS[1])
    first = len(record(EVENTS[0]))
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        file = EventFile(path)
        assert len(file.read().get("loss", [])) == (1 if cut >= first else 0)
        path.write_bytes(whole)
        file.read()
        assert list(file.points["loss"]) == [0, 1]


def test_a_last_record_with_holes_waits_for_them(tmp_path: Path) -> None:
    path, last = tmp_path / "events.out.tfevents.1", record(EVENTS[1])
    path.write_bytes(record(EVENTS[0]) + last[:-8] + bytes(8))
    file = EventFile(path)
    assert list(file.read()["loss"][0]) == [0, 1000.0, 0.0]
    path.write_bytes(record(EVENTS[0]) + last)
    assert [point[0] for point in file.read()["loss"]] == [1]


def test_a_damaged_record_is_left_out(tmp_path: Path) -> None:
    path, records = tmp_path / "events.out.tfevents.1", [bytearray(record(each)) for each in EVENTS]
    records[1][-6] ^= 1
    path.write_bytes(b"".join(records))
    assert [point[0] for point in EventFile(path).read()["loss"]] == [0, 2, 3]


def test_a_file_by_the_same_name_is_read_from_its_beginning(write: Write) -> None:
    path = write("events.out.tfevents.1", *EVENTS)
    file = EventFile(path)
    file.read()
    path.write_bytes(record(event(7, loss=1.0)))
    assert [point[0] for point in file.read()["loss"]] == [7]
    assert list(file.points["loss"]) == [7]


def test_giants_are_passed_over(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "_CHUNK", 200)
    path = write("events.out.tfevents.1", EVENTS[0], b"\x22" + bytes(1000), *EVENTS[1:] * 10)
    new = EventFile(path).read()["loss"]
    assert [point[0] for point in new] == [0, *[1, 2, 3] * 10]


def test_a_giant_that_is_still_being_written_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "_CHUNK", 200)
    path, data = tmp_path / "events.out.tfevents.1", record(b"\x22" + bytes(1000)) + record(EVENTS[0])
    path.write_bytes(data[:500])
    file = EventFile(path)
    assert file.read() == {}
    path.write_bytes(data)
    assert list(file.read()) == ["loss"]


def test_metadata_of_the_first_event_holds_for_the_later_ones(write: Write) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    tensor = TensorProto(dtype=1, float_val=[1.0])
    other = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="pr_curves"))
    values = [Summary.Value(tag="curve", tensor=tensor, metadata=other), Summary.Value(tag="curve", tensor=tensor)]
    events = [Event(step=step, summary=Summary(value=[value])) for step, value in enumerate(values)]
    path = write("events.out.tfevents.1", *(each.SerializeToString() for each in events))
    assert EventFile(path).read() == {}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"dtype": 1, "float_val": [0.5]}, 0.5),
        ({"dtype": 2, "double_val": [0.1]}, 0.1),
        ({"dtype": 3, "int_val": [-7]}, -7.0),
        ({"dtype": 9, "int64_val": [-(2**40)]}, -(2.0**40)),
        ({"dtype": 10, "bool_val": [True]}, 1.0),
        ({"dtype": 14, "half_val": [0x3FC0]}, 1.5),
        ({"dtype": 19, "half_val": [0x3E00]}, 1.5),
        ({"dtype": 22, "uint32_val": [2**32 - 1]}, 2.0**32 - 1),
        ({"dtype": 23, "uint64_val": [2**63]}, 2.0**63),
        ({"dtype": 1}, 0.0),
    ],
)
def test_values_are_read_wherever_they_lie_in_a_tensor(write: Write, values: dict[str, Any], expected: float) -> None:
    path = write("events.out.tfevents.1", tensor_event(**values), tensor_event(**values))
    assert [value for _, _, value in EventFile(path).read()["x"]] == [expected] * 2


@pytest.mark.parametrize(
    "values",
    [
        {"dtype": 1, "float_val": [1.0, 2.0], "tensor_shape": {"dim": [{"size": 2}]}},
        {"dtype": 1, "tensor_content": b"12345"},
        {"dtype": 7, "string_val": [b"words"]},
        {"dtype": 8, "scomplex_val": [1.0, 2.0]},
        {"dtype": 1, "scomplex_val": [1.0, 2.0]},
        {"dtype": 99, "float_val": [1.0]},
    ],
)
def test_tensors_that_are_no_scalars_are_passed_over(write: Write, values: dict[str, Any]) -> None:
    path = write("events.out.tfevents.1", tensor_event(**values), EVENTS[0])
    assert list(EventFile(path).read()) == ["loss"]


def test_several_values_in_one_event_are_all_read(write: Write) -> None:
    path = write("events.out.tfevents.1", event(1, loss=0.5, accuracy=0.75), event(2, loss=0.25))
    assert EventFile(path).read() == {"loss": [(1, 1001.0, 0.5), (2, 1002.0, 0.25)], "accuracy": [(1, 1001.0, 0.75)]}


def test_long_tags_and_large_steps_are_read(write: Write) -> None:
    tags = ["x" * length for length in (1, 120, 121, 122, 127, 128, 300)]
    path = write("events.out.tfevents.1", *(event(step, **{tag: 1.0}) for tag in tags for step in (127, 128, 2**40)))
    new = EventFile(path).read()
    assert [list(map(next, map(iter, new[tag]))) for tag in tags] == [[127, 128, 2**40]] * len(tags)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_makes_it_fail(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(b"".join(map(record, EVENTS)))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    new = EventFile(path).read()
    assert {point for points in new.values() for point in points} <= {(n, 1000.0 + n, n / 2) for n in range(4)}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.binary(max_size=60) | st.binary(max_size=40).map(lambda rest: b"\x09" + bytes(8) + b"*" + rest))
)
def test_no_event_makes_it_fail(events: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(map(record, events)) + record(EVENTS[3]))
    assert (3, 1003.0, 1.5) in EventFile(path).read()["loss"]
