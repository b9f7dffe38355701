"""`%%train` and `%train`: a cell or a package becomes a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmagic.errors import UsageError
from mlmagic.magics.study_line import STUDY_OPTIONS, given_flags
from mlmagic.magics.submission import carry_out_program
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed
from mlmagic.magics.training_line import TRAINING_OPTIONS, training_arguments
from mlmagic.magics.tune import start_study

if TYPE_CHECKING:
    from mlmagic.api.job import Job
    from mlmagic.api.training import TrainingPlan
    from mlmagic.api.tuning import TuningPlan
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
            *TRAINING_OPTIONS,
            Option(
                name="tune",
                metavar="SPACE",
                kind=Kind.OBJECT,
                bare="",
                help="make it a study over lr=log:1e-4..1e-1,units=16..256 or what annotations tell; see %%tune --help",
            ),
            *STUDY_OPTIONS,
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
            (
                "%%train taxi --tune lr=log:1e-4..1e-1 --metric val_loss --trials 20",
                "the same cell 20 times, with another learning rate each time: a study, see %tune",
            ),
            ("%%train taxi --with trips", "let the cell use the DataFrame trips of the notebook"),
            ("%train taxi --package ./taxi -- --epochs 10", "run trainer/task.py of the folder taxi as it is"),
        ),
    ),
)


def train(extension: Extension, line: Parsed) -> Job | TrainingPlan | TuningPlan:
    """Start a job, or with --dry-run and --export show what would be started."""
    from mlmagic.api.training import plan_training

    if line["tune"] is not None:
        return start_study(extension, line, line["tune"])
    if given := given_flags(line):
        are = "is" if len(given) == 1 else "are"
        raise UsageError(
            f"{' and '.join(given)} {are} for a study.", hint=f"To make it one: --tune, or %%tune {line['name']}"
        )
    return carry_out_program(extension, line, plan_training(**training_arguments(extension, line)))
