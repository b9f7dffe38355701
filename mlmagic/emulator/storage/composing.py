"""Objects made of other objects: copied, rewritten, moved, composed."""

from __future__ import annotations

import shutil
from typing import IO, TYPE_CHECKING, Any

from mlmagic.emulator.errors import bad_request, invalid
from mlmagic.emulator.storage.digests import Digest, digest_of
from mlmagic.emulator.storage.preconditions import Preconditions, number, preconditions
from mlmagic.emulator.storage.resources import object_properties
from mlmagic.emulator.storage.store import ObjectStore, StoredObject, copy_aside, numbers_of, refusals

if TYPE_CHECKING:
    from mlmagic.emulator.storage.api import StorageCall

_MOST_SOURCES = 32


def copy(store: ObjectStore, call: StorageCall) -> StoredObject:
    """Copy an object to another name, with what was said about it unless the request says something else.

    Raises:
        ApiError: NOT_FOUND, a precondition of source or target that does not hold.
    """
    store.bucket_folder(call.target_bucket)
    source = store.digested(store.get(call.bucket, call.name, number(call.query, "sourceGeneration")))
    preconditions(call.query, "Source").check(*numbers_of(source))
    properties = object_properties(call.body) or source.known.properties
    content = store.temporary()
    copy_aside(source.path, content)
    try:
        return store.commit(
            call.target_bucket,
            call.target_name,
            content,
            digest_of(content),
            properties=dict(properties),
            wanted=preconditions(call.query),
            components=source.known.components,
        )
    finally:
        content.unlink(missing_ok=True)


def move(store: ObjectStore, call: StorageCall) -> StoredObject:
    """Give an object another name in its bucket, at once.

    Raises:
        ApiError: NOT_FOUND, a precondition of source or target that does not hold.
    """
    with store.lock:
        source = store.digested(store.get(call.bucket, call.name, number(call.query, "sourceGeneration")))
        preconditions(call.query, "Source").check(*numbers_of(source))
        if call.target_name == call.name:
            raise bad_request("The source and destination object names must be different.")
        made = store.commit(
            call.bucket,
            call.target_name,
            source.path,
            Digest(md5=source.known.md5, crc32c=source.known.crc32c or ""),
            properties=dict(source.known.properties),
            wanted=preconditions(call.query),
            components=source.known.components,
        )
        store.rows.forget(call.bucket, call.name)
        store.remove_empty(source.path.parent, store.bucket_folder(call.bucket))
    return made


def compose(store: ObjectStore, call: StorageCall) -> StoredObject:
    """Put objects of one bucket one after the other.

    Raises:
        ApiError: INVALID_ARGUMENT, NOT_FOUND, a precondition that does not hold.
    """
    told = call.body.get("sourceObjects")
    if not isinstance(told, list) or not 1 <= len(told) <= _MOST_SOURCES:
        raise bad_request(f"The number of source components must be between 1 and {_MOST_SOURCES}.")
    sources = [_source(store, call.target_bucket, one) for one in told]
    content = store.temporary()
    try:
        with refusals(), content.open("xb") as file:
            content.chmod(0o600)
            for source in sources:
                _append(source, file)
        return store.commit(
            call.target_bucket,
            call.target_name,
            content,
            digest_of(content),
            properties=object_properties(call.body.get("destination") or {}),
            wanted=preconditions(call.query),
            components=sum(source.known.components or 1 for source in sources),
        )
    finally:
        content.unlink(missing_ok=True)


def _append(source: StoredObject, file: IO[bytes]) -> None:
    with source.path.open("rb") as opened:
        shutil.copyfileobj(opened, file, 1 << 20)


def _source(store: ObjectStore, bucket: str, told: Any) -> StoredObject:
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise invalid("sourceObjects", "Each of sourceObjects needs a name.")
    texts = {name: str(value) for name, value in told.items() if value is not None}
    found = store.get(bucket, told["name"], number(texts, "generation"))
    wanted = (told.get("objectPreconditions") or {}).get("ifGenerationMatch")
    if wanted is not None:
        Preconditions(generation_match=int(wanted)).check(*numbers_of(found))
    return found
