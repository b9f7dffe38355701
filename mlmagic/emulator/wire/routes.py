"""Which RPC an HTTP request asks for: the table of addresses, and the fields that stand in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

_FILE = Path(__file__).with_name("routes.json")
_VARIABLE = re.compile(r"\{([\w.]+)(?:=([^}]*))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rpc:
    """A method of a service, and the full names of its messages."""

    service: str
    name: str
    request: str
    response: str

    @property
    def grpc_path(self) -> str:
        """What gRPC asks for it by."""
        return f"/{self.service}/{self.name}"

    @property
    def python_name(self) -> str:
        """The name of the method of the class that serves it: `CreateCustomJob` → `create_custom_job`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One way to ask for an RPC by HTTP."""

    rpc: Rpc
    verb: str
    template: str
    pattern: re.Pattern[str]
    fields: tuple[str, ...]
    """Dotted names of what stands in the address."""
    body: str | None
    """The field that the body is, `*` for the whole request, None for no body."""

    def match(self, path: str) -> dict[str, str] | None:
        """Return the fields that a path, still encoded, has; None if it is another one."""
        found = self.pattern.fullmatch(path)
        return None if found is None else dict(zip(self.fields, map(unquote, found.groups()), strict=True))


@cache
def rpcs() -> tuple[Rpc, ...]:
    """Return all RPCs that the emulator knows of."""
    return tuple(rpc for rpc, _ in _table())


@cache
def bindings() -> tuple[Binding, ...]:
    """Return all bindings: those with a verb of their own (`…:cancel`) before those without."""
    found = [_binding(rpc, verb, template, body) for rpc, http in _table() for verb, template, body in http]
    return tuple(sorted(found, key=lambda binding: not _has_custom_verb(binding.template)))


def find(verb: str, path: str) -> tuple[Binding, dict[str, str]] | None:
    """Return the binding that a request means, and the fields in its path."""
    for binding in bindings():
        if binding.verb == verb and (fields := binding.match(path)) is not None:
            return binding, fields
    return None


@cache
def _table() -> tuple[tuple[Rpc, list[tuple[str, str, str | None]]], ...]:
    return tuple(
        (Rpc(service=row["service"], name=row["rpc"], request=row["request"], response=row["response"]), row["http"])
        for row in json.loads(_FILE.read_text("utf-8"))
    )


def _binding(rpc: Rpc, verb: str, template: str, body: str | None) -> Binding:
    names, pattern, place = [], "", 0
    for variable in _VARIABLE.finditer(template):
        pattern += re.escape(template[place : variable.start()]) + f"({_segments(variable[2] or '*')})"
        names.append(variable[1])
        place = variable.end()
    pattern += re.escape(template[place:])
    return Binding(rpc=rpc, verb=verb, template=template, pattern=re.compile(pattern), fields=tuple(names), body=body)


def _segments(shape: str) -> str:
    # A colon begins a verb; in a name it is encoded, but for ids such as `models/5:2`, which nothing here has.
    return re.escape(shape).replace(r"\*\*", "[^:]+").replace(r"\*", "[^/:]+")


def _has_custom_verb(template: str) -> bool:
    return ":" in template.rsplit("}", 1)[-1].rsplit("/", 1)[-1]
