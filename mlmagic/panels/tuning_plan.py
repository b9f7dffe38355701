"""The dry-run view of a study: the space, and what would run it here and on Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle
from mlmagic.panels.markup import join
from mlmagic.panels.plan import Lead, command_text, gcloud_note, plan_document, section_label, sizes, yaml_text
from mlmagic.panels.study_space import space_html, space_text
from mlmagic.panels.study_words import goal_text, search_text
from mlmagic.spec.codec import encode
from mlmagic.spec.job import JobSpec
from mlmagic.spec.package import TrainerPackage
from mlmagic.spec.study import StudySpec


def tuning_plan_bundle(
    package: TrainerPackage,
    spec: JobSpec,
    *,
    grid_points: int | None,
    command: Sequence[str],
    document: Mapping[str, Any],
    document_notes: Sequence[str],
    gcloud_command: Sequence[str],
) -> Bundle:
    """Return the view of what a tuning call would do.

    Args:
        package: what would be shipped; the same for all trials.
        spec: the job that would be submitted.
        grid_points: how many points the space has; None where some lie dense.
        command: the words that run one trial where the package's files lie.
        document: the study for Vertex AI, as JSON values.
        document_notes: what it leaves out.
        gcloud_command: the words that submit it to Vertex AI.
    """
    pools = document.get("trialJobSpec", {}).get("workerPoolSpecs", ())
    notes = "".join(f"# {note}\n" for note in document_notes)
    commands = [
        ("Run one trial on this machine, where the exported package lies", command_text(command)),
        (
            "The study on Vertex AI: study.yaml",
            notes + yaml_text(document),
        ),
        ("The same study with gcloud", gcloud_note(pools) + command_text(gcloud_command)),
    ]
    payload = {
        "spec": encode(spec),
        "files": sizes(package),
        "notes": list(package.notes),
        "gridPoints": grid_points,
        "command": list(command),
        "document": dict(document),
        "gcloudCommand": list(gcloud_command),
    }
    lead = None if spec.study is None else _lead(spec.study, grid_points)
    return plan_document(package, spec, payload, commands, lead=lead)


def _lead(study: StudySpec, grid_points: int | None) -> Lead:
    lines = study_lines(study, grid_points)
    html = join([theme.row(theme.paragraphs(lines)), section_label("Search space"), space_html(study.parameters)])
    return Lead(html, ["", *lines, "", *space_text(study.parameters).split("\n")])


def study_lines(study: StudySpec, grid_points: int | None) -> list[str]:
    """Return in words what a study would do."""
    count = "1 trial" if study.trials == 1 else f"{study.trials:,} trials"
    points = "" if grid_points is None else f", of {grid_points:,} point{'s' * (grid_points != 1)} that there are"
    lines = [f"Would {goal_text(study)} in {count}{points}: {search_text(study)}."]
    if study.promotion is not None:
        given = f", with {' '.join(study.promotion.args)}" if study.promotion.args else ""
        lines.append(f"Then the best parameters would make a version of {study.promotion.model}{given}.")
    return lines
