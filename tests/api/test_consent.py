"""Before anything costs money the user says yes, once for a notebook; where nobody can be asked, by `yes=True`."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.kept_endpoints import register

from mlmagic.api.consent import agree_to_endpoint, agree_to_job, agree_to_move, job_cost_line
from mlmagic.api.models import model
from mlmagic.api.training import plan_training, train
from mlmagic.errors import ConsentError
from mlmagic.session import Session
from mlmagic.spec.endpoint import DeployedVersion, EndpointGoal, EndpointSpec, Scaling
from mlmagic.spec.job import JobSpec, PackageReference
from mlmagic.spec.study import Goal, Promotion, StudySpec
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore

YES, NO = True, False
LINE = "BASIC: 1 × n1-standard-4 for up to 2 h (timeout) = 2 machine-hours"
COSTLY = JobSpec(display_name="taxi", backend="google", package=PackageReference(digest="0"), timeout_seconds=7200)
NOW = datetime(2026, 1, 31, tzinfo=UTC)
PRICES = 'currency = "EUR"\nsource = "our sheet"\ndate = 2026-11-01\n[machines]\nn1-standard-4 = 0.5\n'


class Desk(Session):
    """A session that notes what was said, and whose user gives these answers."""

    def __init__(self, start: Path, *answers: bool | None) -> None:
        super().__init__(environ={"MLMAGIC_BACKEND": "google"}, start=start)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.tell = self.said.append
        self._answers = list(answers)
        self.ask = self._answer if answers else None

    def _answer(self, question: str) -> bool | None:
        self.asked.append(question)
        return self._answers.pop(0)


def test_a_user_is_asked_once_for_a_notebook(tmp_path: Path) -> None:
    desk = Desk(tmp_path, YES)
    agree_to_job(COSTLY, desk)
    agree_to_job(COSTLY, desk)
    assert desk.asked == [f"{LINE}; --yes starts it unasked. Go on?"]
    assert desk.said == [LINE]


def test_a_yes_on_the_line_is_one_for_the_notebook(tmp_path: Path) -> None:
    desk = Desk(tmp_path, NO)
    agree_to_job(COSTLY, desk, yes=True)
    agree_to_job(COSTLY, desk)
    assert (desk.asked, desk.said) == ([], [LINE, LINE])


def test_who_says_no_is_asked_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, NO, YES)
    with pytest.raises(ConsentError, match=r"^nothing was started: you did not agree to what it costs\.$"):
        agree_to_job(COSTLY, desk)
    agree_to_job(COSTLY, desk)
    assert len(desk.asked) == 2


@pytest.mark.parametrize("answers", [(), (None,)], ids=["script", "headless notebook"])
def test_without_anybody_to_ask_it_is_one_clear_error(tmp_path: Path, answers: tuple[None, ...]) -> None:
    with pytest.raises(ConsentError) as caught:
        agree_to_job(COSTLY, Desk(tmp_path, *answers))
    assert caught.value.message == f"this costs money, and nobody can be asked here: {LINE}."
    assert caught.value.hint == "To agree, add --yes to the line, or yes=True to the call; a notebook needs that once."
    assert caught.value.line == LINE


def test_a_script_says_it_each_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    agree_to_job(COSTLY, desk, yes=True)
    with pytest.raises(ConsentError):
        agree_to_job(COSTLY, desk)
    assert desk.said == [LINE]


def test_amounts_stand_beside_it_where_the_user_has_prices(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.workspace.prices.write_text(PRICES, "utf-8")
    agree_to_job(COSTLY, desk, yes=True)
    assert desk.said == [f"{LINE}, up to 1.00 EUR by prices.toml (our sheet, 2026-11-01)"]


def test_endpoints_are_told_by_the_hour(tmp_path: Path) -> None:
    desk = Desk(tmp_path, YES)
    versions = (DeployedVersion(number=1, traffic=0), DeployedVersion(number=2))
    spec = EndpointSpec(
        name="taxi",
        backend="google",
        model="taxi",
        deployed=versions,
        scaling=Scaling(min_replicas=0, max_replicas=3),
        port=0,
        create_time=NOW,
        update_time=NOW,
    )
    agree_to_endpoint(spec, desk)
    agree_to_endpoint(dataclasses.replace(spec, backend="emulator"), desk)
    told = "endpoint taxi: 2 to 6 × n1-standard-2 = 2 to 6 machine-hours per hour until it is undeployed"
    assert (desk.asked, desk.said) == ([f"{told}; --yes deploys it unasked. Go on?"], [])


def test_nothing_is_started_without_a_yes(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    settings = {"google_project": "my-project", "google_region": "us-central1", "google_bucket": "gs://b-1"}
    desk.use("google", google=settings)
    with pytest.raises(ConsentError):
        train("taxi", source="print(1)", timeout="2h", session=desk)
    assert desk.jobs.list() == []
    assert plan_training("taxi", source="print(1)", timeout="2h", session=desk).cost == LINE


@pytest.mark.parametrize("backend", ["local", "emulator", "memory"])
def test_this_machine_and_the_emulator_cost_nothing(tmp_path: Path, backend: str) -> None:
    desk = Desk(tmp_path)
    spec = dataclasses.replace(COSTLY, backend=backend)
    agree_to_job(spec, desk)
    assert job_cost_line(spec, desk) is None
    assert (desk.said, desk.has_agreed) == ([], False)


@pytest.fixture
def following(tmp_path: Path) -> Desk:
    """A desk where nobody sits: of two versions of `sums`, Vertex AI serves the first and follows the default."""
    desk = Desk(tmp_path)
    for number in (1, 2):
        register(desk.workspace, number)
    spec = EndpointSpec(
        name="adder",
        backend="google",
        model="sums",
        deployed=(DeployedVersion(number=1),),
        follows="default",
        port=0,
        create_time=NOW,
        update_time=NOW,
    )
    EndpointStore(Database(desk.workspace)).create(spec)
    return desk


def test_a_default_that_moves_a_costly_endpoint_needs_a_yes(following: Desk) -> None:
    with pytest.raises(ConsentError) as caught:
        model("sums", session=following).set_default(2)
    told = "2 × n1-standard-2 = 2 machine-hours per hour while sums@2 takes the place of sums@1, then half of that"
    assert caught.value.line == f"endpoint adder: {told}"
    assert following.models.get("sums").aliases == {"default": 1}


@pytest.mark.parametrize("backend", ["local", "google"])
def test_a_job_that_moves_it_is_agreed_to_when_it_is_submitted(following: Desk, backend: str) -> None:
    spec = dataclasses.replace(COSTLY, backend=backend, model="sums")
    promotion = Promotion(model="sums", set_default=True)
    followed = StudySpec(metric="loss", goal=Goal.MINIMIZE, parameters=(), promotion=promotion)
    for moving in (dataclasses.replace(spec, set_default=True), dataclasses.replace(spec, study=followed)):
        with pytest.raises(ConsentError, match="endpoint adder: 2 × n1-standard-2"):
            agree_to_job(moving, following)
        agree_to_job(moving, following, yes=True)
    assert all("while the new version takes the place of sums@1" in line for line in following.said)


def test_a_job_here_that_moves_no_costly_endpoint_needs_none(following: Desk) -> None:
    spec = dataclasses.replace(COSTLY, backend="local", model="sums")
    agree_to_job(spec, following)
    agree_to_job(dataclasses.replace(spec, model="taxi", set_default=True), following)
    assert following.said == []


def test_an_alias_that_moves_no_costly_endpoint_needs_none(following: Desk) -> None:
    agree_to_move(following, "sums", "default", 1)
    agree_to_move(following, "sums", "champion", 2)
    EndpointStore(Database(following.workspace)).change(
        "adder", lambda spec: dataclasses.replace(spec, goal=EndpointGoal.STOP)
    )
    agree_to_move(following, "sums", "default", 2)
    assert following.said == []


def test_a_yes_moves_it_and_tells_what_it_takes(following: Desk) -> None:
    agree_to_move(following, "sums", "default", None, yes=True)
    (line,) = following.said
    assert "while the new version takes the place of sums@1" in line
