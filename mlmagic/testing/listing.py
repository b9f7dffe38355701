"""The part of the exam that is about lists: the same filter and order give the same rows on every backend."""

# ruff: noqa: D102, S101 - these are tests: their names say what they are about, and they assert

from __future__ import annotations

from mlmagic.backends.base import Backend
from mlmagic.filters.parser import parse
from mlmagic.filters.sort import parse_sort
from mlmagic.spec.job import JobKind, JobState
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.testing.driving import run

_ROWS = {
    "": "census taxi flights rnn rides",
    "jobId:census*": "census",
    "jobId:rnn* AND state:FAILED": "rnn",
    "displayName:(taxi flights)": "taxi flights",
    "state=SUCCEEDED": "census taxi flights rides",
    "state=JOB_STATE_FAILED": "rnn",
    "-state:succeeded": "rnn",
    "labels.owner=ada": "census taxi",
    "labels.owner:*": "census taxi flights",
    "-labels.owner:*": "rnn rides",
    "labels:ada": "census taxi",
    "NOT labels.owner=ada": "flights rnn rides",
    "labels.owner!=ada": "flights rnn rides",
    "(labels.owner=ada AND -displayName=taxi) OR state=FAILED": "census rnn",
    "displayName=taxi OR displayName=rnn labels.owner=ada": "taxi",
    "flags.learning_rate<0.1": "census flights",
    "flags.learning_rate>=1e-1": "taxi",
    "flags.learning_rate=('0.010' 0.5)": "taxi",
    "flags.optimizer~^ad": "census taxi",
    "flags.optimizer!~^ad": "flights rnn rides",
    "flags.optimizer>b": "flights",
    "priority>1": "taxi flights",
    "args=--epochs=5": "census",
    "args~epochs": "census taxi",
    "scaleTier=BASIC": "census taxi rnn rides",
    "machineType:n1-highmem-8": "flights",
    "exitCode!=0": "rnn",
    "error:fare": "rnn",
    "error.message~'^ValueError: no'": "rnn",
    "endTime:* AND createTime<=P1D": "census taxi flights rnn rides",
    "createTime>-PT1H updateTime<PT1H": "census taxi flights rnn rides",
    "createTime<-P2W": "",
    "modelVersion:*": "",
    "fresh=false kind=training": "census taxi flights rnn",
    "kind=preprocessing": "rides",
    "dataset=rides": "rides",
    "dataset:taxi": "flights",
    "dataset=taxi@3 kind=training": "flights",
    "datasetVersion:*": "",
    "-datasetVersion:rides": "census taxi flights rnn rides",
}

_ORDERS = {
    "": "rides rnn flights taxi census",
    "createTime": "census taxi flights rnn rides",
    "~createTime": "rides rnn flights taxi census",
    "displayName": "census flights rides rnn taxi",
    "~priority,displayName": "flights taxi census rides rnn",
    "state,~displayName": "rnn taxi rides flights census",
    "flags.learning_rate": "census flights taxi rides rnn",
    "~flags.learning_rate": "taxi flights census rides rnn",
    "labels.owner,~jobId": "taxi census flights rnn rides",
    "error.message": "rnn rides flights taxi census",
    "kind,dataset": "rides flights rnn taxi census",
}


class ListingConformance:
    """Filters and orders."""

    def test_filters_and_orders(self, backend: Backend) -> None:
        _run_jobs(backend)
        for text, names in _ROWS.items():
            found = [summary.display_name for summary in backend.list(where=parse(text))]
            assert sorted(found) == sorted(names.split()), text
        for text, names in _ORDERS.items():
            found = [summary.display_name for summary in backend.list(sort_by=parse_sort(text))]
            assert found == names.split(), text

    def test_filters_orders_and_limits_together(self, backend: Backend) -> None:
        _run_jobs(backend)
        lowest = backend.list(
            states={JobState.SUCCEEDED}, where=parse("labels.owner=ada"), sort_by=parse_sort("displayName"), limit=1
        )
        assert [summary.display_name for summary in lowest] == ["census"]
        assert backend.list(display_name="taxi", where=parse("labels.owner!=ada")) == []


def _run_jobs(backend: Backend) -> None:
    highmem = Resources(scale_tier="CUSTOM", worker_pools=(WorkerPool(machine_type="n1-highmem-8"),))
    ada = {"owner": "ada"}
    run(
        backend,
        "print(1)\n",
        name="census",
        labels=ada,
        args=("--epochs=5", "x"),
        flags={"learning_rate": "0.01", "optimizer": "adam"},
    )
    run(
        backend,
        "print(1)\n",
        name="taxi",
        labels=ada,
        args=("--epochs=7",),
        priority=2,
        flags={"learning_rate": "0.5", "optimizer": "adagrad"},
    )
    run(
        backend,
        "print(1)\n",
        name="flights",
        labels={"owner": "bob"},
        priority=7,
        resources=highmem,
        dataset="taxi@3",
        flags={"learning_rate": "5e-2", "optimizer": "sgd"},
    )
    run(backend, "raise ValueError('no such column: fare')\n", name="rnn")
    elsewhere = ("--output", "gs://rides/clean")  # so that nothing is missed here
    run(backend, "print(1)\n", name="rides", kind=JobKind.PREPROCESSING, dataset="rides", args=elsewhere)
