"""The tutorials on the emulator of Google Cloud: the same notebooks, with one line more in their first cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.tutorials import Run, run_tutorial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass(frozen=True, kw_only=True)
class Tutorial:
    """What a tutorial shows in Google Cloud as on this machine."""

    name: str
    fails: set[str] = field(default_factory=set)
    """The cells that are meant to fail."""
    shows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Words in what cells show, by the cell."""
    versions: dict[str, int] = field(default_factory=dict)
    """How many versions each model has in the end."""


TUTORIALS = [
    Tutorial(
        name="01-from-a-cell-to-a-prediction.ipynb",
        fails={"live", "fail"},
        shows={
            "wait": ("SUCCEEDED", "flights@1 is the default version"),
            "logs": ("Epoch 2/2",),
            "compare-versions": ("flights@1", "flights@2"),
            "fail": ("line 4, in train", "KeyError: 'arrival_delay'"),
        },
        versions={"flights": 2},
    ),
    Tutorial(
        name="02-from-raw-files-to-features.ipynb",
        shows={
            "preprocess": ("SUCCEEDED", "flights@1: 327,346 rows", "Workers have started successfully."),
            "describe": ("dep_delay", "carrier", "bucketized"),
            "train": ("delay@1 is the default version",),
            "predict": ("prediction",),
            "diff": ("flights@1", "flights@2"),
        },
        versions={"delay": 2},
    ),
    Tutorial(
        name="03-the-right-number-of-buckets.ipynb",
        shows={
            "tune": ("SUCCEEDED",),
            "trials": ("delay",),
            "promote": ("SUCCEEDED", "delay@1 is the default version"),
            "predict": ("prediction",),
            "resume": ("SUCCEEDED", "28 trials", "Vertex AI's search begins anew"),
        },
        versions={"delay": 1},
    ),
    Tutorial(
        name="04-deploy-compare-roll-back.ipynb",
        shows={
            "http": ("('late@1',",),
            "wrong": ('instances[0].hour: expected a whole number, got "evening"',),
            "count": ("'late@2': ",),
            "move": ("none failed",),
            "whose": ("'late@1'",),
            "gate": ("late-for-all serves late@2 now.",),
        },
        versions={"late": 2},
    ),
    Tutorial(
        name="05-a-submission.ipynb",
        shows={
            "dataset": ("SUCCEEDED", "air@1"),
            "submit": ("SUCCEEDED", "65,469 rows predicted by air@1: submission.csv"),
            "look": ("air_time",),
            "resubmit": ("65,469 rows predicted by air@2: submission-2.csv",),
            "rescore": ("second submission",),
        },
        versions={"air": 2},
    ),
    Tutorial(
        name="06-watch-what-comes-in.ipynb",
        shows={
            "steady": ("3,000 rows against what delay@1 was trained on (flights@1)",),
            "alert": ("temp: mean shifted by +4",),
            "explain": ("Why delay@1 predicts so",),
            "wait": ("none failed", "last delay@2"),
            "described": ("Roll-out of delay@2: came through all steps.",),
        },
        versions={"delay": 2},
    ),
    Tutorial(
        name="07-many-jobs.ipynb",
        shows={
            "queue": ("QUEUED",),
            "side-by-side": ("learning_rate", "units", "val_loss", "\N{BLACK STAR}"),
            "difference": ("The code and the settings are the same.",),
            "patient-log": ("attempt 2 of 3 (attempt 1: ended by SIGKILL)", "Epoch 12/12"),
            "together-log": ("chief-0 | Epoch 2/2", "worker-0 | Epoch 2/2"),
        },
        versions={"delays": 11, "patient": 2},
    ),
]


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda tutorial: tutorial.name[:2])
def test_a_tutorial_shows_the_same(tutorial: Tutorial, tmp_path: Path) -> None:
    run = run_tutorial(tutorial.name, tmp_path, cell_seconds=900, emulator=True)
    assert run.failed == tutorial.fails
    assert missing(run, tutorial) == {}
    assert {name: len(run.session.models.versions(name)) for name in tutorial.versions} == tutorial.versions
    assert {job.backend for job in run.session.jobs.list(trials=True)} == {"emulator"}


def missing(run: Run, tutorial: Tutorial) -> dict[str, list[str]]:
    """Return the words that cells do not show, by the cell."""
    found = {cell: [word for word in words if word not in run.text(cell)] for cell, words in tutorial.shows.items()}
    return {cell: words for cell, words in found.items() if words}
