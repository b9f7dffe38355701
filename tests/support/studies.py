"""Studies of small programs that need Python alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlmagic.backends.base import Backend
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, PackageReference
from mlmagic.spec.study import Goal, Parameter, ParameterKind, Scale, StudySpec, Trial, TrialState
from mlmagic.testing.backends import COLD, make_package
from mlmagic.tuning.choosing import replay
from mlmagic.tuning.suggester import Values
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import read_study

PARAMETERS = (
    Parameter(name="lr", kind=ParameterKind.DOUBLE, minimum=1e-4, maximum=1.0, scale=Scale.LOG),
    Parameter(name="units", kind=ParameterKind.INTEGER, minimum=1, maximum=64),
)

PROGRAM = """
import argparse, json, os, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--units", type=int)
parser.add_argument("--epochs", type=int, default=1)
args = parser.parse_args()
trial = int(os.environ["CLOUD_ML_TRIAL_ID"])
value = (args.lr - 0.1) ** 2 + (args.units - 20) ** 2 / 1000

def report(*values, tag="loss"):
    path = os.environ["CLOUD_ML_HP_METRIC_FILE"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        for step, value in enumerate(values, 1):
            line = {"trial": str(trial), "global_step": str(step), tag: str(value), "timestamp": time.time()}
            file.write(json.dumps(line, sort_keys=True) + "\\n")

"""
"""What trials begin with; `report(value)` is what they are to end with."""

REPORTS = PROGRAM + "report(value)\n"


def study_spec(**fields: Any) -> StudySpec:
    """Return a study of the program above."""
    return StudySpec(**{"metric": "loss", "goal": Goal.MINIMIZE, "parameters": PARAMETERS, "trials": 4, **fields})


def submit_study(
    backend: Backend, source: str = REPORTS, *, study: StudySpec | None = None, name: str = "flights", **fields: Any
) -> JobRecord:
    """Submit a study whose trials run this source."""
    package = make_package(source)
    reference = PackageReference(digest=package.digest, cold_reason=COLD)
    spec = JobSpec(display_name=name, kind=JobKind.TUNING, package=reference, study=study or study_spec(), **fields)
    return backend.submit(spec, package)


def trial(number: int, study_id: str = "flights-20260131-123015-0a1b", **fields: Any) -> Trial:
    """Return a trial that runs."""
    return Trial(
        **{
            "number": number,
            "parameters": {"lr": "0.01", "units": "8"},
            "state": TrialState.ACTIVE,
            "job": f"{study_id}-{number}",
            "suggest_time": datetime(2026, 1, 31, 12, 30, 15, tzinfo=UTC),
            **fields,
        }
    )


def misfits(workspace: Workspace, study_id: str, earlier: Sequence[tuple[Values, float]] = ()) -> Mapping[int, object]:
    """Return what should have been suggested for those trials of a study for which something else was."""
    study = read_study(workspace, study_id)
    found: dict[int, object] = {}
    for one in study.trials:
        values = replay(study.spec, study.trials, one.number, earlier)
        texts = {} if values is None else {name: study.spec.parameter(name).text(values[name]) for name in values}
        if texts != one.parameters:
            found[one.number] = texts
    return found
