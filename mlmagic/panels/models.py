"""The list of models, and the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import table
from mlmagic.panels.times import ago, short_absolute, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.model import Model, ModelVersion, TensorSpec

MIME_TYPE = "application/vnd.mlmagic.models+json"
MODEL_MIME_TYPE = "application/vnd.mlmagic.model+json"
_EMPTY = "No models yet."
_EMPTY_COMMAND = "%%train NAME"


def models_bundle(entries: Sequence[tuple[Model, Sequence[ModelVersion]]], *, now: datetime | None = None) -> Bundle:
    """Return the list of models, each with its versions in ascending order."""
    now = now or utc_now()
    payload = {"models": [_payload(model, versions) for model, versions in entries]}
    if not entries:
        html = theme.card(theme.faint(_EMPTY), " A job that writes one makes it: ", theme.code(_EMPTY_COMMAND), ".")
        return document(
            MIME_TYPE, payload, html=html, text=f"{_EMPTY} A job that writes one makes it: {_EMPTY_COMMAND}."
        )
    rows = [_row(model, versions, now) for model, versions in entries]
    html = theme.card(theme.table(["Model", "Default", "Latest", "Versions", "Changed"], _strong_names(rows)))
    text = table(["MODEL", "DEFAULT", "LATEST", "VERSIONS", "CHANGED"], rows, flexible=0)
    return document(MIME_TYPE, payload, html=html, text=text)


def model_bundle(model: Model, versions: Sequence[ModelVersion], *, now: datetime | None = None) -> Bundle:
    """Return the page of a model: its versions, which is the default, and what it takes and returns."""
    now = now or utc_now()
    return document(
        MODEL_MIME_TYPE,
        _payload(model, versions),
        html=_page_html(model, versions, now),
        text=_page_text(model, versions, now),
    )


def shape_text(tensor: TensorSpec) -> str:
    """Return `float32 (n, 28, 28)`; `n` counts instances, `?` is any size."""
    sizes = ["?" if size is None else str(size) for size in tensor.shape]
    if sizes and tensor.shape[0] is None:
        sizes[0] = "n"
    return f"{tensor.dtype} ({', '.join(sizes)})"


def _payload(model: Model, versions: Sequence[ModelVersion]) -> dict[str, object]:
    return {"model": encode(model), "versions": [encode(version) for version in versions]}


def _row(model: Model, versions: Sequence[ModelVersion], now: datetime) -> list[str]:
    default = model.aliases.get("default")
    return [
        model.name,
        "—" if default is None else f"{model.name}@{default}",
        str(versions[-1]) if versions else "—",
        str(len(versions)),
        ago(versions[-1].create_time if versions else model.create_time, now),
    ]


def _strong_names(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[element("strong", name), *rest] for name, *rest in rows]


def _aliases(model: Model, number: int) -> list[str]:
    names = [alias for alias, target in model.aliases.items() if target == number]
    return sorted(names, key=lambda alias: (alias != "default", alias))


def _page_html(model: Model, versions: Sequence[ModelVersion], now: datetime) -> Html:
    default = model.aliases.get("default")
    heading = theme.heading(
        theme.title(model.name),
        theme.pill(f"default @{default}", theme.BLUE) if default is not None else None,
        right=f"{len(versions)} version{'' if len(versions) == 1 else 's'}",
    )
    if not versions:
        return theme.card(heading, theme.row("It has no version yet."), theme.hints("Next", ["%jobs"]))
    rows = [_version_row(model, version, now) for version in reversed(versions)]
    return theme.card(
        heading,
        theme.table(["Version", "Aliases", "Made", "Size", "By job"], rows, wraps=[2, 4]),
        _signature_html(_shown(model, versions)),
        theme.hints("Next", _next(model, versions)),
    )


def _version_row(model: Model, version: ModelVersion, now: datetime) -> list[str]:
    aliases = [
        theme.pill(name, theme.BLUE if name == "default" else theme.GREY) for name in _aliases(model, version.number)
    ]
    made = join(
        [
            element("span", ago(version.create_time, now), style="white-space:nowrap"),
            " ",
            element("span", short_absolute(version.create_time), style="white-space:nowrap;opacity:.65"),
        ]
    )
    job = theme.copyable(version.origin.job_id) if version.origin.job_id else "—"
    return [element("strong", str(version)), join(aliases, " "), made, size_text(version.size_bytes), job]


def _shown(model: Model, versions: Sequence[ModelVersion]) -> ModelVersion:
    """Return the version whose signature is shown: the default one."""
    default = model.aliases.get("default")
    return next((version for version in versions if version.number == default), versions[-1])


def _signature_html(version: ModelVersion) -> Html:
    signature = version.signature
    if signature is None:
        return theme.row(theme.faint(f"{version} has no signature that could be read."))
    rows = [
        [
            direction if number == 0 else "",
            theme.code(tensor.name),
            element("code", shape_text(tensor), style=f"font-family:{theme.MONO};background:none;padding:0"),
        ]
        for direction, tensors in (("takes", signature.inputs), ("returns", signature.outputs))
        for number, tensor in enumerate(tensors)
    ]
    return join(
        [theme.row(theme.faint(f"Signature of {version}"), top="12px"), theme.table(["", "Name", "Type"], rows)]
    )


def _next(model: Model, versions: Sequence[ModelVersion]) -> list[str]:
    latest = versions[-1]
    is_default = model.aliases.get("default") == latest.number
    return [f"%predict {model.name} $data", *([] if is_default else [f"%models set-default {latest}"])]


def _page_text(model: Model, versions: Sequence[ModelVersion], now: datetime) -> str:
    if not versions:
        return f"{model.name}: no version yet.\nNext: %jobs"
    rows = [
        [
            str(v),
            ", ".join(_aliases(model, v.number)),
            ago(v.create_time, now),
            v.origin.job_id or "—",
            size_text(v.size_bytes),
        ]
        for v in reversed(versions)
    ]
    shown = _shown(model, versions)
    lines = [model.name, "", table(["VERSION", "ALIASES", "MADE", "BY JOB", "SIZE"], rows, flexible=3), ""]
    if shown.signature is not None:
        tensors = [["takes", t.name, shape_text(t)] for t in shown.signature.inputs]
        tensors += [["returns", t.name, shape_text(t)] for t in shown.signature.outputs]
        lines += [f"Signature of {shown}", table(["", "NAME", "TYPE"], tensors, flexible=1), ""]
    return "\n".join([*lines, f"Next: {'   '.join(_next(model, versions))}"])
