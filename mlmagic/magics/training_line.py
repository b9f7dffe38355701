"""What `%%train` and `%%tune` have in common: the program, and how it is to run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.expansion import lookup
from mlmagic.magics.job_options import (
    BACKEND,
    BUDGET,
    EXPORT,
    INTO,
    LABEL,
    MEMORY,
    PRIORITY,
    TIMEOUT,
    VERTEX,
    WAIT,
    WITH,
    YES,
)
from mlmagic.magics.tables import Kind, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.magics.extension import Extension

TRAINING_OPTIONS = (
    Option(name="model", metavar="MODEL", kind=Kind.TEXT, help="the model that gets the version"),
    Option(name="set-default", help="make the new version the model's default"),
    Option(name="package", metavar="DIR", kind=Kind.TEXT, help="run this trainer package instead of a cell"),
    Option(name="module", metavar="MODULE", kind=Kind.TEXT, help="the package's module, trainer.task if not given"),
    Option(
        name="data",
        metavar="DATASET",
        kind=Kind.OBJECT,
        help="train on this dataset of %%preprocess: taxi is its newest version, taxi@3 that one; or a folder",
    ),
    Option(name="target", metavar="COLUMN", kind=Kind.TEXT, help="what the model learns, if another column"),
    Option(
        name="features",
        metavar="FILE",
        kind=Kind.OBJECT,
        help="a YAML or JSON file, or $variable, that declares the features in place of the dataset's own",
    ),
    WITH,
    LABEL,
    TIMEOUT,
    Option(
        name="scale-tier",
        metavar="TIER",
        kind=Kind.TEXT,
        help="BASIC, STANDARD_1, PREMIUM_1, BASIC_GPU, BASIC_TPU or CUSTOM; scaled down to this machine",
    ),
    Option(
        name="config",
        metavar="FILE",
        kind=Kind.OBJECT,
        help="a job's settings in ML Engine's or Vertex AI's form; flags win over it",
    ),
    Option(
        name="replicas",
        metavar="COUNTS",
        kind=Kind.OBJECT,
        help="worker=2,ps=1,evaluator=1 beside the chief; or a number, the chief counted",
    ),
    Option(name="machine-type", metavar="TYPE", kind=Kind.TEXT, help="in the cloud, such as n1-standard-8"),
    Option(name="accelerator", metavar="TYPE", kind=Kind.TEXT, help="in the cloud, such as T4 or V100:2"),
    Option(name="cores", metavar="N", kind=Kind.TEXT, help="what a replica takes of this machine: 1 by default"),
    MEMORY,
    PRIORITY,
    Option(
        name="max-retries",
        metavar="N",
        kind=Kind.INTEGER,
        default=0,
        help="start again after a failure, this often; the program finds its checkpoints",
    ),
    Option(name="fresh", help="start the program from nothing, not by a fork of a warm TensorFlow"),
    WAIT,
    INTO,
    Option(name="dry-run", help="show package, flags and commands; start nothing"),
    EXPORT,
    BACKEND,
    *VERTEX,
    BUDGET,
    YES,
)

_OF_TRIALS = {
    "model": "with --promote: the model that gets the version",
    "set-default": "with --promote: make the new version the model's default",
    "timeout": "end a trial after 90, 90s, 15m, 2h or 1d",
    "replicas": "of each trial: worker=2,ps=1,evaluator=1 beside the chief; or a number, the chief counted",
    "cores": "what a replica of a trial takes of this machine: 1 by default",
    "max-retries": "start a trial again after a failure, this often; the program finds its checkpoints",
    "wait": "wait until the study has ended; fail if it fails",
    "into": "assign the study to this variable",
}
TRIAL_OPTIONS = tuple(replace(option, help=_OF_TRIALS.get(option.name, option.help)) for option in TRAINING_OPTIONS)
"""The same of a study, whose trials are what is to run."""

_PASSED_ON = (
    *("name", "model", "set_default", "timeout", "backend", "package", "scale_tier", "config", "replicas"),
    *("machine_type", "accelerator", "cores", "memory", "priority", "max_retries", "fresh"),
    *("data", "target", "features", "budget", "yes"),
    *(option.key for option in VERTEX),
)

_BODY = """Below the line goes the code that trains, for example

    {line}
    def train(epochs=5):
        model = ...
        model.fit(features, target, epochs=epochs)
        return model"""


def training_arguments(extension: Extension, line: Parsed) -> dict[str, Any]:
    """Return what a line says of the program and of how it is to run, as arguments of `plan_training`.

    Raises:
        UsageError: it has no program, or two.
    """
    arguments = {key: line[key] for key in _PASSED_ON}
    arguments["labels"] = line["label"]
    arguments["ship"] = {name: lookup(name, extension.namespace) for name in line["with"]}
    arguments |= {"args": line.program, "invocation": line.invocation}
    body = line.body if line.body and line.body.strip() else None
    _check(line, body)
    if line["module"] is not None:
        arguments["module"] = line["module"]
    if body is not None:
        arguments["cell"] = extension.history.magic_cell(body, line.body_first_line)
    return arguments


def _check(line: Parsed, body: str | None) -> None:
    package, module, name, magic = line["package"], line["module"], line["name"], line.magic.name
    if package is not None and body is not None:
        raise UsageError(
            f"%%{magic} has a body and --package: which of the two is the program?",
            hint=f"For the package alone: %{magic} {name} --package {package}",
        )
    if module is not None and package is None:
        raise UsageError("--module names a module of a given package, and needs --package DIR.")
    if package is None and body is None:
        is_line = line.body is None
        sign = f"%{magic}" if is_line else f"%%{magic}"
        what = f"needs --package DIR; to {magic} a cell, it is %%{magic}." if is_line else "has an empty body."
        raise UsageError(f"{sign} {what}", hint=_BODY.format(line=_example(magic, name)))


def _example(magic: str, name: str) -> str:
    return f"%%train {name}" if magic == "train" else f"%%tune {name} --metric val_loss --space epochs=5..50"
