"""Which of Vertex AI's prebuilt images can serve a SavedModel: those whose TensorFlow has all of its operations."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from mlmagic.backends.google.images import known_image, prediction_images
from mlmagic.runtime.event_values import Field, MalformedError, fields
from mlmagic.workspace.files import explained

# SavedModel.meta_graphs, MetaGraphDef.graph_def, and in that: GraphDef.node, and .library.function.node_def.
_GRAPHS = (2, 2)
_NODES = ((*_GRAPHS, 1), (*_GRAPHS, 2, 1, 3))
_OP = 2
_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Operations of TensorFlow 2 by its minor versions."""

    minors: frozenset[int]
    """Those that it knows."""
    lacking: Mapping[str, frozenset[int]]
    """Operation → those that lack it; what none lacks, and what none has, is not there."""


def operations_of(folder: Path) -> frozenset[str]:
    """Return the operations of a SavedModel, functions included; none if its file is not one of protobuf's encoding.

    Raises:
        WorkspaceError: the file cannot be read.
    """
    path = folder / "saved_model.pb"
    if not path.exists():
        return frozenset()
    with explained(f"read {path}"):
        data = path.read_bytes()
    try:
        return frozenset(_operations(data))
    except (MalformedError, IndexError, UnicodeDecodeError):
        return frozenset()


def serving_image(region: str, operations: frozenset[str] = frozenset(), *, has_gpu: bool = False) -> str | None:
    """Return the newest prebuilt image that knows these operations, from the continent of the region; None: none does.

    What an older TensorFlow wrote a newer one reads, but for operations that were taken away. Images that are older
    than the table are left out.
    """
    continent = region.partition("-")[0]
    near = continent if continent in {"us", "europe", "asia"} else "us"
    wanted = "gpu" if has_gpu else "cpu"
    images = (image for image in prediction_images(region=near) if f"tf2-{wanted}." in image)
    known = (image for image in images if _minor(image) in _table().minors)
    return next((image for image in known if not lacking(image, operations)), None)


def lacking(image: str, operations: frozenset[str]) -> tuple[str, ...]:
    """Return the operations that an image's TensorFlow lacks and another version has.

    What no version has may come with what else the image serves, such as those of TensorFlow Text: Vertex AI tells. And
    nothing is known of images older than the table.
    """
    minor, table = _minor(image), _table().lacking
    return tuple(sorted(name for name in operations if minor in table.get(name, ())))


def _minor(image: str) -> int | None:
    """Return the minor version of the TensorFlow 2 that an image has."""
    known = known_image(image)
    version = None if known is None else known.distributions.get("tensorflow")
    return None if version is None else int(version.split(".")[1])


@cache
def _table() -> _Table:
    """Return what `tools.tensorflow_operations` wrote."""
    packed = resources.files("mlmagic.backends.google").joinpath("operations.json.gz").read_bytes()
    found = json.loads(gzip.decompress(packed))
    lacking = {name: frozenset(minors) for name, minors in found["lacking"].items()}
    return _Table(minors=frozenset(found["minors"]), lacking=lacking)


def _operations(data: bytes) -> Iterator[str]:
    whole = Field(0, _BYTES, 0, 0, len(data), 0)
    for path in _NODES:
        for node in _below(data, whole, path):
            op = next(_below(data, node, (_OP,)), None)
            if op is not None:
                yield data[op.start : op.end].decode()


def _below(data: bytes, message: Field, path: tuple[int, ...]) -> Iterator[Field]:
    """Yield the parts of a message that lie at a path of field numbers."""
    if not path:
        yield message
        return
    for field in fields(data, message.start, message.end):
        if field.number == path[0] and field.wire == _BYTES:
            yield from _below(data, field, path[1:])
