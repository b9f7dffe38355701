"""Rows of features to serialized `tf.train.Example`s, which is what classify and regress signatures take.

The message is a map from names to lists of bytes, floats or integers; see the Protocol Buffers encoding.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from mlmagic.serving.problems import Problems
from mlmagic.serving.values import told

_BYTES, _FLOATS, _INTEGERS = 1, 2, 3
_INT64 = 2**63
_LARGEST_FLOAT = 3.4028235677973366e38
"""Beyond it a number has no float32, rounded or not."""


def read_examples(examples: list[Any], context: Any, problems: Problems) -> list[bytes]:
    """Return an Example for each object; notes what is none.

    Args:
        examples: as in the body of a request.
        context: features that all examples have, or None.
        problems: where misfits are noted.
    """
    shared: dict[str, bytes] = {}
    if context is not None:
        shared = _features(context, "context", problems)
    return [
        _example({**shared, **_features(example, f"examples[{i}]", problems)}) for i, example in enumerate(examples)
    ]


def _example(features: Mapping[str, bytes]) -> bytes:
    entries = (_field(1, _field(1, name.encode()) + _field(2, feature)) for name, feature in features.items())
    return _field(1, b"".join(entries))


def _features(example: Any, path: str, problems: Problems) -> dict[str, bytes]:
    if not isinstance(example, Mapping):
        problems.add(f"{path}: expected an object with the features, got {told(example)}")
        return {}
    return {name: _feature(value, f"{path}.{name}", problems) for name, value in example.items()}


def _feature(value: Any, path: str, problems: Problems) -> bytes:
    """Return a `Feature`; empty after noting what cannot be one."""
    items = value if isinstance(value, list) else [value]
    kinds = set(map(type, items))
    if kinds <= {int, float} and float in kinds:
        if any(abs(item) > _LARGEST_FLOAT for item in items):
            problems.add(f"{path}: a number is out of the range of float32")
            return b""
        return _field(_FLOATS, _field(1, struct.pack(f"<{len(items)}f", *items)))
    if kinds <= {int, bool}:
        if any(not -_INT64 <= item < _INT64 for item in items):
            problems.add(f"{path}: a number is out of the range of int64")
            return b""
        return _field(_INTEGERS, _field(1, b"".join(_varint(item % (2 * _INT64)) for item in items)))
    texts = [_bytes(item) for item in items]
    if None in texts:
        problems.add(f"{path}: expected numbers or strings, all of one kind, got {told(items[texts.index(None)])}")
        return b""
    return _field(_BYTES, b"".join(_field(1, text) for text in texts if text is not None))


def _bytes(item: Any) -> bytes | None:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, Mapping) and item.keys() == {"b64"}:
        try:
            return base64.b64decode(item["b64"], validate=True)
        except (TypeError, ValueError, binascii.Error):
            return None
    return None


def _field(number: int, content: bytes) -> bytes:
    return b"".join((bytes([number << 3 | 2]), _varint(len(content)), content))


def _varint(number: int) -> bytes:
    return bytes(_septets(number))


def _septets(number: int) -> Iterable[int]:
    while number > 0x7F:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number
