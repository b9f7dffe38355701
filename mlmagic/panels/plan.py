"""The dry-run view: what would be packaged, and what would run it here and on Vertex AI."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.markup import Html, element, join
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import one_line
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobSpec
from mlmagic.spec.package import CellShape, TrainerPackage

MIME_TYPE = "application/vnd.mlmagic.plan+json"
_NOTHING_RAN = "Dry run: nothing was started."
_SHAPES = {
    CellShape.BUILD_MODEL: "a cell with build_model()",
    CellShape.TRAIN: "a cell with train()",
    CellShape.SCRIPT: "a script",
    CellShape.PREPROCESS: "a pipeline",
    CellShape.PREDICT: "a batch prediction",
    CellShape.MONITOR: "monitoring",
    CellShape.GIVEN: "a given package",
}
_FROM_CELL = ("model.py", "cell.py", "features.json")

_SDIST_NOTE = """\
# BUCKET is yours, and holds what `python setup.py sdist` makes of the exported
# package."""
_IMAGE_NOTE = " The image has Python 3.10: newer pins need an image of your own."
_DATAFLOW_NOTE = """\
# PROJECT and BUCKET are yours. Workers install the exported package by its setup.py,
# and read what lies in buckets and BigQuery alone.
"""


def plan_bundle(
    package: TrainerPackage,
    spec: JobSpec,
    *,
    command: Sequence[str],
    worker_pool_specs: Sequence[Mapping[str, Any]],
    gcloud_command: Sequence[str],
    job_document: Mapping[str, Any] | None = None,
) -> Bundle:
    """Return the view of what a training call would do.

    Args:
        package: what would be shipped.
        spec: the job that would be submitted.
        command: the words that run the program where the package's files lie.
        worker_pool_specs: the job for Vertex AI, as JSON values.
        gcloud_command: the words that submit it to Vertex AI.
        job_document: the file that they name, as JSON values; None where they name none.
    """
    pools = {"workerPoolSpecs": [dict(pool) for pool in worker_pool_specs]}
    there = "Worker pools on Vertex AI" if job_document is None else "The job on Vertex AI: job.yaml"
    commands = [
        ("Run it on this machine, where the exported package lies", command_text(command)),
        (there, yaml_text(pools if job_document is None else dict(job_document))),
        ("The same job with gcloud", gcloud_note(worker_pool_specs) + command_text(gcloud_command)),
    ]
    payload = {
        "spec": encode(spec),
        "files": sizes(package),
        "notes": list(package.notes),
        "command": list(command),
        "gcloudCommand": list(gcloud_command),
        **({} if job_document is None else {"document": dict(job_document)}),
    }
    return plan_document(package, spec, payload, commands)


def preprocessing_plan_bundle(
    package: TrainerPackage,
    spec: JobSpec,
    *,
    command: Sequence[str],
    dataflow_command: Sequence[str],
    vendored: Collection[str],
) -> Bundle:
    """Return the view of what a preprocessing call would do.

    Args:
        package: what would be shipped.
        spec: the job that would be submitted.
        command: the words that run the program where the package's files lie.
        dataflow_command: the words that run it on Dataflow.
        vendored: the paths of mlmagic's own modules in the package, which are one line of its tree.
    """
    commands = [
        ("Run it on this machine, where the exported package lies", command_text(command)),
        ("The same pipeline on Dataflow", _DATAFLOW_NOTE + command_text(dataflow_command)),
    ]
    payload = {
        "spec": encode(spec),
        "files": sizes(package),
        "vendored": sorted(vendored),
        "notes": list(package.notes),
        "command": list(command),
        "dataflowCommand": list(dataflow_command),
    }
    return plan_document(package, spec, payload, commands, vendored=vendored)


def batch_plan_bundle(package: TrainerPackage, spec: JobSpec, *, command: Sequence[str]) -> Bundle:
    """Return the view of what a batch prediction would do. `command` runs it where the package's files lie."""
    commands = [("Run it on this machine, where the exported package lies", command_text(command))]
    payload = {
        "spec": encode(spec),
        "files": sizes(package),
        "notes": list(package.notes),
        "command": list(command),
    }
    return plan_document(package, spec, payload, commands)


@dataclass(frozen=True, slots=True)
class Lead:
    """What is shown above the package."""

    html: Html
    lines: Sequence[str]
    """The same as text."""


def plan_document(
    package: TrainerPackage,
    spec: JobSpec,
    payload: Mapping[str, Any],
    commands: Sequence[tuple[str, str]],
    *,
    vendored: Collection[str] = (),
    lead: Lead | None = None,
) -> Bundle:
    """Return the view of a plan: `commands` are what each is for, and its text."""
    view = _View(package, spec, commands, tree(package.files, vendored), lead)
    return document(MIME_TYPE, payload, html=_html(view), text=_text(view))


def sizes(package: TrainerPackage) -> dict[str, int]:
    """Return the bytes of each file."""
    return {path: len(content) for path, content in sorted(package.files.items())}


@dataclass(frozen=True, slots=True)
class _View:
    """What is shown."""

    package: TrainerPackage
    spec: JobSpec
    commands: Sequence[tuple[str, str]]
    """What each is for, and the command."""
    tree: str
    lead: Lead | None = None


def shown_files(package: TrainerPackage) -> list[tuple[str, str]]:
    """Return path and text of the files worth reading: the program's module and, beside it, those from the cell."""
    program = package.module.replace(".", "/") + ".py"
    folder = program.rpartition("/")[0]
    wanted = [program, *(f"{folder}/{name}" if folder else name for name in _FROM_CELL)]
    return [(path, package.files[path].decode("utf-8", "replace")) for path in wanted if path in package.files]


def tree(paths: Mapping[str, bytes], vendored: Collection[str] = ()) -> str:
    """Return the files as a tree, folders first; what is `vendored` is one line of its folder."""
    root: dict[str, Any] = {}
    for path, content in paths.items():
        if path in vendored:
            continue
        *folders, name = path.split("/")
        place = root
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = size_text(len(content))
    if own := [path for path in paths if path in vendored]:
        place = root.setdefault(own[0].partition("/")[0], {})
        names = dict.fromkeys(f"{top}/" if more else top for top, more, _ in (_inner(path) for path in own))
        size = size_text(sum(len(paths[path]) for path in own))
        place[", ".join(names)] = f"{len(own)} files of mlmagic, as they are: {size}"
    return "\n".join(_branches(root, ""))


def _inner(path: str) -> tuple[str, str, str]:
    """Return the first part of a path within its package, a slash if there is more, and the rest."""
    return path.partition("/")[2].partition("/")


def _branches(folder: Mapping[str, Any], indent: str) -> list[str]:
    lines = []
    entries = sorted(folder.items(), key=lambda entry: (not isinstance(entry[1], dict), entry[0]))
    for index, (name, entry) in enumerate(entries):
        is_last = index == len(entries) - 1
        fork, below = ("└── ", "    ") if is_last else ("├── ", "│   ")
        if isinstance(entry, dict):
            lines += [f"{indent}{fork}{name}/", *_branches(entry, indent + below)]
        else:
            lines.append(f"{indent}{fork}{one_line(name)}  ({entry})")
    return lines


def numbered(text: str) -> list[tuple[str, str]]:
    """Return the lines of a text with their numbers, right-aligned."""
    lines = text.rstrip("\n").split("\n")
    width = len(str(len(lines)))
    return [(f"{number:>{width}}", line) for number, line in enumerate(lines, 1)]


def gcloud_note(worker_pool_specs: Sequence[Mapping[str, Any]]) -> str:
    """Return what is to be known of the command that runs a package in these pools, as comments."""
    is_own = any("containerSpec" in pool for pool in worker_pool_specs)
    return f"{_SDIST_NOTE}{'' if is_own else _IMAGE_NOTE}\n"


def command_text(words: Sequence[str]) -> str:
    """Return a shell command; a long one has a flag on each line."""
    line = shlex.join(words)
    if len(line) <= 78:
        return line
    return " \\\n    ".join(_flags_apart(words))


def _flags_apart(words: Sequence[str]) -> list[str]:
    groups: list[list[str]] = [[]]
    for word in words:
        if word.startswith("--") and groups[-1]:
            groups.append([])
        groups[-1].append(word)
    return [shlex.join(group) for group in groups]


def yaml_text(value: object) -> str:
    """Return a document as YAML, in its own order."""
    import yaml

    class _Dumper(yaml.SafeDumper):
        # The pools share a program; anchors and aliases are no help to a reader.
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's protocol
            return True

    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text.rstrip("\n")


def _what(package: TrainerPackage, spec: JobSpec) -> str:
    count = len(package.files)
    return (
        f"{_SHAPES[package.shape]} as {package.module}: {count} files,"
        f" {size_text(sum(map(len, package.files.values())))}, for the {spec.backend} backend."
    )


def _html(view: _View) -> Html:
    package, spec = view.package, view.spec
    heading = theme.heading(
        theme.pill("DRY RUN", theme.PURPLE), theme.title(spec.display_name), right="nothing started"
    )
    files = [
        theme.folded(path, _numbered_html(text), is_open=path.endswith(_FROM_CELL))
        for path, text in reversed(shown_files(package))
    ]
    (here, command), *elsewhere = view.commands
    sections = [
        join([section_label(here), theme.block(command)]),
        *(theme.folded(label, theme.block(text)) for label, text in elsewhere),
    ]
    return theme.card(
        heading,
        theme.row("Would package ", _what(package, spec), top="6px"),
        _notes_html(package.notes),
        view.lead.html if view.lead else None,
        _flags_html(package),
        section_label("Package"),
        theme.block(view.tree, wrap=False),
        *files,
        *sections,
    )


def section_label(text: str) -> Html:
    """Return the line above a part of a plan."""
    return theme.row(theme.faint(text), top="12px")


def _notes_html(notes: Sequence[str]) -> Html | None:
    return theme.notice(theme.paragraphs(notes), colour=theme.AMBER) if notes else None


def _flags_html(package: TrainerPackage) -> Html | None:
    if not package.flags:
        return None
    rows = [[theme.code(name), kind, value, text] for name, kind, value, text in _flag_rows(package)]
    return join(
        [section_label("Flags of the program, after --"), theme.table(["Flag", "Type", "Default", "Meaning"], rows)]
    )


def _flag_rows(package: TrainerPackage) -> list[tuple[str, str, str, str]]:
    return [
        (
            flag.option,
            " | ".join(map(str, flag.choices)) if flag.choices else flag.type + ("…" if flag.repeated else ""),
            "required" if flag.required else "" if flag.default is None else repr(flag.default),
            one_line(flag.help or ""),
        )
        for flag in package.flags
    ]


def _numbered_html(text: str) -> Html:
    style = "opacity:.5;user-select:none;-webkit-user-select:none"
    lines = [join([element("span", f"{number}  ", style=style), line, "\n"]) for number, line in numbered(text)]
    return theme.block(join(lines), wrap=False, height="24em")


def _text(view: _View) -> str:
    package, spec = view.package, view.spec
    lines = [_NOTHING_RAN, f"{spec.display_name} would package {_what(package, spec)}"]
    lines += [f"! {note}" for note in package.notes]
    lines += view.lead.lines if view.lead else []
    lines += ["", view.tree]
    for path, text in shown_files(package):
        lines += ["", f"{path}", *(f"{number} │ {line}".rstrip() for number, line in numbered(text))]
    for label, text in view.commands:
        lines += ["", f"{label}:", *(f"  {line}" for line in text.split("\n"))]
    return "\n".join(lines)
