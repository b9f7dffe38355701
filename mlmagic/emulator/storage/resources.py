"""Buckets and objects as the JSON API tells them, and what a writer may say about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mlmagic.emulator.errors import bad_request
from mlmagic.emulator.storage.store import StoredObject

API = "/storage/v1"
_WRITABLE = frozenset(
    {
        "acl", "cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "contentType", "contexts",
        "customTime", "eventBasedHold", "metadata", "storageClass", "temporaryHold",
    }
)  # fmt: skip
_BUCKET_WRITABLE = frozenset(
    {
        "acl", "autoclass", "cors", "defaultObjectAcl", "iamConfiguration", "labels", "lifecycle", "location",
        "locationType", "logging", "rpo", "softDeletePolicy", "storageClass", "versioning", "website",
    }
)  # fmt: skip


def object_resource(found: StoredObject, base: str) -> dict[str, Any]:
    """Return an object; `base` is the address by which the client came."""
    known = found.known
    path = f"/b/{quote(found.bucket, safe='')}/o/{quote(found.name, safe='')}"
    resource = {
        "kind": "storage#object",
        "id": f"{found.bucket}/{found.name}/{known.generation}",
        "selfLink": f"{base}{API}{path}",
        "mediaLink": f"{base}/download{API}{path}?generation={known.generation}&alt=media",
        "name": found.name,
        "bucket": found.bucket,
        "generation": str(known.generation),
        "metageneration": str(known.metageneration),
        "storageClass": "STANDARD",
        "size": str(found.size),
        "md5Hash": known.md5,
        "crc32c": known.crc32c,
        "componentCount": known.components,
        "etag": etag(found),
        "timeCreated": known.created,
        "updated": known.updated,
        "timeStorageClassUpdated": known.created,
        **known.properties,
    }
    return {name: value for name, value in resource.items() if value is not None}


def etag(found: StoredObject) -> str:
    """Return what changes with every change of an object."""
    return f"{found.known.generation:x}/{found.known.metageneration}"


def bucket_resource(name: str, properties: Mapping[str, Any], base: str, region: str) -> dict[str, Any]:
    """Return a bucket; one that is no more than a folder is told to be in the emulator's region."""
    location = str(properties.get("location") or region).upper()
    return {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "selfLink": f"{base}{API}/b/{quote(name, safe='')}",
        "projectNumber": "0",
        "metageneration": "1",
        "etag": "CAE=",
        "storageClass": "STANDARD",
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}},
        **properties,
        "location": location,
        "locationType": "region" if "-" in location else "multi-region",
    }


def object_properties(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a request says about an object, without what is not for it to say.

    Raises:
        ApiError: INVALID_ARGUMENT; metadata that is not text by text.
    """
    metadata = told.get("metadata")
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str | None) for value in metadata.values())
    ):
        raise bad_request("Invalid value for: metadata must have text for each key.")
    return {name: value for name, value in told.items() if name in _WRITABLE and value is not None}


def patched(before: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties with a change: None removes, and of metadata only the keys that are named change."""
    after = {**before, **{name: value for name, value in told.items() if name in _WRITABLE}}
    if isinstance(told.get("metadata"), dict):
        merged = {**before.get("metadata", {}), **told["metadata"]}
        after["metadata"] = {key: value for key, value in merged.items() if value is not None}
    return object_properties({name: value for name, value in after.items() if value})


def bucket_properties(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a request says about a bucket."""
    return {name: value for name, value in told.items() if name in _BUCKET_WRITABLE and value is not None}
