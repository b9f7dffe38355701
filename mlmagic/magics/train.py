"""`%%train` and `%train`: a cell or a package becomes a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.expansion import lookup
from mlmagic.magics.job_options import BACKEND, EXPORT, INTO, LABEL, MEMORY, PRIORITY, TIMEOUT, WAIT
from mlmagic.magics.submission import export
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.api.training import TrainingPlan
    from mlmagic.magics.extension import Extension

TRAIN = Magic(
    name="train",
    command=Command(
        summary=(
            "Package the cell with what it needs from earlier cells, start it as a training job and show the job live. "
            "The cell itself does not run in this kernel. What comes after -- goes to the program as it is."
        ),
        arguments=(
            Argument(
                name="name", metavar="NAME", help="the job's display name, and the model's unless --model is given"
            ),
        ),
        options=(
            Option(name="model", metavar="MODEL", kind=Kind.TEXT, help="the model that gets the version"),
            Option(name="set-default", help="make the new version the model's default"),
            Option(name="package", metavar="DIR", kind=Kind.TEXT, help="run this trainer package instead of a cell"),
            Option(
                name="module", metavar="MODULE", kind=Kind.TEXT, help="the package's module, trainer.task if not given"
            ),
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
            Option(
                name="with",
                metavar="VAR",
                kind=Kind.VARIABLE,
                is_repeatable=True,
                help="ship this DataFrame or array as a data file",
            ),
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
            Option(
                name="cores", metavar="N", kind=Kind.TEXT, help="what a replica takes of this machine: 1 by default"
            ),
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
        ),
        takes_program=True,
        body=(
            "Ordinary Python: def train(epochs=5, ...) whose keyword parameters become flags and whose Keras model is "
            "exported; a script whose constants (EPOCHS = 5) become flags; or, with --data, def build_model(features, "
            "units=64) that returns a compiled Keras model: it is trained on the dataset, evaluated, and exported such "
            "that it takes raw values. What it needs from cells that ran before comes along. It runs where the "
            "notebook runs: relative paths work. With --package there is no body."
        ),
        forms=(
            "%%train NAME [flags] [-- program arguments]        with the code below it",
            "%train NAME --package DIR [flags] [-- program arguments]",
        ),
        examples=(
            (
                "%%train taxi\ndef train(epochs: int = 5):\n    ...\n    return model",
                "the least: a job called taxi, which makes a version of the model taxi",
            ),
            ("%%train taxi --dry-run", "look at the package and its flags first; nothing is started"),
            ("%%train taxi --wait -- --epochs 10", "call train(epochs=10), and wait for it here"),
            (
                "%%train taxi --replicas worker=2 --max-retries 2",
                "a chief and two workers with TF_CONFIG; if one dies, all go on from the last checkpoint",
            ),
            (
                "%%train taxi --data taxi\ndef build_model(features, units: int = 64):\n    ...\n    return model",
                "a compiled model of features.get_inputs() and features.get_encoded_features(), trained on the dataset",
            ),
            ("%%train taxi --with trips", "let the cell use the DataFrame trips of the notebook"),
            ("%train taxi --package ./taxi -- --epochs 10", "run trainer/task.py of the folder taxi as it is"),
        ),
    ),
)

_PASSED_ON = (
    *("name", "model", "set_default", "timeout", "backend", "package", "scale_tier", "config", "replicas"),
    *("machine_type", "accelerator", "cores", "memory", "priority", "max_retries", "fresh"),
    *("data", "target", "features"),
)

_BODY = """Below the line goes the code that trains, for example

    %%train {name}
    def train(epochs=5):
        model = ...
        model.fit(features, target, epochs=epochs)
        return model"""


def train(extension: Extension, line: Parsed) -> Job | TrainingPlan:
    """Start a job, or with --dry-run and --export show what would be started."""
    from mlmagic.api.training import plan_training

    plan = plan_training(**_arguments(extension, line))
    if line["export"] is not None:
        export(plan, line["export"])
    if line["dry_run"] or line["export"] is not None:
        return plan.prepare() if line["dry_run"] else plan
    job = plan.submit()
    if line["into"]:
        extension.assign(line["into"], job)
    return extension.panels.wait(job) if line["wait"] else job


def _arguments(extension: Extension, line: Parsed) -> dict[str, Any]:
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
    package, module, name = line["package"], line["module"], line["name"]
    if package is not None and body is not None:
        raise UsageError(
            "%%train has a body and --package: which of the two is the program?",
            hint=f"For the package alone: %train {name} --package {package}",
        )
    if module is not None and package is None:
        raise UsageError("--module names a module of a given package, and needs --package DIR.")
    if package is None and body is None:
        sign = "%train" if line.body is None else "%%train"
        what = "needs --package DIR; to train a cell, it is %%train." if line.body is None else "has an empty body."
        raise UsageError(f"{sign} {what}", hint=_BODY.format(name=name))
