"""The messages of the APIs, from their generated definitions, and dictionaries in their place.

The definitions live in a pool of their own: a process may hold Google's client libraries as well, whose definitions of
the same names are in the default pool.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

_FILE = Path(__file__).with_name("messages.binpb.gz")


@cache
def pool() -> DescriptorPool:
    """Return the definitions."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from google.protobuf.descriptor_pool import DescriptorPool

    found = DescriptorPool()
    for file in FileDescriptorSet.FromString(gzip.decompress(_FILE.read_bytes())).file:
        found.AddSerializedFile(file.SerializeToString())
    return found


@cache
def descriptor(name: str) -> Descriptor:
    """Return the definition of a message by its full name."""
    return pool().FindMessageTypeByName(name)


def new(name: str) -> Message:
    """Return an empty message of a type."""
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(descriptor(name))()


def from_dict(name: str, document: Any) -> Message:
    """Return the message that a dictionary tells.

    Raises:
        google.protobuf.json_format.ParseError: it does not fit the definition.
    """
    from google.protobuf.json_format import ParseDict

    return ParseDict(document, new(name), descriptor_pool=pool())


def to_dict(message: Message) -> dict[str, Any]:
    """Return a message as services see it: snake_case, enums by name, 64-bit integers as text."""
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=pool())  # type: ignore[no-any-return]


def to_json(message: Message, *, enums_as_numbers: bool) -> dict[str, Any]:
    """Return a message as HTTP tells it: camelCase."""
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, use_integers_for_enums=enums_as_numbers, descriptor_pool=pool())  # type: ignore[no-any-return]


def from_bytes(name: str, data: bytes) -> Message:
    """Return the message that gRPC's bytes hold."""
    message = new(name)
    message.ParseFromString(data)
    return message
