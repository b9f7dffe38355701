"""`%datasets`: list, describe, plot, compare and delete datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.own_display import OwnDisplay
from mlmagic.magics.tables import Argument, Command, Kind, Magic, Option, Parsed

if TYPE_CHECKING:
    from mlmagic.api.dataset_deletion import DatasetDeletion
    from mlmagic.api.dataset_views import DatasetPlot
    from mlmagic.magics.extension import Extension

_DATASET = Argument(name="dataset", metavar="DATASET", help="a name: its newest version; or a version, such as taxi@2")
_COLUMNS = Option(
    name="columns",
    metavar="NAMES",
    kind=Kind.TEXT,
    help="only these: names or patterns with commas between them, such as fare,pickup_*",
)

DATASETS = Magic(
    name="datasets",
    default="list",
    command=Command(
        summary=(
            "The datasets of this workspace. A dataset has numbered versions, which never change; DATASET alone means "
            "the newest."
        ),
        examples=(
            ("%datasets", "all datasets"),
            ("%datasets describe taxi", "its columns, what looks wrong, its features as YAML"),
            ("%datasets plot taxi --columns fare,pickup_*", "how some columns are distributed"),
            ("%datasets diff taxi@1 taxi@2", "what has changed"),
        ),
    ),
    subcommands={
        "list": Command(summary="list datasets"),
        "describe": Command(
            summary=(
                "show a version: rows, columns, how values are distributed, what looks wrong, features, and what it "
                "was made from"
            ),
            arguments=(_DATASET,),
            options=(_COLUMNS,),
            examples=(("%datasets describe taxi@1", "the first version"),),
        ),
        "plot": Command(
            summary="draw columns, train and eval in one chart, with a table below",
            arguments=(_DATASET,),
            options=(_COLUMNS,),
            examples=(("%datasets plot taxi --columns 'trip_*'", "all whose names begin so"),),
        ),
        "diff": Command(
            summary="show what two versions have differently: rows, schema, values, features, files and code",
            arguments=(
                Argument(name="first", metavar="A", help="a version; alone it is compared with the one before it"),
                Argument(name="second", metavar="B", is_required=False, help="the other, which is compared with A"),
            ),
            examples=(("%datasets diff taxi", "what the newest has differently from the one before"),),
        ),
        "delete": Command(
            summary=(
                "remove one version with its files. Models that were trained on it keep what they learned, and its "
                "statistics. Of one that Dataflow made, the files in the bucket go too, after a yes"
            ),
            arguments=(Argument(name="version", metavar="DATASET@VERSION", help="a version, such as taxi@2"),),
            options=(
                Option(name="yes", help="delete its files in a bucket unasked"),
                Option(name="keep-files", help="leave its files in a bucket"),
            ),
            examples=(("%datasets delete taxi@2 --yes", "also what Dataflow wrote of it into the bucket"),),
        ),
    },
)


def datasets(extension: Extension, line: Parsed) -> Any:  # noqa: ARG001 - all magics are called alike
    """Do what the subcommand says."""
    from mlmagic.api import datasets as api

    match line.subcommand:
        case "list":
            return api.datasets()
        case "describe":
            return api.dataset(line["dataset"]).describe(line["columns"])
        case "plot":
            return api.dataset(line["dataset"]).plot(line["columns"])
        case "diff":
            return api.diff_datasets(line["first"], line["second"])
        case _:
            return _delete(line)


def _delete(line: Parsed) -> DatasetDeletion:
    from mlmagic.api import datasets as api

    text = line["version"]
    if line["yes"] and line["keep_files"]:
        raise UsageError("--yes deletes the files in the bucket, and --keep-files leaves them: say one of them.")
    found = api.dataset(text)
    if "@" not in text:
        told = ", ".join(str(version) for version in found.versions)
        raise UsageError(f"which version of {text}? There is {told}.", hint=f"%datasets delete {text}@NUMBER")
    return found.delete(yes=line["yes"], keep_files=line["keep_files"])


class PlotDisplay(OwnDisplay):
    """Shows charts of datasets with the table below them, as two outputs: of one, JupyterLab shows a part only."""

    module, name = "mlmagic.api.dataset_views", "DatasetPlot"

    def show(self, shown: DatasetPlot) -> None:
        """Show charts and table."""
        for part in (shown, shown.table):
            self._shell.display_pub.publish(part._repr_mimebundle_(), {})
