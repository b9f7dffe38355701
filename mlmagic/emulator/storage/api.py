"""The methods of the JSON API that carry no bytes of objects: what `storage.objects.get` and its like answer."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from mlmagic.emulator.documents import now
from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.storage.composing import compose, copy, move
from mlmagic.emulator.storage.names import check_bucket_name
from mlmagic.emulator.storage.preconditions import number, preconditions
from mlmagic.emulator.storage.resources import (
    bucket_properties,
    bucket_resource,
    object_properties,
    object_resource,
    patched,
)
from mlmagic.emulator.storage.store import ObjectStore, refusals
from mlmagic.emulator.storage.walking import Listing, is_empty, list_objects
from mlmagic.workspace.files import make_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageCall:
    """A request: its method, what stands in the address, the body."""

    method: str
    """As the API calls it: `storage.objects.get`."""
    bucket: str = ""
    name: str = ""
    target_bucket: str = ""
    target_name: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    permissions: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    base: str
    """The address by which the client came."""


_OBJECT = r"/b/(?P<bucket>[^/]+)/o/(?P<name>[^/]+)"
_TO = r"/b/(?P<target_bucket>[^/]+)/o/(?P<target_name>[^/]+)"
_ADDRESSES = [
    (verb, re.compile(pattern), method)
    for verb, pattern, method in (
        ("GET", r"/b", "storage.buckets.list"),
        ("POST", r"/b", "storage.buckets.insert"),
        ("GET", r"/b/(?P<bucket>[^/]+)", "storage.buckets.get"),
        ("PATCH", r"/b/(?P<bucket>[^/]+)", "storage.buckets.patch"),
        ("PUT", r"/b/(?P<bucket>[^/]+)", "storage.buckets.patch"),
        ("DELETE", r"/b/(?P<bucket>[^/]+)", "storage.buckets.delete"),
        ("GET", r"/b/(?P<bucket>[^/]+)/iam/testPermissions", "storage.buckets.testIamPermissions"),
        ("GET", r"/b/(?P<bucket>[^/]+)/storageLayout", "storage.buckets.getStorageLayout"),
        ("GET", r"/b/(?P<bucket>[^/]+)/o", "storage.objects.list"),
        ("GET", _OBJECT, "storage.objects.get"),
        ("PATCH", _OBJECT, "storage.objects.patch"),
        ("PUT", _OBJECT, "storage.objects.update"),
        ("DELETE", _OBJECT, "storage.objects.delete"),
        ("POST", _OBJECT.replace("name", "target_name").replace("bucket", "target_bucket") + "/compose",
         "storage.objects.compose"),
        ("POST", _OBJECT + r"/moveTo/o/(?P<target_name>[^/]+)", "storage.objects.move"),
        ("POST", _OBJECT + "/copyTo" + _TO, "storage.objects.copy"),
        ("POST", _OBJECT + "/rewriteTo" + _TO, "storage.objects.rewrite"),
    )
]  # fmt: skip


def find_method(verb: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Return the method that a path below `/storage/v1` means, and what stands in it."""
    for wanted, pattern, method in _ADDRESSES:
        if wanted == verb and (found := pattern.fullmatch(path)):
            return method, {name: unquote(value) for name, value in found.groupdict().items()}
    return None


class StorageApi:
    """The JSON API over one store."""

    def __init__(self, store: ObjectStore, region: str) -> None:
        self.store = store
        self._region = region
        self._methods: dict[str, Callable[[StorageCall], Any]] = {
            "storage.buckets.list": self._list_buckets,
            "storage.buckets.insert": self._insert_bucket,
            "storage.buckets.get": self._get_bucket,
            "storage.buckets.patch": self._patch_bucket,
            "storage.buckets.delete": self._delete_bucket,
            "storage.buckets.testIamPermissions": self._test_permissions,
            "storage.buckets.getStorageLayout": self._storage_layout,
            "storage.objects.list": self._list_objects,
            "storage.objects.get": self._get_object,
            "storage.objects.patch": self._patch_object,
            "storage.objects.update": self._update_object,
            "storage.objects.delete": self._delete_object,
            "storage.objects.compose": lambda call: self._told(compose(self.store, call), call),
            "storage.objects.copy": lambda call: self._told(copy(self.store, call), call),
            "storage.objects.rewrite": self._rewrite,
            "storage.objects.move": lambda call: self._told(move(self.store, call), call),
        }

    def do(self, call: StorageCall) -> Any:
        """Do what a request asks for; return the answer's document, None for one without.

        Raises:
            ApiError: what is answered instead.
        """
        with refusals():
            return self._methods[call.method](call)

    def ensure_bucket(self, name: str) -> None:
        """Make a bucket if there is none of that name."""
        with contextlib.suppress(ApiError):
            self._insert_bucket(StorageCall(method="storage.buckets.insert", body={"name": name}, base=""))

    def _bucket(self, name: str, base: str) -> dict[str, Any]:
        self.store.bucket_folder(name)
        return bucket_resource(name, self.store.rows.bucket(name), base, self._region)

    def _list_buckets(self, call: StorageCall) -> dict[str, Any]:
        prefix = call.query.get("prefix", "")
        names = sorted(path.name for path in self.store.folder.iterdir() if path.is_dir() and not path.is_symlink())
        items = [self._bucket(name, call.base) for name in names if name.startswith(prefix)]
        return {"kind": "storage#buckets", "items": items}

    def _insert_bucket(self, call: StorageCall) -> dict[str, Any]:
        name = str(call.body.get("name", ""))
        check_bucket_name(name)
        with self.store.lock:
            if (self.store.folder / name).exists():
                message = "Your previous request to create the named bucket succeeded and you already own it."
                raise ApiError(status="ALREADY_EXISTS", message=message)
            properties = {"location": self._region, **bucket_properties(call.body)}
            self.store.rows.keep_bucket(name, properties | {"timeCreated": now(), "updated": now()})
            make_folder(self.store.folder / name)
        return self._bucket(name, call.base)

    def _get_bucket(self, call: StorageCall) -> dict[str, Any]:
        return self._bucket(call.bucket, call.base)

    def _patch_bucket(self, call: StorageCall) -> dict[str, Any]:
        with self.store.lock:
            self.store.bucket_folder(call.bucket)
            changed = self.store.rows.bucket(call.bucket) | bucket_properties(call.body)
            self.store.rows.keep_bucket(call.bucket, changed | {"updated": now()})
        return self._bucket(call.bucket, call.base)

    def _delete_bucket(self, call: StorageCall) -> None:
        with self.store.lock:
            folder = self.store.bucket_folder(call.bucket)
            if not is_empty(folder):
                raise _not_empty()
            try:
                self.store.remove_folders(folder)
            except OSError:
                raise _not_empty() from None
            self.store.rows.forget_bucket(call.bucket)

    def _test_permissions(self, call: StorageCall) -> dict[str, Any]:
        self.store.bucket_folder(call.bucket)
        return {"kind": "storage#testIamPermissionsResponse", "permissions": list(call.permissions)}

    def _storage_layout(self, call: StorageCall) -> dict[str, Any]:
        bucket = self._bucket(call.bucket, call.base)
        told = {name: bucket[name] for name in ("location", "locationType")}
        return {
            "kind": "storage#storageLayout",
            "bucket": call.bucket,
            **told,
            "hierarchicalNamespace": {"enabled": False},
        }

    def _list_objects(self, call: StorageCall) -> dict[str, Any]:
        query = call.query
        asked = Listing(
            prefix=query.get("prefix", ""),
            delimiter=query.get("delimiter", ""),
            include_trailing_delimiter=query.get("includeTrailingDelimiter", "").lower() == "true",
            start=query.get("startOffset", ""),
            end=query.get("endOffset", ""),
            glob=query.get("matchGlob", ""),
            size=number(query, "maxResults") or 0,
            token=query.get("pageToken", ""),
        )
        page = list_objects(self.store, call.bucket, asked)
        items = [object_resource(self.store.digested(found), call.base) for found in page.objects]
        told: dict[str, Any] = {"kind": "storage#objects", "items": items, "prefixes": list(page.prefixes)}
        told["nextPageToken"] = page.token
        return {name: value for name, value in told.items() if value}

    def _get_object(self, call: StorageCall) -> dict[str, Any]:
        found = self.store.get(call.bucket, call.name, number(call.query, "generation"))
        preconditions(call.query).check(found.known.generation, found.known.metageneration, reading=True)
        return self._told(found, call)

    def _patch_object(self, call: StorageCall) -> dict[str, Any]:
        changed = self.store.patch(
            call.bucket, call.name, lambda before: patched(before, call.body), preconditions(call.query)
        )
        return self._told(changed, call)

    def _update_object(self, call: StorageCall) -> dict[str, Any]:
        properties = object_properties(call.body)
        changed = self.store.patch(call.bucket, call.name, lambda _: properties, preconditions(call.query))
        return self._told(changed, call)

    def _delete_object(self, call: StorageCall) -> None:
        generation = number(call.query, "generation")
        self.store.delete(call.bucket, call.name, preconditions(call.query), generation)

    def _rewrite(self, call: StorageCall) -> dict[str, Any]:
        done = copy(self.store, call)
        size = str(done.size)
        return {
            "kind": "storage#rewriteResponse",
            "totalBytesRewritten": size,
            "objectSize": size,
            "done": True,
            "resource": self._told(done, call),
        }

    def _told(self, found: Any, call: StorageCall) -> dict[str, Any]:
        return object_resource(self.store.digested(found), call.base)


def _not_empty() -> ApiError:
    return ApiError(status="ALREADY_EXISTS", message="The bucket you tried to delete is not empty.")
