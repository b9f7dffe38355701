"""What replicas take is counted to them, once, and to nobody else."""

from __future__ import annotations

import gc
import os
import signal
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from support.puppets import Job, Puppet

from mlmagic.backends.local.sampling.process_table import PsutilTable
from mlmagic.backends.local.sampling.sampler import Sampler
from mlmagic.workspace.layout import Workspace

MEBIBYTE = 1 << 20


@pytest.fixture(params=["proc", "psutil"])
def either(request: pytest.FixtureRequest, workspace: Workspace) -> Sampler:
    """A sampler with /proc, and one without."""
    return Sampler(workspace, table=PsutilTable() if request.param == "psutil" else None)


def sample(sampler: Sampler, *jobs: Job, times: int = 1) -> None:
    for _ in range(times):
        sampler.sample({job.folder.id: job.supervisor.pid for job in jobs})


def cpu(job: Job, replica: str) -> float:
    return sum(each.cores * each.seconds for each in job.usage.of(replica))


def test_each_replica_has_what_it_took(either: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    chief, worker = taxi.replica(), taxi.replica("worker", 1)
    sample(either, taxi)
    worker.do("burn(0.3)")
    sample(either, taxi)
    chief.do("burn(0.1)")
    sample(either, taxi)
    either.close()
    assert taxi.usage.replicas == ("chief-0", "worker-1")
    assert cpu(taxi, "worker-1") == pytest.approx(0.3, abs=0.06)
    assert cpu(taxi, "chief-0") == pytest.approx(0.1, abs=0.06)


def test_what_was_taken_before_the_first_sample_counts(either: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    taxi.replica().do("burn(0.3)")
    sample(either, taxi)
    (first,) = taxi.usage.samples
    assert first.cores * first.seconds == pytest.approx(0.3, abs=0.06)
    assert first.seconds >= 0.28


def test_a_child_counts_once_though_its_parent_inherits_its_time(sampler: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    chief = taxi.replica()
    child = chief.fork()
    child.do("burn(0.2)")
    sample(sampler, taxi)
    child.do("burn(0.1)")
    chief.do(f"end({child.pid})")
    sample(sampler, taxi, times=2)
    sampler.close()
    assert cpu(taxi, "chief-0") == pytest.approx(0.3, abs=0.07)


def test_a_child_that_no_sample_has_seen_counts(sampler: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    chief = taxi.replica()
    sample(sampler, taxi)
    chief.do("end(next(pid for pid in [fork()] if tell(pid, 'burn(0.3)')))")
    sample(sampler, taxi)
    sampler.close()
    assert cpu(taxi, "chief-0") == pytest.approx(0.3, abs=0.07)


def test_whole_families_that_end_count_once(sampler: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    chief = taxi.replica()
    child = chief.fork()
    grandchild = child.fork()
    grandchild.do("burn(0.2)")
    sample(sampler, taxi)
    child.do(f"end({grandchild.pid})")
    chief.do(f"end({child.pid})")
    sample(sampler, taxi)
    sampler.close()
    assert cpu(taxi, "chief-0") == pytest.approx(0.2, abs=0.06)


def test_the_last_moments_of_a_replica_count(sampler: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    chief = taxi.replica()
    sample(sampler, taxi)
    chief.do("burn(0.3)")
    taxi.supervisor.do(f"end({chief.pid})")
    sample(sampler, taxi, times=2)
    sampler.close()
    assert cpu(taxi, "chief-0") == pytest.approx(0.3, abs=0.07)


def test_the_supervisor_and_its_helpers_are_nobodys(sampler: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    taxi.replica()
    helper = taxi.supervisor.fork("group=True")
    sample(sampler, taxi)
    helper.do("burn(0.2)")
    taxi.supervisor.do("burn(0.2)")
    sample(sampler, taxi)
    sampler.close()
    assert sum(cpu(taxi, name) for name in taxi.usage.replicas) < 0.08


def test_others_are_not_counted(sampler: Sampler, job: Callable[..., Job], puppet: Callable[[], Puppet]) -> None:
    taxi, other = job(), puppet()
    taxi.replica()
    sample(sampler, taxi)
    other.do("burn(0.2)")
    other.fork("session=True").do("burn(0.2)")
    sample(sampler, taxi)
    sampler.close()
    assert cpu(taxi, "chief-0") < 0.06


def test_what_left_the_session_and_lost_its_parent_still_counts(
    sampler: Sampler, job: Callable[..., Job], tmp_path: Path
) -> None:
    taxi, done = job(), tmp_path / "done"
    worker = taxi.replica("worker")
    child = worker.fork()
    daemon = child.fork("session=True")
    sample(sampler, taxi)
    line = f"[burn(0.3), open({os.fspath(done)!r}, 'w').close(), time.sleep(60)]"
    child.do(f"pipes[{daemon.pid}][0].write({line!r} + chr(10))")
    worker.do(f"[os.kill({child.pid}, signal.SIGKILL), os.waitpid({child.pid}, 0)]")
    while not done.exists():
        time.sleep(0.01)
    sample(sampler, taxi)
    os.kill(daemon.pid, signal.SIGKILL)
    sampler.close()
    assert cpu(taxi, "worker-0") == pytest.approx(0.3, abs=0.07)


def test_a_name_full_of_parentheses_does_not_matter(sampler: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    chief = taxi.replica()
    chief.do("open('/proc/self/comm', 'w').write(') R 1 1 ( a')")
    chief.do("burn(0.2)")
    sample(sampler, taxi)
    assert cpu(taxi, "chief-0") == pytest.approx(0.2, abs=0.06)


def test_what_is_shared_with_the_fork_server_is_nobodys(
    either: Sampler, job: Callable[..., Job], puppet: Callable[[], Puppet]
) -> None:
    server = puppet()
    server.do("touch(200)")
    jobs = [job(server) for _ in range(3)]
    chiefs = [each.replica() for each in jobs]
    sample(either, *jobs, times=5)
    chiefs[0].do("touch(50)")
    sample(either, *jobs, times=5)
    either.close()
    peaks = [each.usage.peak_memory_bytes("chief-0") / MEBIBYTE for each in jobs]
    assert 45 < peaks[0] < 75
    assert max(peaks[1:]) < 25


def test_writing_to_shared_memory_makes_it_ones_own(
    sampler: Sampler, job: Callable[..., Job], puppet: Callable[[], Puppet]
) -> None:
    server = puppet()
    server.do("touch(100)")
    taxi = job(server)
    chief = taxi.replica()
    sample(sampler, taxi, times=2)
    chief.do("held[0].__setitem__(slice(0, None, 4096), b'x' * len(held[0][::4096]))")
    sample(sampler, taxi, times=20)
    sampler.close()
    assert 95 < taxi.usage.samples[-1].memory_bytes / MEBIBYTE < 130
    assert taxi.usage.samples[0].memory_bytes / MEBIBYTE < 25


def test_what_the_processes_of_a_replica_share_counts_once(
    sampler: Sampler, job: Callable[..., Job], puppet: Callable[[], Puppet]
) -> None:
    server = puppet()
    server.do("touch(100)")
    taxi = job(server)
    chief = taxi.replica()
    chief.do("touch(80)")
    workers = [chief.fork() for _ in range(3)]
    sample(sampler, taxi, times=40)
    sampler.close()
    assert len(workers) == 3
    assert 75 < taxi.usage.samples[-1].memory_bytes / MEBIBYTE < 125


def test_a_sampler_that_takes_over_leaves_a_gap(workspace: Workspace, job: Callable[..., Job]) -> None:
    taxi, first = job(), Sampler(workspace)
    chief = taxi.replica()
    sample(first, taxi)
    chief.do("burn(0.3)")
    second = Sampler(workspace)
    sample(second, taxi)
    assert len(taxi.usage.samples) == 1
    chief.do("burn(0.1)")
    sample(second, taxi)
    second.close()
    assert cpu(taxi, "chief-0") == pytest.approx(0.1, abs=0.06)


def test_a_new_supervisor_is_a_new_attempt(
    sampler: Sampler, job: Callable[..., Job], puppet: Callable[[], Puppet]
) -> None:
    taxi = job()
    taxi.replica().do("burn(0.1)")
    sample(sampler, taxi)
    again = Job(taxi.folder, puppet().fork("session=True"))
    again.replica().do("burn(0.2)")
    sample(sampler, again)
    sampler.sample({})
    assert cpu(taxi, "chief-0") == pytest.approx(0.3, abs=0.08)


def test_a_job_that_ended_is_written_to_the_end(sampler: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    chief = taxi.replica()
    sample(sampler, taxi)
    for _ in range(4):
        chief.do("burn(0.02)")
        sample(sampler, taxi)
    sampler.sample({})
    times = [each.time for each in taxi.usage.samples]
    assert len(times) == 5
    assert times[-1] - times[0] < timedelta(minutes=1)


def test_a_replica_that_is_written_down_late_counts_from_its_beginning(
    sampler: Sampler, job: Callable[..., Job]
) -> None:
    taxi = job()
    chief = taxi.replica()
    known = taxi.folder.replicas.rename(taxi.folder.root / "later")
    chief.do("burn(0.2)")
    sample(sampler, taxi)
    known.rename(taxi.folder.replicas)
    sample(sampler, taxi)
    (first,) = taxi.usage.samples
    assert first.cores * first.seconds == pytest.approx(0.2, abs=0.06)
    assert first.cores <= 1.1


def test_before_its_replicas_are_known_a_job_has_no_samples(sampler: Sampler, job: Callable[..., Job]) -> None:
    taxi = job()
    taxi.folder.replicas.write_text("{")
    sample(sampler, taxi)
    sampler.sample({taxi.folder.id: 2**22 + 1})
    sampler.close()
    assert not taxi.folder.usage.exists()


def test_thousands_of_jobs_that_came_and_went_leave_nothing(sampler: Sampler) -> None:
    def pass_by(first: int) -> int:
        for each in range(first, first + 1000, 50):
            sampler.sample({f"taxi-20260131-120000-{number:04x}": 2**22 + number for number in range(each, each + 50)})
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = pass_by(0)
        assert pass_by(1000) - before < 50_000
    finally:
        tracemalloc.stop()
