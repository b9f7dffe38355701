"""Two versions of models side by side: where they came from, what they take and return, how they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, Union

from mlmagic.api.arguments import ArgumentCheck, read_reference
from mlmagic.api.dataset_difference import differences, differences_of_jobs
from mlmagic.errors import UsageError
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.model_report import ModelDiff
from mlmagic.spec.names import parse_model_reference
from mlmagic.spec.report import Difference, FileDifference

if TYPE_CHECKING:
    import pandas as pd

    from mlmagic.session import Session

Data: TypeAlias = Union["pd.DataFrame", str, None]
"""Rows to compare versions by: a DataFrame, or a dataset such as `taxi` or `taxi@3`."""


class ModelDifference(ModelDiff):
    """What two versions have differently, shown as a panel."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<ModelDifference of {self.first} and {self.second}>"

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import model_diff_bundle

        return model_diff_bundle(self)


def diff_models(
    first: str,
    second: str | None = None,
    *,
    data: Data = None,
    split: str | None = None,
    session: Session | None = None,
) -> ModelDifference:
    """Return what two versions have differently, their predictions for the same rows included.

    Args:
        first: a version, such as `taxi@1` or `taxi@champion`; alone it is compared with the default of its model.
        second: the other, also of another model.
        data: the rows; by default those of the dataset that the second, or else the first, was trained on.
        split: of the dataset; by default `test`, or else `eval`.
        session: another than this process's.

    Raises:
        NotFoundError: there is no such version, dataset or split.
        PredictionError: rows that were given do not fit one of them.
    """
    from mlmagic.session import current_session

    check = ArgumentCheck()
    session = session or current_session()
    references = [check.read(read_reference, each, "a version") for each in (first, second or first)]
    meant = [check.read(parse_model_reference, each) for each in references if each is not None]
    if split is not None and data is not None and not isinstance(data, str):
        check.problems.append("a split is of a dataset, not of a DataFrame.")
    check.finish("diff_models")
    one, other = (session.models.resolve(each) for each in meant if each is not None)
    if second is None:
        one, other = _against_default(session, other)
    return difference(session, one, other, data=data, split=split)


def difference(
    session: Session, first: ModelVersion, second: ModelVersion, *, data: Data = None, split: str | None = None
) -> ModelDifference:
    """Return what two versions have differently."""
    from mlmagic.api.prediction_difference import compare_predictions

    flags, code, note = _of_jobs(session, first, second)
    predictions, silence = compare_predictions(session, first, second, data=data, split=split)
    return ModelDifference(
        first=str(first),
        second=str(second),
        origin=differences(_origin(first), _origin(second)),
        metrics=_metrics(first, second),
        signature=differences(_signature(first), _signature(second)),
        flags=flags,
        code=code,
        code_note=note,
        predictions=predictions,
        silence=silence,
    )


def _against_default(session: Session, version: ModelVersion) -> tuple[ModelVersion, ModelVersion]:
    default = session.models.resolve(parse_model_reference(version.model))
    if default.number == version.number:
        raise UsageError(
            f"{version} is the default of {version.model}: which version is it to be compared with?",
            hint=f"%models diff {version} {version.model}@NUMBER",
        )
    return default, version


def _of_jobs(
    session: Session, first: ModelVersion, second: ModelVersion
) -> tuple[tuple[Difference, ...], tuple[FileDifference, ...], str | None]:
    foreign = [str(version) for version in (first, second) if version.origin.package_digest is None]
    if foreign and first != second:
        told = " and ".join(dict.fromkeys(foreign))
        return (), (), f"{told} came without {'its' if len(foreign) == 1 else 'their'} code."
    flags, code = differences_of_jobs(session, first.origin, second.origin)
    if code is None:
        return flags, (), "The code differs; a job that made one of them is deleted, so it cannot be shown."
    return flags, code, None


def _origin(version: ModelVersion) -> dict[str, str]:
    from mlmagic.panels.sizes import size_text

    origin = version.origin
    told = {
        "dataset": origin.dataset,
        "study": origin.study,
        "imported from": origin.source,
        "framework": " ".join(part for part in (origin.framework, origin.framework_version) if part),
        "artifact": origin.artifact,
        "size": size_text(version.size_bytes),
    }
    return {key: value for key, value in told.items() if value}


def _metrics(first: ModelVersion, second: ModelVersion) -> tuple[Difference, ...]:
    from mlmagic.panels.numbers import column

    pairs = [version.origin.metrics for version in (first, second)]
    names = dict.fromkeys([*pairs[0], *pairs[1]])
    shown = {name: column([metrics.get(name) for metrics in pairs]) for name in names}
    told = [{name: texts[at] for name, texts in shown.items() if name in pairs[at]} for at in (0, 1)]
    return differences(*told)


def _signature(version: ModelVersion) -> dict[str, str]:
    from mlmagic.panels.signature import tensor_text

    if version.signature is None:
        return {}
    takes = {f"takes {tensor.name}": tensor_text(tensor) for tensor in version.signature.inputs}
    return takes | {f"returns {tensor.name}": tensor_text(tensor) for tensor in version.signature.outputs}
