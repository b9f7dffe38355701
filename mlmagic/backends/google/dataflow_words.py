"""A pipeline's spec → the words of the program that sends it to Dataflow."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass

from mlmagic.backends.google.names import job_labels, output_directory
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.errors import UsageError
from mlmagic.preprocessing.arguments import DATAFLOW
from mlmagic.spec.job import READING_KINDS, JobKind, JobSpec

MACHINE_CORES = (1, 2, 4, 8, 16, 32, 64, 96)
"""Of the machines n1-standard-N."""
_OURS = {
    "--project": "%mlmagic use google --project",
    "--region": "%mlmagic use google --region",
    "--temp_location": "the bucket of %mlmagic use google",
    "--staging_location": "the bucket of %mlmagic use google",
    "--job_name": "the job's id",
    "--runner": "--runner dataflow",
    "--dataflow_endpoint": "%mlmagic config google-endpoint",
    "--template_location": "nothing: a job is started, and no template is made",
    "--update": "nothing: only streaming jobs can be updated",
}
"""Options of Beam that are decided elsewhere, and where."""
_PIPELINES = READING_KINDS | {JobKind.MONITORING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """An attempt, ready to be sent."""

    job_id: str
    number: int
    workspace: str
    """Its label."""
    inputs: Sequence[str]
    """What workers read: `gs://…`, `bq:…`."""
    package: str
    """The file of this machine with the source distribution of the job's package."""
    submitted: str
    """The file of this machine that gets the id of Dataflow's job."""
    artifact: str | None = None
    """Of a batch prediction: the folder of the bucket that has the model."""


def runs_on_dataflow(spec: JobSpec) -> bool:
    """Say whether a job is a pipeline for Dataflow; what preprocesses in another way is a program like any other."""
    return spec.kind in _PIPELINES and _value(_divided(spec.args)[0], "--runner") == DATAFLOW


def input_words(spec: JobSpec) -> tuple[str, ...]:
    """Return what a pipeline is to read, as its user said it."""
    if spec.kind is JobKind.BATCH_PREDICTION:
        # As our own words for its program always have them: no path begins with a dash.
        after = spec.args[spec.args.index("--input") + 1 :]
        return tuple(itertools.takewhile(lambda word: not word.startswith("-"), after))
    from mlmagic.preprocessing.arguments import parse_arguments

    return parse_arguments(["--output", "-", *spec.args]).inputs


def job_name(job_id: str, number: int, workspace: str) -> str:
    """Return what an attempt is called on Dataflow, which has one job of a name at a time."""
    return f"{job_id}-{workspace}-{number}".lower().replace("_", "-").replace(".", "-")


def output_of(settings: GoogleSettings, job_id: str) -> str:
    """Return the folder of the dataset that a job makes."""
    return f"{output_directory(settings.bucket, job_id)}/model"


def parts_of(settings: GoogleSettings, job_id: str, number: int) -> str:
    """Return the folder of what is not finished, and of what went wrong."""
    return f"{output_directory(settings.bucket, job_id)}/parts-{number}"


def launch_words(spec: JobSpec, launch: Launch, settings: GoogleSettings) -> tuple[str, ...]:
    """Return the words of the program; a flag's last value counts, so those of the job itself come first."""
    own, beam = _divided(spec.args)
    if spec.kind is JobKind.BATCH_PREDICTION:
        # What workers write is brought here, where the program looks now already whether it can be.
        output = os.path.join(spec.working_directory or ".", _value(own, "--output") or ".")  # noqa: PTH118 - keeps a last slash
        more: tuple[str, ...] = ("--output", output, "--artifact", launch.artifact or "")
    else:
        more = ("--output", output_of(settings, launch.job_id))
    return (
        *own,
        *("--input", *launch.inputs),
        *more,
        *("--parts", parts_of(settings, launch.job_id, launch.number)),
        *("--submitted", launch.submitted),
        *("--runner", DATAFLOW),
        "--",
        *_beam_words(spec, launch, settings),
        *beam,
    )


def check_pipeline(spec: JobSpec, settings: GoogleSettings) -> None:
    """See that a preprocessing job is one that Dataflow can be asked for.

    Raises:
        UsageError: it is not; all reasons are listed.
    """
    own, beam = _divided(spec.args)
    given = {word.partition("=")[0] for word in beam}
    problems = [f"{flag} after --: that is said by {where}" for flag, where in _OURS.items() if flag in given]
    is_data = spec.kind is JobKind.PREPROCESSING
    if is_data and any(word.partition("=")[0] == "--output" for word in own):
        problems.append("--output: the dataset is written into the bucket of the settings, and becomes a version here")
    if settings.token is not None and any(word.startswith("bq:") for word in own):
        problems.append("--input bq:…: the emulator of Google Cloud has no BigQuery")
    if spec.resources.memory_bytes is not None:
        problems.append("--memory: name a type of machine that has it, as in -- --worker_machine_type=n1-highmem-8")
    if spec.resources.cores is not None and spec.resources.cores > MACHINE_CORES[-1]:
        problems.append(f"--cores {spec.resources.cores:g}: a worker has {MACHINE_CORES[-1]} at most")
    if problems:
        raise UsageError(f"job {spec.display_name!r} cannot run on Dataflow:", problems=problems)


def machine_type(cores: float) -> str:
    """Return the type of machine with at least so many cores."""
    return f"n1-standard-{next(count for count in MACHINE_CORES if count >= cores)}"


def machines_of(spec: JobSpec) -> tuple[str | None, int | None]:
    """Return the type of machine that a pipeline asks for, and how many at most; None where Dataflow decides."""
    own, beam = _divided(spec.args)
    cores, workers = spec.resources.cores, _value(own, "--workers")
    types = (_value(beam, "--worker_machine_type"), _value(beam, "--machine_type"))
    chosen = next(filter(None, types), None) or (None if cores is None else machine_type(cores))
    most = _value(beam, "--max_num_workers") or workers or ""
    return chosen, int(most) if most.isdecimal() and int(most) else None


def _beam_words(spec: JobSpec, launch: Launch, settings: GoogleSettings) -> list[str]:
    root = output_directory(settings.bucket, launch.job_id)
    words = [
        f"--project={settings.project}",
        f"--region={settings.region}",
        f"--temp_location={root}/temp",
        f"--staging_location={root}/staging",
        f"--job_name={job_name(launch.job_id, launch.number, launch.workspace)}",
        f"--extra_package={launch.package}",
    ]
    labels = job_labels(launch.job_id, launch.number, launch.workspace, dict(spec.labels))
    words += [f"--label={key}={value}" for key, value in sorted(labels.items())]
    if settings.token is not None:
        words.append(f"--dataflow_endpoint={settings.endpoint}")
    if settings.service_account:
        words.append(f"--service_account_email={settings.service_account}")
    if settings.network:
        # Unverified: of a network of another project Dataflow wants the subnetwork.
        words.append(f"--network={settings.network.rpartition('/')[2]}")
    if spec.resources.cores is not None:
        words.append(f"--worker_machine_type={machine_type(spec.resources.cores)}")
    own, _ = _divided(spec.args)
    if (workers := _value(own, "--workers")) is not None:
        words.append(f"--max_num_workers={workers}")
    return words


def _divided(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    place = words.index("--") if "--" in words else len(words)
    return tuple(words[:place]), tuple(words[place + 1 :])


def _value(words: Sequence[str], flag: str) -> str | None:
    found = None
    for place, word in enumerate(words):
        if word == flag and place + 1 < len(words):
            found = words[place + 1]
        elif word.startswith(f"{flag}="):
            found = word.partition("=")[2]
    return found
