"""What one version takes or returns differently from another."""

from __future__ import annotations

import dataclasses

from mlmagic.spec.model import Signature, TensorSpec

_SHOWN_LABELS = 5


def signature_differences(first: Signature | None, second: Signature | None) -> list[str]:
    """Return what the second takes or returns differently, a line for each."""
    if first is None or second is None:
        return [] if first is second else ["the signature of one of them could not be read"]
    found = []
    for what, ours, theirs in (("input", first.inputs, second.inputs), ("output", first.outputs, second.outputs)):
        old, new = {spec.name: spec for spec in ours}, {spec.name: spec for spec in theirs}
        found += [
            f"{what} {name}: {_told(old.get(name))} → {_told(new.get(name))}"
            for name in sorted(old.keys() | new.keys())
            if not _fit(old.get(name), new.get(name))
        ]
    return found


def _fit(first: TensorSpec | None, second: TensorSpec | None) -> bool:
    if first is None or second is None or (first.labels and second.labels):
        return first == second
    # Of what was imported, or made by an older program, the classes are not known.
    return dataclasses.replace(first, labels=second.labels) == second


def _told(spec: TensorSpec | None) -> str:
    if spec is None:
        return "none"
    sizes = ", ".join("?" if size is None else str(size) for size in spec.shape)
    more = ", …" * (len(spec.labels) > _SHOWN_LABELS)
    classes = f" of {', '.join(spec.labels[:_SHOWN_LABELS])}{more}" if spec.labels else ""
    return f"{spec.dtype} ({sizes}){classes}{' or null' if spec.optional else ''}"
