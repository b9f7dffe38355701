"""Usage stays small, loses no processor second, and is never in anybody's way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmagic.spec import codec
from mlmagic.spec.usage import Usage, UsageSample
from mlmagic.workspace.layout import JobFolder
from mlmagic.workspace.usage import POINTS_AT_THE_END, UsageLog, finish, read_usage

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def sample(second: float, replica: str = "chief-0", **values: float) -> UsageSample:
    fields = {"cores": 1.0, "memory_bytes": 100, **values}
    return UsageSample(time=START + timedelta(seconds=second), replica=replica, **fields)  # type: ignore[arg-type]


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path)


def run(job: JobFolder, seconds: range, *replicas: str) -> UsageLog:
    log = UsageLog(job)
    for second in seconds:
        log.add([sample(second, name, cores=second % 3, memory_bytes=second) for name in replicas])
    log.flush()
    return log


def test_what_was_added_is_read(job: JobFolder) -> None:
    samples = [
        sample(0, "worker-0", gpu_percent=80.0, gpu_memory_bytes=7),
        sample(1, "worker-0"),
        sample(1, "chief-0", cores=0.25),
    ]
    log = UsageLog(job)
    log.add(samples[:1])
    log.add(samples[1:])
    log.flush()
    assert read_usage(job) == Usage(samples=tuple(samples))
    assert [codec.loads(UsageSample, line) for line in job.usage.read_bytes().splitlines()] == samples
    assert job.usage.stat().st_mode & 0o777 == 0o600


def test_the_first_samples_are_there_at_once_and_later_ones_soon(job: JobFolder) -> None:
    log, seen = UsageLog(job), []
    for second in range(8):
        log.add([sample(second)])
        seen.append(len(read_usage(job).samples))
    assert seen == [1, 1, 1, 4, 4, 4, 7, 7]


def test_no_file_is_no_usage(job: JobFolder) -> None:
    UsageLog(job).add([])
    finish(job)
    assert read_usage(job) == Usage()
    assert not job.usage.exists()


def test_a_torn_line_takes_no_other_with_it(job: JobFolder) -> None:
    run(job, range(2), "chief-0")
    os.truncate(job.usage, job.usage.stat().st_size - 9)
    run(job, range(5, 7), "chief-0")
    assert [each.time.second for each in read_usage(job).samples] == [0, 5, 6]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.lists(st.binary(max_size=20) | st.sampled_from([b"{}", b'{"time":3}', b"[" * 9, b"1e999"]), max_size=6))
def test_no_content_makes_reading_or_thinning_fail(noise: list[bytes], job: JobFolder) -> None:
    line = codec.dumps(sample(1), indent=None).encode()
    job.usage.write_bytes(b"\n".join([*noise, line, *noise]))
    assert sample(1) in read_usage(job).samples
    finish(job)
    assert read_usage(job).samples == (sample(1),)


def test_numbers_that_no_sample_has_do_not_make_thinning_fail(job: JobFolder) -> None:
    line = codec.dumps(sample(1), indent=None)
    for wrong in (
        '"memoryBytes": 1e999',
        '"memoryBytes": 1, "gpuPercent": "x"',
        '"memoryBytes": 1, "gpuMemoryBytes": []',
    ):
        job.usage.write_text("\n".join([line.replace('"memoryBytes": 100', wrong)] * 5))
        finish(job)
        assert read_usage(job) == Usage()


def test_a_week_of_two_replicas_stays_small_at_every_moment(job: JobFolder) -> None:
    # Samples of 20 seconds stand for the 604,800 of a second: what is written between two rewritings is the same.
    sizes, log = [], UsageLog(job)
    for second in range(0, 7 * 86400, 20):
        log.add([sample(second, name, seconds=20.0, memory_bytes=10**9) for name in ("chief-0", "worker-0")])
        if second % 2000 == 0:
            sizes.append(job.usage.stat().st_size)
    assert max(sizes) < 300_000
    log.finish()
    counts = [len(read_usage(job).of(name)) for name in ("chief-0", "worker-0")]
    assert max(counts) <= POINTS_AT_THE_END + 2
    assert min(counts) > 300


def test_recent_seconds_stay_and_older_ones_are_put_together(job: JobFolder) -> None:
    run(job, range(4000), "chief-0")
    lengths = [each.seconds for each in read_usage(job).samples]
    assert lengths[-60:] == [1.0] * 60
    assert max(lengths[:5]) >= 16
    assert job.usage.stat().st_size < 300_000


def test_thinning_keeps_processor_seconds_and_peaks(job: JobFolder) -> None:
    log = run(job, range(5000), "chief-0", "worker-0")
    log.finish()
    usage = read_usage(job)
    assert usage.cpu_seconds == pytest.approx(2 * sum(second % 3 for second in range(5000)), rel=1e-6)
    assert usage.peak_memory_bytes("worker-0") == 4999
    assert sum(each.seconds for each in usage.of("chief-0")) == pytest.approx(5000)
    assert list(job.root.iterdir()) == [job.usage]


def test_gpus_are_averaged_over_the_samples_that_have_them(job: JobFolder) -> None:
    log = UsageLog(job)
    log.add(sample(s, **({} if s % 2 else {"gpu_percent": 50.0, "gpu_memory_bytes": s})) for s in range(3000))
    log.finish()
    samples = read_usage(job).samples
    assert {each.gpu_percent for each in samples if each.seconds > 1} == {50.0}
    assert max(each.gpu_memory_bytes or 0 for each in samples) == 2998


def test_a_short_job_keeps_all_samples_and_finishing_twice_changes_nothing(job: JobFolder) -> None:
    run(job, range(POINTS_AT_THE_END), "chief-0").finish()
    assert len(read_usage(job).samples) == POINTS_AT_THE_END
    run(job, range(1000, 9000), "chief-0").finish()
    content = job.usage.read_bytes()
    finish(job)
    assert job.usage.read_bytes() == content


def test_a_gap_is_a_gap(job: JobFolder) -> None:
    run(job, range(10), "chief-0")
    run(job, range(5000, 5010), "chief-0").finish()
    assert [each.seconds for each in read_usage(job).samples] == [1.0] * 20


def test_a_folder_that_is_gone_is_no_failure(job: JobFolder) -> None:
    log = run(JobFolder(job.root / "gone"), range(10), "chief-0")
    log.finish()
    assert not (job.root / "gone").exists()


@pytest.fixture
def little_room() -> Iterator[Callable[[int], None]]:
    """Files that may not grow beyond a size: a write is cut short there, and then refused, as on a full disk."""
    import resource
    import signal

    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_loses_samples_and_nothing_else(job: JobFolder, little_room: Callable[[int], None]) -> None:
    log = run(job, range(4), "chief-0")
    little_room(job.usage.stat().st_size + 50)
    for second in range(4, 10):
        log.add([sample(second)])
    log.finish()
    little_room(10**7)
    log.add([sample(20)])
    log.flush()
    assert [each.time.second for each in read_usage(job).samples] == [0, 1, 2, 3, 20]


def test_killed_at_any_step_it_leaves_whole_samples(
    job: JobFolder, killed_at_each_step: Callable[[Callable[[], object]], Iterator[int]]
) -> None:
    run(job, range(700), "chief-0")
    before = read_usage(job).cpu_seconds
    for _ in killed_at_each_step(lambda: finish(job)):
        assert read_usage(job).cpu_seconds == pytest.approx(before)
    assert len(read_usage(job).samples) <= POINTS_AT_THE_END + 1
