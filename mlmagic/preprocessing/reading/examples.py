"""`tf.train.Example`s without TensorFlow: the same messages from descriptors of our own."""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from mlmagic.preprocessing.reading.json_rows import Faulty, Literal

_PACKAGE = "preprocessing.examples"
_Field = descriptor_pb2.FieldDescriptorProto


def read_example(record: bytes) -> dict[str, object]:
    """Return the features of a serialized Example: numbers as `Literal`, bytes as text, several values as a list.

    Raises:
        Faulty: it is none, or holds bytes that are not UTF-8.
    """
    try:
        example = example_class().FromString(record)
    except DecodeError as error:
        raise Faulty("not an Example") from error
    return {name: _value(name, feature) for name, feature in sorted(example.features.feature.items())}


@cache
def example_class() -> Any:
    """Return the message class. Its descriptors stand in a pool of their own, beside TensorFlow's if that is loaded."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3")
    for name, kind in (
        ("BytesList", _Field.TYPE_BYTES),
        ("FloatList", _Field.TYPE_FLOAT),
        ("Int64List", _Field.TYPE_INT64),
    ):
        file.message_type.add(name=name).field.add(name="value", number=1, type=kind, label=_Field.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("BytesList", "FloatList", "Int64List"), 1):
        field = feature.field.add(name=name.removesuffix("List").lower(), number=number, type=_Field.TYPE_MESSAGE)
        field.label, field.oneof_index, field.type_name = _Field.LABEL_OPTIONAL, 0, f".{_PACKAGE}.{name}"
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    _add_message(entry, "value", 2, "Feature")
    _add_message(features, "feature", 1, "Features.FeatureEntry").label = _Field.LABEL_REPEATED
    _add_message(file.message_type.add(name="Example"), "features", 1, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Example"))


def _add_message(message: Any, name: str, number: int, kind: str) -> Any:
    return message.field.add(
        name=name,
        number=number,
        type=_Field.TYPE_MESSAGE,
        label=_Field.LABEL_OPTIONAL,
        type_name=f".{_PACKAGE}.{kind}",
    )


def _value(name: str, feature: Any) -> object:
    kind = feature.WhichOneof("kind")
    values = getattr(feature, kind).value if kind else ()
    if not values:
        return None
    if kind == "bytes":
        try:
            texts = [value.decode() for value in values]
        except UnicodeDecodeError as error:
            told = f"{name}: byte 0x{error.object[error.start]:02x} is not UTF-8"
            raise Faulty(f"{name}: not UTF-8", told) from error
        return texts[0] if len(texts) == 1 else texts
    numbers = [Literal(repr(value)) for value in values]
    return numbers[0] if len(numbers) == 1 else numbers
