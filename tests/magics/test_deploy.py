from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.deployed import end_endpoints
from support.kept_endpoints import MODEL, KeptEndpoint, register, until

from mlmagic.errors import BackendError, NotFoundError, UsageError
from mlmagic.session import current_session
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec, EndpointState
from mlmagic.workspace.database import Database
from mlmagic.workspace.endpoints import EndpointStore


@pytest.fixture
def sums(run):
    """A model with two versions; whatever is deployed ends with the test."""
    for number in (1, 2):
        register(current_session().workspace, number)
    yield
    end_endpoints(current_session())


def test_a_model_from_deployment_to_deletion(run, sums, capsys):
    first = run("%deploy sums --endpoint adder")
    assert (first.state, first.traffic) == (EndpointState.READY, {1: 100})
    assert run("%deploy sums@2 --endpoint adder --traffic 10").traffic == {1: 90, 2: 10}
    assert run("%endpoints traffic adder sums@1=0 sums@2=100%").traffic == {1: 0, 2: 100}
    assert run("%endpoints undeploy adder sums@1").traffic == {2: 100}
    assert run("%endpoints stop adder").state is EndpointState.DOWN
    assert run("%endpoints start adder").state is EndpointState.READY
    run("%endpoints")
    assert run("%endpoints delete adder") is None
    shown = capsys.readouterr().out
    for line in (
        "adder follows sums@default: %models set-default sums@N moves it.",
        "adder no longer follows sums@default: it serves what it is told.",
        "✓ adder: Serves sums@1 90 %, sums@2 10 % with 1 worker.",
        "sums@2   ██████████ 100 %  onnx",
        "Nothing runs.",
        "Next: %endpoints describe adder",
        "Deleted the endpoint adder.",
    ):
        assert line in shown


def test_the_default_moves_what_follows_it_and_tells_how_far_it_is(run, sums, capsys):
    run("%deploy sums --endpoint adder")
    capsys.readouterr()
    assert run("%models set-default sums@2").default.number == 2
    shown = capsys.readouterr().out
    assert "✓ adder: Serves sums@2 with 1 worker.\nadder serves sums@2 now." in shown


def test_the_token_is_shown_on_request_alone(run, sums, capsys):
    run("%deploy sums")
    token = current_session().endpoints.address("sums").token
    run("%endpoints describe sums")
    assert token not in capsys.readouterr().out
    assert run("%endpoints token sums") == token
    assert token in capsys.readouterr().out


def test_an_open_endpoint_is_said_to_be_open(run, sums, capsys):
    assert not run("%deploy sums --no-auth --no-wait").spec.needs_token
    assert "It asks for no token (--no-auth): every user of this machine can ask it." in capsys.readouterr().out


def test_a_dry_run(run, sums, capsys):
    run("%deploy sums@2 --dry-run --max-replicas 4 --port 23456 --max-body 8MB --engine session")
    shown = capsys.readouterr().out
    assert "Dry run: nothing was deployed." in shown
    assert "sums@2   —    100 %  session" in shown
    assert "127.0.0.1, port 23456" in shown
    assert len(run("%endpoints")) == 0


def test_a_dry_run_in_the_cloud_says_what_it_would_take(run, sums, capsys):
    run("%deploy sums@2 --dry-run --backend google --max-replicas 4 --image registry.example/own:1")
    told = "endpoint sums: 1 to 4 × n1-standard-2 = 1 to 4 machine-hours per hour until it is undeployed"
    assert f"It would take: {told}.\n" in capsys.readouterr().out
    run("%deploy sums@2 --dry-run --backend emulator --image registry.example/own:1")
    assert "It would take" not in capsys.readouterr().out


def test_all_bad_flags_at_once(run, sums):
    with pytest.raises(UsageError) as caught:
        run("%deploy sums --traffic 101 --min-replicas 5 --max-replicas 2 --idle soon")
    assert str(caught.value).split("\n") == [
        "deploy cannot take these arguments:",
        "  - min_replicas 5 is more than max_replicas 2.",
        "  - traffic 101 must be 100 or less.",
        "  - idle 'soon' is no duration: give seconds, or a number with s, m, h or d, such as 15m.",
    ]


def test_shares_that_cannot_be_read(run, sums):
    run("%deploy sums --no-wait")
    with pytest.raises(UsageError) as caught:
        run("%endpoints traffic sums sums@1 sums@1=50 sums@1=50 sums@2=half")
    assert str(caught.value).split("\n") == [
        "%endpoints traffic cannot read these shares:",
        "  - 'sums@1' has not the form VERSION=PERCENT",
        "  - sums@1 is given two shares",
        "  - 'sums@2=half' has not the form VERSION=PERCENT",
        "For example: taxi@1=90 taxi@2=10",
    ]


def test_a_failure_is_an_error_with_the_log(run, sums, capsys):
    broken = register(current_session().workspace, 0, is_broken=True)
    with pytest.raises(BackendError, match="the endpoint 'sums' has failed: ") as caught:
        run(f"%deploy {broken}")
    assert caught.value.hint == "Its log: %endpoints logs sums"
    assert run("%endpoints logs sums --tail 1").count("\n") <= 1


def test_processes_that_said_nothing(run, sums, capsys):
    now = datetime.now(UTC)
    spec = EndpointSpec(
        name="quiet", model=MODEL, deployed=(DeployedVersion(number=1),), port=20001, create_time=now, update_time=now
    )
    EndpointStore(Database(current_session().workspace)).create(spec)
    assert run("%endpoints logs quiet") is None
    assert "The processes of quiet have said nothing." in capsys.readouterr().out


def test_the_default_moves_the_endpoint(run, sums, capsys):
    run("%deploy sums")
    run("%models set-default sums@2")
    assert current_session().endpoints.get("sums").spec.deployed[0].number == 2
    assert "sums serves sums@2 now." in capsys.readouterr().out


def test_without_endpoints(run, capsys):
    run("%endpoints")
    assert "No endpoints yet. A model is served with %deploy MODEL." in capsys.readouterr().out
    with pytest.raises(NotFoundError, match="there is no endpoint 'sums'"):
        run("%endpoints describe sums")


def test_status_tells_of_endpoints(run, sums, capsys):
    run("%deploy sums")
    capsys.readouterr()
    run("%mlmagic")
    assert "Endpoints    sums READY" in capsys.readouterr().out


def test_help(run, capsys):
    run("%deploy --help")
    run("%endpoints --help")
    shown = capsys.readouterr().out
    assert "--no-auth" in shown
    assert "%endpoints traffic" in shown


def test_a_page_in_a_notebook_keeps_up_with_its_endpoint(kernel):
    made = "from support.kept_endpoints import register; from mlmagic.session import current_session"
    kernel.run("import sys; sys.path.insert(0, '" + __file__.rpartition("/magics/")[0] + "')")
    assert kernel.run(f"{made}; register(current_session().workspace, 1)").status == "ok"
    shown = kernel.run("%deploy sums --no-wait")
    try:
        (page,) = shown.of("display_data")
        while "✓ READY" not in page["data"]["text/html"]:
            page = kernel.next_message("update_display_data")
        assert "application/vnd.mlmagic.endpoint+json" in page["data"]
        waited = kernel.run("%deploy sums")
        assert "✓ READY" in waited.text
    finally:
        assert kernel.run("%endpoints delete sums").status == "ok"


def test_a_roll_out_and_the_way_back(run, sums, capsys):
    run("%deploy sums@1 --endpoint adder")
    assert run("%deploy sums@2 --endpoint adder --canary 5,25,100 --hold 10m").traffic == {1: 95, 2: 5}
    until(lambda: run("%endpoints describe adder").rollout)
    run("%endpoints describe adder")
    assert run("%endpoints rollback adder").traffic == {1: 100}
    shown = capsys.readouterr().out
    for line in (
        "sums@2 gets 5 %, then 25 %, then 100 %, each for 10 min 00 s at least, while it does no worse than others.",
        "Roll-out of sums@2: step 1 of 3 (5 %), ",
        "%endpoints rollback adder",
    ):
        assert line in shown


def test_a_shadow_is_told_of_until_it_is_promoted(run, sums, capsys):
    run("%deploy sums@1 --endpoint adder")
    assert run("%deploy sums@2 --endpoint adder --shadow").traffic == {1: 100}
    for _ in range(3):
        KeptEndpoint(current_session().workspace).ask()
    until(lambda: run("%endpoints describe adder").shadow.counts.compared == 3)
    run("%endpoints describe adder")
    run("%endpoints")
    assert run("%deploy sums@2 --endpoint adder").shadow is None
    shown = capsys.readouterr().out
    for line in (
        "sums@2 gets a copy of all requests; its answers are compared, and never returned.",
        "3 requests compared.",
        "y: 1 (50 %) apart on average",
        "sums@1; shadow sums@2",
        "%deploy sums@2 --endpoint adder --shadow off",
        "sums@2 is no longer its shadow.",
    ):
        assert line in shown


def test_a_shadow_that_cannot_be_loaded_is_an_error_and_the_endpoint_goes_on(run, sums):
    run("%deploy sums@1 --endpoint adder")
    register(current_session().workspace, 3, is_broken=True)
    with pytest.raises(BackendError, match=r"sums@3 cannot be a shadow of 'adder': .+"):
        run("%deploy sums@3 --endpoint adder --shadow")
    assert run("%endpoints undeploy adder sums@3").spec.shadow is None
    assert run("%endpoints describe adder").state is EndpointState.READY
