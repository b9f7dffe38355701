"""A budget bounds how long the machines of a job may be taken: by its timeout, which it gets if it has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlmagic.api.budgets import within_budget
from mlmagic.api.training import plan_training
from mlmagic.api.tuning import plan_tuning
from mlmagic.errors import UsageError
from mlmagic.session import Session
from mlmagic.spec.job import JobKind, JobSpec, PackageReference
from mlmagic.spec.tiers import TIERS
from mlmagic.spec.vertex import VertexOptions

SOURCE = "def train(lr: float = 0.1):\n    return {'val_loss': lr}\n"
PRICES = 'currency = "USD"\nsource = "our sheet"\ndate = 2026-11-01\n[machines]\nn1-standard-4 = 0.5\n'


@pytest.fixture
def cloud(tmp_path: Path) -> Session:
    session = Session(environ={"MLMAGIC_BACKEND": "google"}, start=tmp_path)
    session.use(
        "google", google={"google_project": "my-project", "google_region": "us-central1", "google_bucket": "gs://b-1"}
    )
    return session


def spec(**told: object) -> JobSpec:
    return JobSpec(display_name="taxi", backend="google", package=PackageReference(digest="0"), **told)  # type: ignore[arg-type]


def test_a_job_without_a_timeout_gets_the_longest_that_keeps_the_budget(cloud: Session) -> None:
    assert within_budget(spec(), "10h", cloud).timeout_seconds == 36000
    assert within_budget(spec(max_retries=1), "10h", cloud).timeout_seconds == 18000
    assert within_budget(spec(resources=TIERS["STANDARD_1"]), "10h", cloud).timeout_seconds == 4500
    assert within_budget(spec(timeout_seconds=60.0), "10h", cloud).timeout_seconds == 60
    assert within_budget(spec(), None, cloud).timeout_seconds is None


def test_a_large_budget_makes_no_job_longer_than_vertex_ai_lets_it_be(cloud: Session) -> None:
    week = 7 * 24 * 3600
    assert within_budget(spec(), "1000h", cloud).timeout_seconds == week
    assert within_budget(spec(timeout_seconds=2.0 * week), "1000h", cloud).timeout_seconds == 2 * week
    batch = within_budget(spec(kind=JobKind.BATCH_PREDICTION), "10000h", cloud)
    assert batch.timeout_seconds == 1000 * 3600  # of ten machines: Vertex AI ends none by itself


def test_a_timeout_that_breaks_the_budget_is_refused_with_one_that_keeps_it(cloud: Session) -> None:
    with pytest.raises(UsageError) as caught:
        within_budget(spec(timeout_seconds=7200.0, resources=TIERS["STANDARD_1"]), "10h", cloud)
    pools = "1 × n1-standard-8 + 4 × n1-standard-8 + 3 × n1-standard-4"
    told = f"STANDARD_1: {pools} for up to 2 h (timeout) = 16 machine-hours"
    assert caught.value.message == f"the budget of 10 machine-hours is less than this may take: {told}."
    assert caught.value.hint == "With --timeout 75m or less it fits."


def test_a_budget_that_is_gone_in_a_minute_is_refused(cloud: Session) -> None:
    with pytest.raises(UsageError) as caught:
        within_budget(spec(resources=TIERS["PREMIUM_1"], max_retries=3), "1h", cloud)
    told = "leaves 29 s for 31 machines and 4 runs, which is under a minute."
    assert caught.value.message == f"the budget of 1 machine-hour {told}"
    assert caught.value.hint == "Ask for fewer machines, or a larger budget."


def test_the_workspaces_budget_holds_where_a_job_names_none(cloud: Session) -> None:
    cloud.configure("budget", "2h")
    assert plan_training("taxi", source=SOURCE, session=cloud).spec.timeout_seconds == 7200
    assert plan_training("taxi", source=SOURCE, budget="none", session=cloud).spec.timeout_seconds is None
    with pytest.raises(UsageError, match=r"^the workspace's budget of 2 machine-hours is less than") as caught:
        plan_training("taxi", source=SOURCE, timeout="3h", session=cloud)
    ways_out = "For this job alone: --budget none, or another. For all: %mlmagic config budget."
    assert caught.value.hint == f"With --timeout 120m or less it fits. {ways_out}"


def test_a_budget_that_was_written_by_hand_is_told_with_its_file_and_stops_nothing_here(cloud: Session) -> None:
    path = cloud.workspace.config
    path.write_text('budget = "a lot"\n', "utf-8")
    cloud.refresh()
    with pytest.raises(UsageError) as caught:
        within_budget(spec(), None, cloud)
    assert caught.value.message.startswith(f"{path}: budget 'a lot' is no amount, such as 10h")
    assert caught.value.hint == "Set another one: %mlmagic config budget 10h, or none."
    here = replace(spec(), backend="local")
    assert within_budget(here, None, cloud) is here


def test_a_studys_budget_is_of_all_its_trials(cloud: Session) -> None:
    cloud.configure("budget", "1h")
    told = {"metric": "val_loss", "space": "lr=0.1..0.9", "source": SOURCE, "session": cloud}
    assert plan_tuning("taxi", trials=20, budget="10h", **told).spec.timeout_seconds == 1800  # type: ignore[arg-type]
    assert plan_tuning("taxi", trials=20, **told).spec.timeout_seconds == 180  # type: ignore[arg-type]


def test_a_budget_of_nobody_knows_how_many_machines_is_refused(cloud: Session) -> None:
    words = ("--input", "a.csv", "--runner", "dataflow")
    with pytest.raises(UsageError) as caught:
        within_budget(spec(kind=JobKind.PREPROCESSING, args=words), "10h", cloud)
    told = "nobody knows how many machines this takes at most: Dataflow: as many machines as it takes until it ends"
    bounds = "(--workers N bounds them)"
    assert caught.value.message == f"the budget of 10 machine-hours cannot be kept: {told} {bounds}."
    assert caught.value.hint == "Say --workers N, or leave the budget out for it: --budget none."
    bounded = spec(kind=JobKind.PREPROCESSING, args=(*words, "--workers", "4"))
    assert within_budget(bounded, "10h", cloud).timeout_seconds == 9000


def test_a_batch_prediction_keeps_its_budget_with_all_machines_that_it_may_take(cloud: Session) -> None:
    assert within_budget(spec(kind=JobKind.BATCH_PREDICTION), "10h", cloud).timeout_seconds == 3600
    with pytest.raises(UsageError) as caught:
        within_budget(spec(kind=JobKind.BATCH_PREDICTION, timeout_seconds=7200.0), "10h", cloud)
    told = "batch prediction: up to 10 × n1-standard-4 for up to 2 h (timeout) = 20 machine-hours."
    assert caught.value.message == f"the budget of 10 machine-hours is less than this may take: {told}"


def test_money_needs_the_users_prices(cloud: Session) -> None:
    path = cloud.location.prices
    with pytest.raises(UsageError) as caught:
        within_budget(spec(), "20USD", cloud)
    told = f"write them into {path}, or give it in machine-hours, such as 10h."
    assert caught.value.message == f"a budget in money needs prices, and mlmagic ships none: {told}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(PRICES, "utf-8")
    assert within_budget(spec(), "20USD", cloud).timeout_seconds == 40 * 3600
    with pytest.raises(UsageError, match=r"^the budget is in EUR, and the prices of .* are in USD\.$"):
        within_budget(spec(), "20EUR", cloud)
    with pytest.raises(UsageError, match=r"^the budget of 20 USD cannot be kept: .* has no price of n1-standard-8\.$"):
        within_budget(spec(resources=TIERS["STANDARD_1"]), "20USD", cloud)


@pytest.mark.parametrize("limit", ["1h", "1USD"])
def test_machines_that_are_paid_for_anyway_take_nothing_of_a_budget(cloud: Session, limit: str) -> None:
    on_pool = spec(timeout_seconds=7200.0, vertex=VertexOptions(persistent_resource="pool-1"))
    cloud.configure("budget", limit)
    assert within_budget(on_pool, None, cloud) == within_budget(on_pool, "none", cloud) == on_pool
    with pytest.raises(UsageError) as caught:
        within_budget(on_pool, limit, cloud)
    told = "is for machines that a job pays for; those of pool-1 are paid for anyway."
    assert caught.value.message == f"--budget {limit} {told}"


def test_on_this_machine_there_is_nothing_to_bound(tmp_path: Path) -> None:
    session = Session(environ={}, start=tmp_path)
    session.configure("budget", "2h")
    assert plan_training("taxi", source=SOURCE, session=session).spec.timeout_seconds is None
    with pytest.raises(UsageError, match=r"^--budget 10h is for jobs in Google Cloud; backend 'local' has no machines"):
        plan_training("taxi", source=SOURCE, budget="10h", session=session)
    with pytest.raises(UsageError, match=r"^budget must be a string, such as '10h', not int 10"):
        plan_training("taxi", source=SOURCE, budget=10, session=session)  # type: ignore[arg-type]
