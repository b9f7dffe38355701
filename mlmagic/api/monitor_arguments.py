"""What `monitor` is told, checked together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlmagic.api.arguments import ArgumentCheck, read_model_reference, read_reference, read_timeout, read_whole_number
from mlmagic.api.inputs import Inputs, read_inputs
from mlmagic.errors import UsageError, nearest
from mlmagic.spec import codec
from mlmagic.spec.dataset import DatasetSchema
from mlmagic.spec.monitoring import AlertCondition, DataDriftSpec
from mlmagic.spec.monitoring_report import Against
from mlmagic.spec.names import ModelReference
from mlmagic.spec.statistics import DatasetStatistics, SplitStatistics

NEWEST_SECONDS = 86_400.0
"""What is looked at if nothing is said: the newest day."""

DIRECT, DATAFLOW = "direct", "dataflow"
"""The runners, of this machine and of Google Cloud."""

_PLACE = "A dataset has them: .mlmagic/datasets/NAME/NUMBER/statistics.json"

Thresholds = float | str | Mapping[Any, Any] | None
"""Numbers; in a mapping by feature, under None that of all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for."""

    endpoint: str | None
    model: ModelReference | None
    inputs: Inputs | None
    statistics: SplitStatistics | None
    statistics_name: str
    statistics_key: str | None
    """The column that names a row of these."""
    against: Against
    seconds: float
    rows: int | None
    spec: DataDriftSpec
    by: str | None
    truth: Inputs | None
    key: str | None
    target: str | None
    output: str | None
    runner: str | None
    """What counts files; None for this process."""
    workers: int | None = None
    """Machines on Dataflow, at most."""
    yes: bool = False
    """The user has agreed to what that costs."""


def read_wanted(folder: Path, given: Mapping[str, Any], check: ArgumentCheck | None = None) -> Wanted:
    """Check the arguments of `monitor`.

    Args:
        folder: where DataFrames are going to be written.
        given: the arguments by name.
        check: what was wrong with other arguments.

    Raises:
        UsageError: some do not fit; all are listed.
    """
    check = check or ArgumentCheck()
    check.problems += _places(given)
    last, rows = given["last"], given["rows"]
    name = given["statistics"]
    wanted = Wanted(
        endpoint=None if given["endpoint"] is None else check.read(read_reference, given["endpoint"], "endpoint"),
        model=None if given["model"] is None else check.read(read_model_reference, given["model"]),
        inputs=None if given["input"] is None else check.read(read_inputs, given["input"], folder),
        statistics=None if name is None else check.read(read_statistics, name),
        statistics_name="" if name is None else os.path.basename(str(name)),  # noqa: PTH119 - it may be no path
        statistics_key=None if name is None else _key_beside(name),
        against=check.read(_read_against, given["against"]) or Against.TRAINING,
        seconds=NEWEST_SECONDS if last is None else check.read(_read_last, last) or NEWEST_SECONDS,
        rows=None if rows is None else check.read(read_whole_number, rows, "rows", 1),
        spec=check.read(read_thresholds, given["threshold"]) or DataDriftSpec(),
        by=None if given["by"] is None else check.read(read_reference, given["by"], "by"),
        truth=None if given["truth"] is None else check.read(read_inputs, given["truth"], folder),
        key=None if given["key"] is None else check.read(read_reference, given["key"], "key"),
        target=None if given["target"] is None else check.read(read_reference, given["target"], "target"),
        output=None if given.get("output") is None else check.read(read_reference, given["output"], "output"),
        runner=None if given.get("runner") is None else check.read(_read_runner, given["runner"]),
        workers=None if given.get("workers") is None else check.read(read_whole_number, given["workers"], "workers", 1),
        yes=bool(given.get("yes")),
    )
    check.finish("monitor")
    return wanted


def read_statistics(path: object) -> SplitStatistics:
    """Return the statistics of the training split from a file such as a dataset's `statistics.json`.

    Raises:
        UsageError: it cannot be read, or holds something else.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"statistics must be a path, not {type(path).__name__} {path!r:.60}.")
    try:
        content = Path(os.fspath(path)).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(
            f"statistics {os.fspath(path)!r} cannot be read: {error.strerror or error}.", hint=_PLACE
        ) from None
    try:
        splits = codec.loads(DatasetStatistics, content).splits
    except codec.DecodeError as error:
        raise UsageError(f"statistics {os.fspath(path)!r} are none: {error}.", hint=_PLACE) from None
    if "train" not in splits:
        raise UsageError(f"statistics {os.fspath(path)!r} have no split train, only {', '.join(splits) or 'none'}.")
    return splits["train"]


def _key_beside(path: object) -> str | None:
    """Return the key of the dataset that a file of statistics is in; None if it is in none."""
    if not isinstance(path, str | os.PathLike):
        return None
    try:
        schema = Path(os.fspath(path)).expanduser().parent / "schema.json"
        return codec.loads(DatasetSchema, schema.read_bytes()).key
    except (OSError, RuntimeError, ValueError, codec.DecodeError):
        return None


def read_thresholds(given: Thresholds | Sequence[str]) -> DataDriftSpec:
    """Return what is an alert: one number for all features, or numbers by feature.

    Raises:
        UsageError: something is no number from 0 to 1; all are listed.
    """
    if given is None:
        return DataDriftSpec()
    named: dict[Any, Any] = dict(given) if isinstance(given, Mapping) else {None: given}
    problems = []
    conditions: dict[str | None, AlertCondition] = {}
    for name, value in named.items():
        number = _number(value)
        if number is None or not 0 <= number <= 1:
            what = "the threshold" if name is None else f"the threshold of {name}"
            problems.append(f"{what} is {value!r:.40}; it is a number from 0 to 1")
        else:
            conditions[name] = AlertCondition(threshold=number)
    if problems:
        raise UsageError("threshold:", problems=problems)
    default = conditions.pop(None, AlertCondition())
    return DataDriftSpec(
        default_categorical_alert_condition=default,
        default_numeric_alert_condition=default,
        feature_alert_conditions={name: each for name, each in conditions.items() if name is not None},
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _read_last(last: object) -> float:
    try:
        return read_timeout(last) or NEWEST_SECONDS
    except UsageError as error:
        raise UsageError(error.message.replace("timeout", "last", 1)) from None


def _read_runner(runner: object) -> str:
    if runner not in {DIRECT, DATAFLOW}:
        raise UsageError(f"runner is {DIRECT}, a pipeline of Beam on this machine, or {DATAFLOW}, not {runner!r:.40}.")
    return str(runner)


def _read_against(against: object) -> Against:
    known = [each.value for each in Against]
    if against not in known:
        near = nearest(str(against), known)
        raise UsageError(f"against is training or window, not {against!r:.40}. {near}".rstrip())
    return Against(str(against))


def _places(given: Mapping[str, Any]) -> list[str]:
    """Return what cannot stand together."""
    has = {name for name, value in given.items() if value is not None}
    problems = []
    if "endpoint" in has and {"model", "input"} & has:
        problems.append("give an endpoint, or files with model and input, not both")
    elif "endpoint" not in has and not {"model", "input"} & has:
        problems.append("endpoint is missing: name one, or files with input and model or statistics")
    elif "endpoint" not in has and "input" not in has:
        problems.append("input is missing: the files that are compared with what the model was trained on")
    elif "endpoint" not in has and not {"model", "statistics"} & has:
        problems.append("model is missing: the model that the files were for; or statistics, a file")
    if "endpoint" in has and "runner" in has:
        problems.append("runner: only with input, files that a pipeline counts")
    if "workers" in has and given["runner"] != DATAFLOW:
        problems.append(f"workers: only with runner {DATAFLOW}, which has so many machines at most")
    if "endpoint" not in has:
        only = [name for name in ("last", "rows", "truth", "key") if name in has]
        if only:
            problems.append(f"{', '.join(only)}: only for an endpoint, whose requests are logged")
        if given["against"] == Against.WINDOW:
            problems.append("against window: only for an endpoint; files have no window before them")
    if "rows" in has and "last" in has:
        problems.append("last and rows: give one of them")
    if ("truth" in has) != ("key" in has):
        missing = "key" if "truth" in has else "truth"
        problems.append(f"{missing} is missing: truth is a file of what came true, key the column that joins it")
    if "target" in has and "truth" not in has:
        problems.append("target: only with truth, of which it is a column")
    if "output" in has and "truth" not in has:
        problems.append("output: only with truth, with which it is compared")
    return problems
