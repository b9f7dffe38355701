"""What a version takes and returns."""

from __future__ import annotations

from mlmagic.panels import theme
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.text import table
from mlmagic.spec.model import ModelVersion, TensorSpec

_SHOWN = 60
_SHOWN_LABELS = 5
_OPTIONAL = ", may be missing"


def shape_text(tensor: TensorSpec) -> str:
    """Return `float32 (n, 28, 28)`; `n` counts instances, `?` is any size."""
    sizes = ["?" if size is None else str(size) for size in tensor.shape]
    if sizes and tensor.shape[0] is None:
        sizes[0] = "n"
    return f"{tensor.dtype} ({', '.join(sizes)})"


def tensor_text(tensor: TensorSpec) -> str:
    """Return its type, which classes its numbers are of, and whether values may be missing."""
    more = ", …" * (len(tensor.labels) > _SHOWN_LABELS)
    classes = f" of {', '.join(tensor.labels[:_SHOWN_LABELS])}{more}" if tensor.labels else ""
    return shape_text(tensor) + classes + (_OPTIONAL if tensor.optional else "")


def signature_html(version: ModelVersion) -> Html:
    """Return inputs and outputs as a table."""
    rows = [
        [
            direction,
            theme.code(name),
            element("code", text, style=f"font-family:{theme.MONO};background:none;padding:0"),
        ]
        for direction, name, text in _rows(version)
    ]
    if not rows:
        return theme.row(theme.faint(f"{version} has no signature that could be read."))
    more = _more(version)
    return join(
        [
            theme.row(theme.faint(f"Signature of {version}"), top="12px"),
            theme.table(["", "Name", "Type"], rows),
            theme.row(theme.faint(more)) if more else None,
        ]
    )


def signature_text(version: ModelVersion) -> list[str]:
    """Return the same as lines of text; none of a version without a signature."""
    rows = [list(row) for row in _rows(version)]
    if not rows:
        return []
    more = _more(version)
    return [f"Signature of {version}", table(["", "NAME", "TYPE"], rows, flexible=1), *([more] if more else [])]


def _rows(version: ModelVersion) -> list[tuple[str, str, str]]:
    if version.signature is None:
        return []
    sides = (("takes", version.signature.inputs), ("returns", version.signature.outputs))
    return [
        (direction if number == 0 else "", tensor.name, tensor_text(tensor))
        for direction, tensors in sides
        for number, tensor in enumerate(tensors[:_SHOWN])
    ]


def _more(version: ModelVersion) -> str | None:
    signature = version.signature
    if signature is None or max(len(signature.inputs), len(signature.outputs)) <= _SHOWN:
        return None
    return f"Of {len(signature.inputs)} inputs and {len(signature.outputs)} outputs, the first {_SHOWN} are shown."
