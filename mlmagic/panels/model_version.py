"""The page of a version: where it came from, how good it is, what it takes and returns, where it is used."""

from __future__ import annotations

from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html
from mlmagic.panels.model import alias_pills
from mlmagic.panels.models import main_metrics
from mlmagic.panels.numbers import number
from mlmagic.panels.signature import signature_html, signature_text
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import one_line, wrapped
from mlmagic.panels.times import absolute, ago, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.model_report import VersionPage

MIME_TYPE = "application/vnd.mlmagic.modelversion+json"
_ARTIFACTS = {"savedmodel": "SavedModel", "keras": ".keras file", "onnx": "ONNX file"}
_DIGEST = 12
_SHOWN_METRICS = 30


def version_bundle(page: VersionPage, *, now: datetime | None = None) -> Bundle:
    """Return the page of a version."""
    now = now or utc_now()
    return document(MIME_TYPE, encode(page), html=_html(page, now), text=_text(page, now))


def _metrics(page: VersionPage) -> list[tuple[str, str]]:
    metrics = page.version.origin.metrics
    return [(name, number(metrics[name])) for name in main_metrics(metrics, _SHOWN_METRICS)]


def _facts(page: VersionPage) -> list[tuple[str, str | None]]:
    version, origin = page.version, page.version.origin
    framework = " ".join(part for part in (origin.framework, origin.framework_version) if part)
    return [
        ("Made", absolute(version.create_time)),
        ("By job", _marked(origin.job_id, is_gone=page.is_job_gone)),
        ("Study", origin.study),
        ("Imported from", origin.source),
        ("Trained on", _marked(origin.dataset, is_gone=page.is_dataset_gone)),
        ("Package", origin.package_digest and origin.package_digest[:_DIGEST]),
        ("Artifact", f"{_ARTIFACTS.get(origin.artifact, origin.artifact)} of {framework}"),
        ("ONNX Runtime", page.onnx),
        ("Served by", ", ".join(page.endpoints) or None),
        ("Files", page.path or None),
    ]


def _marked(name: str | None, *, is_gone: bool) -> str | None:
    return f"{name} (deleted)" if name and is_gone else name


def _next(page: VersionPage) -> list[str]:
    version = page.version
    lines = [f"%predict {version} $data", f"%deploy {version}"]
    if page.default != version.number:
        lines += [f"%models diff {version.model}@{page.default} {version}", f"%models set-default {version}"]
    return lines


def _html(page: VersionPage, now: datetime) -> Html:
    version = page.version
    metrics = [[theme.mono(name), value] for name, value in _metrics(page)]
    heading = theme.heading(
        theme.title(str(version)),
        alias_pills(page.aliases) if page.aliases else None,
        right=f"{size_text(version.size_bytes)}, {ago(version.create_time, now)}",
    )
    return theme.card(
        heading,
        theme.facts(_facts(page)),
        theme.table(["Metric", "Value"], metrics) if metrics else None,
        signature_html(version),
        theme.hints("Next", _next(page)),
    )


def _text(page: VersionPage, now: datetime) -> str:
    version = page.version
    named = f" ({', '.join(page.aliases)})" if page.aliases else ""
    lines = [f"{version}{named}, {size_text(version.size_bytes)}, {ago(version.create_time, now)}", ""]
    facts = [(name, value) for name, value in _facts(page) if value]
    width = max(len(name) for name, _ in facts)
    lines += [f"{name:<{width}}  {one_line(value)}" for name, value in facts]
    if metrics := _metrics(page):
        lines += ["", *wrapped("Metrics: ", [f"{name} {value}" for name, value in metrics])]
    if signature := signature_text(version):
        lines += ["", *signature]
    return "\n".join([*lines, "", *wrapped("Next: ", _next(page), separator="   ")])
