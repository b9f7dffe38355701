"""`%models`: what its subcommands do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmagic.errors import UsageError
from mlmagic.magics.evaluate import evaluate
from mlmagic.magics.tables import Parsed

if TYPE_CHECKING:
    from mlmagic.api.model_deletion import ModelDeletion
    from mlmagic.api.model_difference import ModelDifference
    from mlmagic.api.model_views import VersionDescription
    from mlmagic.api.models import Model
    from mlmagic.magics.extension import Extension


def models(extension: Extension, line: Parsed) -> Any:
    """Do what the subcommand says."""
    from mlmagic.api import models as api

    match line.subcommand:
        case "list":
            return api.models()
        case "describe":
            return api.describe_model(line["model"])
        case "set-default":
            return _set_default(extension, line)
        case "alias":
            return _alias(extension, line)
        case "diff":
            return _diff(line)
        case "evaluate":
            return evaluate(line)
        case "import":
            return _import(extension, line)
        case _:
            return _delete(line)


def _set_default(extension: Extension, line: Parsed) -> Model:
    from mlmagic.magics.live_endpoints import Progress

    model, which = _version(line, "set-default")
    gate = {name: line[name] for name in ("min_improvement", "metric", "data", "split")}
    with Progress(extension.panels) as progress:
        return model.set_default(which, **gate, yes=line["yes"], on_look=progress)


def _alias(extension: Extension, line: Parsed) -> Model:
    from mlmagic.magics.live_endpoints import Progress

    model, which = _version(line, "alias", line["alias"])
    if not line["remove"]:
        with Progress(extension.panels) as progress:
            return model.set_alias(line["alias"], which, yes=line["yes"], on_look=progress)
    # Named by version as well, so that nobody removes an alias that has moved meanwhile.
    meant, points_at = model.version(which), model.version(line["alias"])
    if points_at != meant:
        raise UsageError(
            f"{line['alias']} points at {points_at}, not at {meant}.",
            hint=f"%models alias {points_at} {line['alias']} --remove",
        )
    return model.remove_alias(line["alias"])


def _import(extension: Extension, line: Parsed) -> VersionDescription:
    from mlmagic.api.model_import import import_model
    from mlmagic.magics.live_endpoints import Progress

    with Progress(extension.panels) as progress:
        given = {"set_default": line["set_default"], "yes": line["yes"]}
        return import_model(line["model"], line["path"], **given, on_look=progress)


def _diff(line: Parsed) -> ModelDifference:
    from mlmagic.api.model_difference import diff_models

    if line["data"] is not None and line["rows"] is not None:
        raise UsageError("%models diff takes the rows once: as $DATA or with --data.")
    data = line["rows"] if line["data"] is None else line["data"]
    return diff_models(line["first"], line["second"], data=data, split=line["split"])


def _version(line: Parsed, verb: str, *more: str) -> tuple[Model, str]:
    """Return the model and which of its versions is named."""
    from mlmagic.api import models as api

    name, at, which = line["version"].partition("@")
    model = api.model(name)
    if not at:
        newest = model.version("latest")
        told = " ".join([f"%models {verb} {name}@NUMBER", *more])
        raise UsageError(f"which version of {name}? Its newest is {newest}.", hint=told)
    return model, which


def _delete(line: Parsed) -> ModelDeletion:
    from mlmagic.api.model_deletion import delete_model, plan_model_deletion

    plan = plan_model_deletion(line["model"])
    if plan.is_whole and len(plan.versions) > 1 and not line["yes"]:
        raise UsageError(
            f"%models delete would remove all {len(plan.versions)} versions of {plan.model}; nothing is deleted yet:",
            problems=plan.lines(),
            hint=f"To remove them: {line.invocation} --yes",
        )
    return delete_model(line["model"])
