"""What `%models` takes."""

from __future__ import annotations

from mlmagic.magics.evaluate import EVALUATE
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option

VERSION = Argument(name="version", metavar="MODEL@VERSION", help="a version by number or alias, such as taxi@2")
DATA = Option(
    name="data",
    metavar="DATASET|$DATA",
    kind=Kind.OBJECT,
    help="the rows: a dataset, such as taxi or taxi@3, or a DataFrame; by default what it was trained on",
)
SPLIT = Option(
    name="split", metavar="SPLIT", kind=Kind.TEXT, help="of the dataset; by default test, or eval where that is empty"
)

YES = Option(name="yes", help="let endpoints in the cloud that follow move although that costs money")

MODELS = Magic(
    name="models",
    default="list",
    command=Command(
        summary="The models of this workspace. A model has numbered versions; MODEL alone means its default version.",
        examples=(
            ("%models", "all models"),
            ("%models describe taxi", "the versions of taxi, and what it takes and returns"),
            ("%models diff taxi@1 taxi@2", "what has changed, and how they answer the same rows"),
            ("%models evaluate taxi@2", "how well it answers on test rows"),
            ("%models set-default taxi@2", "let version 2 answer for taxi from now on"),
            ("%models import mnist ~/models/mnist.onnx", "a model from elsewhere"),
        ),
    ),
    subcommands={
        "list": Command(summary="list models"),
        "describe": Command(
            summary="show a model with its versions, or one version: where it came from, metrics, signature",
            arguments=(Argument(name="model", metavar="MODEL[@VERSION]", help="a model's name, or a version"),),
            examples=(("%models describe taxi@latest", "the newest version"),),
        ),
        "set-default": Command(
            summary="let this version answer when none is named; endpoints that follow the default move to it",
            arguments=(VERSION,),
            options=(
                Option(
                    name="min-improvement",
                    metavar="1%",
                    kind=Kind.TEXT,
                    help="only if it is better than the default by this much: a part of the metric, or a number in its "
                    "own unit",
                ),
                Option(name="metric", metavar="METRIC", kind=Kind.TEXT, help="by which, such as rmse or accuracy"),
                DATA,
                SPLIT,
                YES,
            ),
            examples=(
                ("%models set-default taxi@2 --min-improvement 1% --metric rmse", "if its error is 1 % smaller"),
            ),
        ),
        "alias": Command(
            summary="let an alias point at this version, or remove it",
            arguments=(VERSION, Argument(name="alias", metavar="ALIAS", help="such as champion")),
            options=(Option(name="remove", help="forget the alias"), YES),
            examples=(
                ("%models alias taxi@2 champion", "taxi@champion means version 2"),
                ("%models alias taxi@2 champion --remove", "there is no taxi@champion any more"),
            ),
        ),
        "diff": Command(
            summary="show what two versions have differently: metrics, flags, signature, code, and their predictions "
            "for the same rows",
            arguments=(
                Argument(name="first", metavar="A", help="a version; alone it is compared with its model's default"),
                Argument(name="second", metavar="B", is_required=False, help="the other, which is compared with A"),
                Argument(
                    name="rows", metavar="$DATA", kind=Kind.OBJECT, is_required=False, help="a DataFrame, as --data"
                ),
            ),
            options=(DATA, SPLIT),
            examples=(("%models diff taxi@1 taxi@2 $rides", "with the rows of a DataFrame"),),
        ),
        "evaluate": EVALUATE,
        "import": Command(
            summary="make a model from elsewhere a version. It is copied; what runs Python code or touches files is "
            "refused",
            arguments=(
                Argument(name="model", metavar="NAME", help="the model's name; it need not be there yet"),
                Argument(name="path", metavar="PATH", help="a SavedModel's folder, a .keras file or an .onnx file"),
            ),
            options=(Option(name="set-default", help="let the version answer when none is named"), YES),
            examples=(("%models import houses ~/Downloads/houses.keras --set-default", "a Keras model, to be asked"),),
        ),
        "delete": Command(
            summary="remove a version, or a model with all its versions. What an endpoint serves or an alias points at "
            "stays; numbers are not given again",
            arguments=(Argument(name="model", metavar="MODEL[@VERSION]", help="a version, or a model's name"),),
            options=(Option(name="yes", help="do it without asking, of a model with several versions"),),
            examples=(("%models delete taxi@1", "one version"), ("%models delete taxi --yes", "all of taxi")),
        ),
    },
)
