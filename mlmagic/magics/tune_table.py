"""What `%%tune` and `%tune` take."""

from __future__ import annotations

from mlmagic.magics.job_options import BUDGET, CHANGES, INTO, WAIT, YES
from mlmagic.magics.study_line import STUDY_OPTIONS
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option
from mlmagic.magics.training_line import TRIAL_OPTIONS
from mlmagic.spec.space_text import FORMS

_STUDY = Argument(name="study", metavar="STUDY", help="an id, the beginning of one, or a name: its newest study")

_CELL = "def train(lr=0.01, units=64):\n    ...\n    return model"

_LIST = Command(
    summary="list studies, newest first",
    options=(
        Option(name="limit", metavar="N", kind=Kind.COUNT, default=50, help="how many at most"),
        Option(name="all", help="all of them, whatever --limit says"),
    ),
    examples=(("%tune", "the newest studies, with how far they are and the best result"),),
)
_DESCRIBE = Command(
    summary="show a study, live while it goes on: its trials, the best result so far, plots, the search space",
    arguments=(_STUDY,),
    options=(
        Option(
            name="sort-by",
            metavar="KEYS",
            kind=Kind.TEXT,
            help=(
                "number, state, seconds, the metric or parameters, with commas between them; ~KEY has the highest "
                "first. Those that go on, then the best first, if not given"
            ),
        ),
        Option(name="limit", metavar="N", kind=Kind.COUNT, default=20, help="how many trials at most"),
        Option(name="all", help="all of them, whatever --limit says"),
    ),
    examples=(
        ("%tune describe taxi", "the newest study called taxi"),
        ("%tune describe taxi --sort-by ~units,val_loss --limit 5", "the five trials with the most units"),
        ("%tune describe taxi --sort-by number --all", "all trials in their order"),
    ),
)
_BEST = Command(
    summary="show the best trial of a study, with its parameters",
    arguments=(_STUDY,),
    options=(INTO,),
    examples=(("%tune best taxi --into best", "best.parameters is a dict of texts"),),
)
_PLOT = Command(
    summary="show charts of a study's trials: results by trial, all parameters at once, one by one, what mattered",
    arguments=(_STUDY,),
    options=(
        Option(
            name="kind",
            metavar="KIND",
            kind=Kind.TEXT,
            is_repeatable=True,
            help="history, parallel, slices or importance; all if not given",
        ),
    ),
    examples=(("%tune plot taxi --kind slices", "how each parameter bore on the metric"),),
)
_RESUME = Command(
    summary="go on with a study that has ended: a new one of the same program, which knows its trials",
    arguments=(_STUDY,),
    options=(
        Option(name="trials", metavar="N", kind=Kind.COUNT, help="how many more, if not those that it has not made"),
        Option(name="parallel", metavar="N", kind=Kind.COUNT, help="how many run at the same time, if another number"),
        Option(name="max-failed", metavar="N", kind=Kind.COUNT, help="so many failed trials end it, if another number"),
        Option(name="promote", help="then train once more with the best parameters, and register the version"),
        BUDGET,
        YES,
        WAIT,
        INTO,
    ),
    examples=(("%tune resume taxi --trials 20", "20 trials more"),),
)
_PROMOTE = Command(
    summary=(
        "train once more with the parameters of the best trial, and make a version of the model. A flag after -- takes "
        "the place of the trials' own: more epochs, all the data"
    ),
    arguments=(_STUDY,),
    takes_program=True,
    options=(
        Option(name="trial", metavar="N", kind=Kind.COUNT, help="take this one's parameters, not the best one's"),
        Option(name="model", metavar="MODEL", kind=Kind.TEXT, help="the model that gets the version"),
        Option(name="set-default", help="make the new version the model's default"),
        *CHANGES,
        WAIT,
        INTO,
    ),
    examples=(
        ("%tune promote taxi -- --epochs 20", "the best parameters, and more epochs than a trial had"),
        ("%tune promote taxi --trial 7 --set-default", "those of trial 7; serve that version by default"),
    ),
)

TUNE = Magic(
    name="tune",
    default="list",
    line_flag="--package",
    command=Command(
        summary=(
            "Run the cell as a study: many trials, each a training job of its own with parameters that a search chose "
            "to make a metric as good as it can be. A trial gets them as flags, --lr=0.01, behind the program's own "
            "arguments. The study goes on without this kernel."
        ),
        arguments=(Argument(name="name", metavar="NAME", help="the study's display name, and a promoted model's"),),
        options=(
            *STUDY_OPTIONS[:2],
            Option(
                name="space",
                metavar="SPACE",
                kind=Kind.OBJECT,
                help="lr=log:1e-4..1e-1,units=16..256,kind=a|b,batch=32;64 or $dict; see below",
            ),
            *STUDY_OPTIONS[2:],
            *TRIAL_OPTIONS,
        ),
        takes_program=True,
        body=(
            "The same as of %%train. How it is to run is said of each trial: --timeout, --max-retries, --replicas, "
            "--cores and --memory are those of one.\n"
            f"--space is NAME=VALUES, with commas between. {FORMS} Prefixes go together, as in log:double:1..1000. "
            "momentum[optimizer=sgd]=0.5..0.99 is there only where optimizer is sgd. With --data, fare.buckets=4..64 "
            "tunes a number of a feature, which are buckets, vocabulary, length and embedding.\n"
            "Parameters of the function may say themselves what is searched, where --space does not name them: "
            'def train(lr: Annotated[float, "log:1e-4..1e-1"] = 0.01, activation: Literal["relu", "tanh"] = "relu"). '
            "What stands after -- is not searched.\n"
            "The metric is one of the last fit of the model that train returns, a number in a dict that it returns, "
            "what mlmagic's own loop measures, a TensorBoard scalar, or what the package cloudml-hypertune is told; "
            "the last three also tell each epoch, for --early-stopping. --config takes ML Engine's hyperparameters and "
            "Vertex AI's studySpec."
        ),
        forms=(
            "%%tune NAME --metric METRIC [flags] [-- program arguments]  with the code below it",
            "%tune NAME --package DIR --metric METRIC [flags] [-- program arguments]",
        ),
        examples=(
            (
                f"%%tune taxi --metric val_loss --space lr=log:1e-4..1e-1,units=16..256\n{_CELL}",
                "10 trials, one after the other; --trials 24 --parallel 2 makes more, two at a time",
            ),
            ("%%tune taxi --config hptuning.yaml --dry-run", "look at the space and the package first"),
            (
                '%%tune taxi --metric val_loss --promote --promote-args="--epochs=20"',
                "then train the best parameters for longer, and register the version",
            ),
            ("%tune describe taxi", "the trials of the newest study called taxi"),
        ),
    ),
    subcommands={
        "list": _LIST,
        "describe": _DESCRIBE,
        "best": _BEST,
        "plot": _PLOT,
        "resume": _RESUME,
        "promote": _PROMOTE,
    },
)
