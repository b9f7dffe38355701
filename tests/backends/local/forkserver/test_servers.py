"""Which server starts a job, and what becomes of servers and jobs when one of them fails."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.fork_pool import LIGHT, WARM, Pool
from support.queued import Jobs, is_running
from support.studies import study_spec

from mlmagic.backends.local.forkserver import servers as servers_module
from mlmagic.backends.local.forkserver.process import ServerProcess
from mlmagic.backends.local.forkserver.servers import ForkServers, NotStarted, Started
from mlmagic.spec.job import JobKind, JobState, Placement
from mlmagic.workspace.runtime_folder import RuntimeFolder

PRINT_PARENT = "import os\nprint(os.getppid(), os.getpid())\n"
WAIT = "import time, os\nprint('begun', flush=True)\nwhile not os.path.exists('go on'):\n    time.sleep(0.01)\n"


@pytest.fixture
def make_pool(jobs: Jobs) -> Iterator[Callable[..., Pool]]:
    """Make pools that end with the test."""
    made = []

    def make(**options: object) -> Pool:
        folder = RuntimeFolder.make(jobs.workspace, os.environ)
        options = {"preload": LIGHT, "devices": Path("/nowhere"), **options}
        made.append(ForkServers(jobs.workspace, folder, **options))  # type: ignore[arg-type]
        return Pool(jobs, made[-1])

    yield make
    for servers in made:
        servers.close()


def started(pool: Pool, job_id: str) -> Started:
    outcome = pool.outcome(job_id)
    assert isinstance(outcome, Started), outcome
    pool.end(job_id)
    return outcome


def warm_servers(pool: Pool) -> list[ServerProcess]:
    return [server for server in pool.servers._servers() if server.is_warm]


def test_the_outcome_names_the_supervisor(pool: Pool) -> None:
    job_id = pool.start(PRINT_PARENT)
    outcome = started(pool, job_id)
    supervisor, program = map(int, pool.log(job_id).splitlines()[0].split())
    assert outcome == Started(job_id, supervisor, is_warm=True)
    assert not is_running(program)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"fresh": True}, "a fresh start was asked for"),
        ({"warm_starts": False}, "warm starts are off"),
        ({"python": "/no/python"}, "no fork server could be started: No such file or directory"),
    ],
)
def test_a_cold_start_says_why(pool: Pool, fields: dict[str, object], reason: str) -> None:
    record = pool.run("print(1)\n", **fields)
    outcome = pool.outcomes[record.id]
    assert (getattr(outcome, "is_warm", None), getattr(outcome, "reason", None)) == (False, reason)
    state = JobState.FAILED if "python" in fields else JobState.SUCCEEDED
    assert record.state is state


def test_a_study_is_started_cold_and_a_warm_server_for_its_trials(pool: Pool) -> None:
    record = pool.run("", kind=JobKind.TUNING, study=study_spec(resumes="gone-20260131-123015-0a1b"))
    assert getattr(pool.outcomes[record.id], "reason", None) == "a study needs no TensorFlow"
    assert record.state is JobState.FAILED
    pool.until(lambda: [server.is_ready for server in warm_servers(pool)] == [True])


def test_no_warm_server_is_started_for_trials_that_are_cold(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    pool.run("", kind=JobKind.TUNING, study=study_spec(resumes="gone-20260131-123015-0a1b"), warm_starts=False)
    assert warm_servers(pool) == []


def test_a_program_that_cannot_be_started_fails_the_same(pool: Pool, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    warm, cold = (pool.run("print(1)\n", working_directory=str(gone), fresh=fresh) for fresh in (False, True))
    assert getattr(pool.outcomes[warm.id], "is_warm", None) is True
    assert warm.error == cold.error
    assert warm.message == f"the program could not be started: its folder {gone} does not exist"


def test_a_server_without_its_modules_is_not_started_twice(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(preload=("no_such_module",))
    reasons = []
    for _ in range(2):
        outcome = started(pool, pool.start("print(1)\n"))
        reasons.append(outcome.reason)
    assert reasons == [f"{sys.executable} has no module no_such_module"] * 2
    assert warm_servers(pool) == []
    assert pool.servers.is_idle


def test_a_server_with_threads_is_not_forked(make_pool: Callable[..., Pool], tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    pool = make_pool(preload=("threaded",))
    outcome = started(pool, pool.start("print(1)\n", environment={"PYTHONPATH": str(tmp_path)}))
    assert (outcome.is_warm, outcome.reason) == (False, "the fork server has 2 threads")


def test_a_server_that_breaks_while_it_imports(make_pool: Callable[..., Pool], tmp_path: Path) -> None:
    (tmp_path / "breaks.py").write_text("raise RuntimeError('bad build')\n")
    (tmp_path / "exits.py").write_text("import os\nos._exit(3)\n")
    for module, reason in (
        ("breaks", f"{sys.executable} cannot import what jobs need: RuntimeError: bad build"),
        ("exits", "the fork server ended unexpectedly"),
    ):
        pool = make_pool(preload=(module,))
        outcome = started(pool, pool.start("print(1)\n", environment={"PYTHONPATH": str(tmp_path)}))
        assert (outcome.is_warm, outcome.reason) == (False, reason)


def test_jobs_wait_for_a_server_that_is_coming_up(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    ids = [pool.start("print(1)\n") for _ in range(3)]
    assert not pool.servers.is_idle
    assert [started(pool, job_id).is_warm for job_id in ids] == [True] * 3
    assert len(warm_servers(pool)) == 1


def test_a_server_that_is_too_slow_is_given_up(
    make_pool: Callable[..., Pool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(99)\n")
    monkeypatch.setattr(servers_module, "IMPORT_SECONDS", 5)
    pool = make_pool(preload=("slow",))
    outcome = started(pool, pool.start("print(1)\n", environment={"PYTHONPATH": str(tmp_path)}))
    assert outcome.reason == "the fork server took longer than 5 s to get ready"


@pytest.mark.parametrize("hits", [signal.SIGSTOP, signal.SIGKILL])
def test_a_server_that_is_stopped_or_killed(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch, hits: signal.Signals
) -> None:
    monkeypatch.setattr(servers_module, "ANSWER_SECONDS", 2)
    pool = make_pool()
    started(pool, pool.start("print(1)\n"))
    (server,) = warm_servers(pool)
    os.kill(server.pid, hits)
    outcome = started(pool, pool.start("print(1)\n"))
    assert outcome.is_warm is False
    told = "did not answer within 2 s" if hits is signal.SIGSTOP else "ended unexpectedly"
    assert outcome.reason == f"the fork server {told}"
    assert started(pool, pool.start("print(1)\n")).is_warm
    assert not is_running(server.pid)


def test_an_answer_that_was_not_read_in_time_counts(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool()
    started(pool, pool.start("print(1)\n"))
    (server,) = warm_servers(pool)
    job_id = pool.start("print(1)\n")
    select.select([server.descriptor], [], [])
    monkeypatch.setattr(servers_module, "ANSWER_SECONDS", 0)
    pool.servers.tick()
    assert warm_servers(pool) == [server]
    assert started(pool, job_id).is_warm


def test_a_server_that_is_stopped_when_it_shall_end(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool()
    started(pool, pool.start("print(1)\n"))
    (server,) = warm_servers(pool)
    os.kill(server.pid, signal.SIGSTOP)
    pool.servers._idle_seconds = 0
    pool.until(lambda: pool.servers.is_idle)
    monkeypatch.setattr(servers_module, "ANSWER_SECONDS", 0.2)
    pool.until(lambda: not is_running(server.pid))


def test_a_plain_server_that_is_killed_is_replaced(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    started(pool, pool.start("print(1)\n", fresh=True))
    (server,) = pool.servers._servers()
    os.kill(server.pid, signal.SIGKILL)
    record = pool.run("print(1)\n", fresh=True)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)


def test_what_cannot_be_started_at_all_is_told(make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    pool = make_pool()
    job_id = pool.start("print(1)\n", fresh=True)
    assert pool.outcome(job_id) == NotStarted(job_id, "the fork server ended unexpectedly")
    monkeypatch.setattr(sys, "executable", "/no/python")
    job_id = pool.start("print(1)\n", fresh=True)
    assert pool.outcome(job_id) == NotStarted(job_id, "no process could be started: No such file or directory")
    assert pool.servers.is_idle


def test_jobs_outlive_their_servers(make_pool: Callable[..., Pool], tmp_path: Path) -> None:
    pool = make_pool()
    ids = [pool.start(WAIT, fresh=fresh, working_directory=str(tmp_path)) for fresh in (False, True)]
    pids = [pool.outcome(job_id) for job_id in ids]
    pool.servers.close()
    (tmp_path / "go on").touch()
    assert len(pids) == 2
    assert [pool.end(job_id).state for job_id in ids] == [JobState.SUCCEEDED] * 2


def test_a_server_ends_with_its_agent(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    started(pool, pool.start("print(1)\n"))
    (server,) = warm_servers(pool)
    server.end()
    assert server._process.wait(30) == 0
    pool.servers._warm.clear()


def test_a_server_is_replaced_when_something_is_installed(make_pool: Callable[..., Pool], tmp_path: Path) -> None:
    pool, environment = make_pool(), {"PYTHONPATH": str(tmp_path)}
    started(pool, pool.start("print(1)\n", environment=environment))
    (before,) = warm_servers(pool)
    (tmp_path / "installed.py").touch()
    assert started(pool, pool.start("print(1)\n", environment=environment)).is_warm
    (after,) = warm_servers(pool)
    assert after.pid != before.pid


def test_variables_that_decide_imports_have_servers_of_their_own(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    source = "import os\nprint(os.environ.get('TF_X'), os.environ.get('OTHER'))\n"
    said = []
    for environment in ({"TF_X": "1"}, {"TF_X": "2"}, {"TF_X": "2", "OTHER": "3"}, {"TF_X": "4"}):
        job_id = pool.start(source, environment=environment)
        assert started(pool, job_id).is_warm
        said.append((pool.log(job_id).splitlines()[0], len(warm_servers(pool))))
    # The third server took the place of the first one, which was used least recently.
    assert said == [("1 None", 1), ("2 None", 2), ("2 3", 2), ("4 None", 2)]


def test_busy_servers_make_no_room(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    ids = [pool.start("print(1)\n", environment={"TF_X": str(number)}) for number in range(3)]
    outcomes = [started(pool, job_id) for job_id in ids]
    assert [outcome.is_warm for outcome in outcomes] == [True, True, False]
    assert outcomes[2].reason == "2 other fork servers are in use"


def test_idle_servers_end(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(idle_seconds=0.2)
    pool.servers.prewarm(sys.executable, {})
    (server,) = warm_servers(pool)
    assert not pool.servers.is_idle
    pool.until(lambda: pool.servers.is_idle)
    pool.until(lambda: not is_running(server.pid))


def test_servers_that_nobody_waits_for_are_ended_when_told(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    pool.servers.prewarm(sys.executable, {})
    (server,) = warm_servers(pool)
    pool.servers.cool()
    assert (warm_servers(pool), pool.servers.is_idle) == ([], True)
    pool.until(lambda: not is_running(server.pid))


def test_memory_decides(make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch) -> None:
    pool = make_pool()
    started(pool, pool.start("print(1)\n"))
    monkeypatch.setattr(servers_module, "available_memory", lambda: 900 << 20)
    pool.servers.tick()
    assert warm_servers(pool) == []
    outcome = started(pool, pool.start("print(1)\n"))
    assert outcome.reason == "900 MiB of memory are available, and a fork server is started with 2048 or more"


def test_a_job_that_is_asked_for_twice_runs_once(pool: Pool) -> None:
    job_id = pool.start("import os\nwith open('runs', 'a') as f:\n    f.write('x')\nprint(os.getcwd())\n")
    pool.outcome(job_id)
    for _ in range(2):
        del pool.outcomes[job_id]
        pool.start_again(job_id)
        pool.outcome(job_id)
    pool.until(lambda: pool.jobs.store.get(job_id).state.is_final)
    record = pool.end(job_id)
    assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)
    runs = pool.jobs.workspace.root / "runs"
    assert runs.read_text() == "x"
    runs.unlink()


def test_each_replica_is_a_copy(pool: Pool) -> None:
    source = "import os, json\nprint(json.loads(os.environ['TF_CONFIG'])['task']['type'], os.getppid())\n"
    job_id = pool.start(source, placement=Placement(replicas={"chief": 1, "worker": 1}))
    outcome = started(pool, job_id)
    folder = pool.jobs.workspace.job(job_id)
    assert f"chief {outcome.pid}" in folder.log().read_text()
    assert folder.log("worker", 0).read_text().startswith(f"worker {outcome.pid}\n")


def test_a_replica_that_is_started_again_is_a_copy_too(pool: Pool, tmp_path: Path) -> None:
    source = (
        "import json, os, sys, time\n"
        "role = json.loads(os.environ['TF_CONFIG'])['task']['type']\n"
        "if role == 'evaluator' and not os.path.exists('second'):\n"
        "    open('second', 'w').close()\n"
        "    sys.exit(3)\n"
        "if role == 'evaluator':\n"
        "    print('again', sys.orig_argv[-1], open('/proc/self/comm').read(), os.listdir('/proc/self/fd'))\n"
        "    open('third', 'w').close()\n"
        "while role == 'chief' and not os.path.exists('third'):\n"
        "    time.sleep(0.01)\n"
    )
    placement = Placement(replicas={"chief": 1, "evaluator": 1})
    both = []
    for fresh in (False, True):
        folder = tmp_path / str(fresh)
        folder.mkdir()
        record = pool.run(source, placement=placement, max_retries=1, working_directory=str(folder), fresh=fresh)
        both.append((record.state, pool.jobs.workspace.job(record.id).log("evaluator", 0).read_text()))
    assert both[0] == both[1]
    assert both[0][0] is JobState.SUCCEEDED


def test_modules_of_a_package_come_before_imported_ones(pool: Pool) -> None:
    folder = pool.jobs.make(package=WARM, source="import json\nprint(json.OWN)\n")
    (folder.package / "json.py").write_text("OWN = 'of the package'\n")
    pool.start_again(folder.id)
    assert started(pool, folder.id).is_warm
    assert pool.log(folder.id).startswith("of the package\n")


def test_a_lost_environment_is_said(pool: Pool) -> None:
    job_id = pool.jobs.make(package=WARM, source="import os\nprint('MLMAGIC_TEST_RUN' in os.environ)\n").id
    pool.servers.start(pool.jobs.store.get(job_id), None, None)
    started(pool, job_id)
    assert pool.log(job_id).splitlines()[:2] == [
        "mlmagic: its environment variables are gone, as after a restart of the machine: it gets mlmagic's own",
        "True",
    ]


def test_a_cold_start_compiles_what_was_installed_without(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "__init__.py").write_text("from installed import module\n")
    (tmp_path / "installed" / "module.py").touch()
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    job_id = pool.start("import installed\n", fresh=True, environment=environment)
    started(pool, job_id)
    assert sorted(path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")) == ["__init__", "module"]
