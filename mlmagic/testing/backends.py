"""The exam of a backend, taken by subclassing with one fixture: a backend without jobs.

    class TestMyBackend(BackendConformance):
        @pytest.fixture
        def backend(self, tmp_path):
            return MyBackend(...)

`BackendConformance` is for every backend, and has `ListingConformance`, `KeepingConformance` and `TrialConformance` in
it; `ProgramConformance` is for those that run programs as processes, under the runtime contract, and
`ResultConformance` for those that also keep in a workspace what programs leave: metrics and versions (its fixtures are
told in `mlmagic.testing.results`). The programs need Python alone. The exam of endpoints is in
`mlmagic.testing.endpoints`.
"""

# ruff: noqa: D102, S101 - these are tests: their names say what they are about, and they assert

from __future__ import annotations

import itertools
import json
import threading
from typing import Any

import pytest

from mlmagic.backends.base import EDGES, Backend
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.spec.job import JobRecord, JobSpec, JobState, JobSummary
from mlmagic.spec.job import PackageReference as Reference
from mlmagic.testing.driving import (
    COLD,
    FOREVER,
    PATIENCE_SECONDS,
    make_package,
    read_log,
    run,
    submit,
    wait_for,
    wait_for_text,
)
from mlmagic.testing.keeping import KeepingConformance
from mlmagic.testing.listing import ListingConformance
from mlmagic.testing.results import ResultConformance
from mlmagic.testing.trials import TrialConformance

__all__ = [
    "COLD",
    "FOREVER",
    "PATIENCE_SECONDS",
    "BackendConformance",
    "KeepingConformance",
    "ListingConformance",
    "ProgramConformance",
    "ResultConformance",
    "TrialConformance",
    "make_package",
    "read_log",
    "run",
    "submit",
    "wait_for",
    "wait_for_text",
]


class BackendConformance(ListingConformance, KeepingConformance, TrialConformance):
    """What the docstring of `Backend` says, as tests."""

    def test_submit_returns_a_queued_record_at_once(self, backend: Backend) -> None:
        record = submit(backend, FOREVER, labels={"owner": "ada"})
        assert record.state is JobState.QUEUED
        assert (record.spec.backend, record.spec.labels) == (backend.name, {"owner": "ada"})
        assert record.start_time is None
        backend.cancel(record.id)
        wait_for(backend, record.id)

    def test_a_program_that_ends_well_succeeded(self, backend: Backend) -> None:
        record = run(backend, "print('hello')\n")
        assert (record.state, record.exit_code, record.error) == (JobState.SUCCEEDED, 0, None)
        assert record.start_time is not None
        assert record.end_time is not None
        assert record.create_time <= record.start_time <= record.end_time

    def test_states_move_only_along_the_edges(self, backend: Backend) -> None:
        job_id = submit(backend, "import time\nfor i in range(10):\n    time.sleep(0.02)\n").id
        seen = [backend.get(job_id).state]
        while not seen[-1].is_final:
            seen.append(backend.get(job_id).state)
        steps = {(before, after) for before, after in itertools.pairwise(seen) if before is not after}
        assert all(after in EDGES[before] for before, after in steps), seen
        assert backend.get(job_id) == backend.get(job_id)

    def test_an_exception_fails_the_job(self, backend: Backend) -> None:
        record = run(backend, "print('before')\nraise ValueError('no such column: fare')\n")
        assert (record.state, record.exit_code) == (JobState.FAILED, 1)
        assert record.error is not None
        assert record.error.message == "ValueError: no such column: fare"
        assert "before\nTraceback (most recent call last):" in read_log(backend, record.id)

    @pytest.mark.parametrize(("argument", "status"), [("3", 3), ("'bad data'", 1)])
    def test_an_exit_status_fails_the_job(self, backend: Backend, argument: str, status: int) -> None:
        record = run(backend, f"import sys\nsys.exit({argument})\n")
        assert (record.state, record.exit_code) == (JobState.FAILED, status)
        assert record.error is not None
        assert f"exit status {status}" in record.error.message
        assert "\n" not in record.error.message

    def test_sys_exit_without_a_status_succeeds(self, backend: Backend) -> None:
        assert run(backend, "import sys\nsys.exit()\n").state is JobState.SUCCEEDED

    def test_the_package_has_its_modules(self, backend: Backend) -> None:
        package = make_package(
            "from trainer import model\nprint(model.answer())\n", model="def answer():\n    return 42\n"
        )
        spec = JobSpec(display_name="exam", package=Reference(digest=package.digest, cold_reason=COLD))
        record = wait_for(backend, backend.submit(spec, package).id)
        assert "42" in read_log(backend, record.id).splitlines()

    def test_a_module_that_is_not_there_fails_the_job(self, backend: Backend) -> None:
        reference = Reference(digest="0", module="trainer.missing", cold_reason=COLD)
        record = backend.submit(JobSpec(display_name="exam", package=reference), make_package("print(1)\n"))
        ended = wait_for(backend, record.id)
        assert ended.state is JobState.FAILED
        assert "No module named trainer.missing" in read_log(backend, record.id)

    def test_a_program_that_runs_too_long_fails(self, backend: Backend) -> None:
        record = run(backend, FOREVER, timeout_seconds=1.0)
        assert record.state is JobState.FAILED
        assert record.error is not None
        assert record.error.message == "the program ran longer than its timeout of 1 s"

    def test_cancel_ends_a_running_job(self, backend: Backend) -> None:
        job_id = submit(backend, FOREVER).id
        wait_for_text(backend, job_id, "begun")
        assert backend.cancel(job_id).state in {JobState.CANCELLING, JobState.CANCELLED}
        record = wait_for(backend, job_id)
        assert (record.state, record.error) == (JobState.CANCELLED, None)
        assert record.end_time is not None

    def test_cancel_right_after_submit(self, backend: Backend) -> None:
        job_id = submit(backend, FOREVER).id
        backend.cancel(job_id)
        assert wait_for(backend, job_id).state is JobState.CANCELLED

    def test_cancel_twice_is_cancel_once(self, backend: Backend) -> None:
        job_id = submit(backend, FOREVER).id
        wait_for_text(backend, job_id, "begun")
        threads = [threading.Thread(target=backend.cancel, args=(job_id,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wait_for(backend, job_id).state is JobState.CANCELLED

    def test_cancel_leaves_a_final_job_as_it_is(self, backend: Backend) -> None:
        record = run(backend, "print('done')\n")
        assert backend.cancel(record.id) == record
        assert backend.get(record.id) == record

    def test_a_log_read_in_pieces_is_whole(self, backend: Backend) -> None:
        job_id = submit(
            backend, "import time\nfor i in range(50):\n    print(i, 'é√𝄞' * 40)\n    time.sleep(0.005)\n"
        ).id
        text, offset, is_final = "", 0, False
        chunk = None
        while chunk is None or chunk.text or not is_final:
            is_final = backend.get(job_id).state.is_final
            chunk = backend.logs(job_id, offset=offset)
            assert chunk.next_offset == offset + len(chunk.text.encode())
            text, offset = text + chunk.text, chunk.next_offset
        assert text.startswith("".join(f"{i} {'é√𝄞' * 40}\n" for i in range(50)))

    def test_a_negative_offset_reads_the_end_of_a_log(self, backend: Backend) -> None:
        record = run(backend, "for i in range(1000):\n    print('line', i)\nraise SystemExit\n")
        chunk = backend.logs(record.id, offset=-100)
        assert chunk.text.startswith("line ")
        assert "line 999\n" in chunk.text
        assert len(chunk.text) <= 100
        assert backend.logs(record.id, offset=chunk.next_offset).text == ""

    def test_a_program_may_print_nothing(self, backend: Backend) -> None:
        record = run(backend, "pass\n")
        assert record.state is JobState.SUCCEEDED
        assert backend.logs(record.id, offset=1 << 30).text == ""

    def test_a_replica_that_is_not_there(self, backend: Backend) -> None:
        record = run(backend, "print('hello')\n")
        with pytest.raises(NotFoundError, match=f"job {record.id} has no replica worker-3; it has chief-0"):
            backend.logs(record.id, role="worker", index=3)

    def test_one_name_many_jobs(self, backend: Backend) -> None:
        records: list[JobRecord] = []
        threads = [threading.Thread(target=lambda: records.append(submit(backend, "print(1)\n"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({record.id for record in records}) == 4
        assert {wait_for(backend, record.id).state for record in records} == {JobState.SUCCEEDED}
        assert {summary.id for summary in backend.list(display_name="exam")} == {record.id for record in records}

    def test_list_is_newest_first_and_filters(self, backend: Backend) -> None:
        good = [run(backend, "print(1)\n", name=name).id for name in ("taxi", "flights", "taxi")]
        bad = run(backend, "raise SystemExit(1)\n", name="taxi").id
        assert _ids(backend.list()) == [bad, *reversed(good)]
        assert _ids(backend.list(limit=2)) == [bad, good[2]]
        assert _ids(backend.list(display_name="taxi", states={JobState.SUCCEEDED})) == [good[2], good[0]]
        assert backend.list(states=()) == backend.list(display_name="nobody") == backend.list(limit=0) == []

    def test_summaries_say_what_records_say(self, backend: Backend) -> None:
        record = run(backend, "raise KeyError('fare')\n")
        (summary,) = backend.list()
        assert (summary.id, summary.display_name, summary.backend) == (record.id, "exam", backend.name)
        assert (summary.state, summary.start_time, summary.end_time) == (
            record.state,
            record.start_time,
            record.end_time,
        )
        assert summary.error == "KeyError: 'fare'"

    def test_resolve_takes_ids_prefixes_and_names(self, backend: Backend) -> None:
        first, second = (run(backend, "print(1)\n", name="taxi").id for _ in range(2))
        other = run(backend, "print(1)\n", name="flights").id
        assert backend.resolve(first) == first
        assert backend.resolve("taxi") == second
        assert backend.resolve("flights-") == backend.resolve(other[:-1]) == other

    def test_an_ambiguous_prefix_lists_the_candidates(self, backend: Backend) -> None:
        ids = [run(backend, "print(1)\n", name="taxi").id for _ in range(2)]
        with pytest.raises(UsageError) as caught:
            backend.resolve("taxi-")
        assert all(job_id in str(caught.value) for job_id in ids)

    @pytest.mark.parametrize("method", ["get", "cancel", "logs", "resolve"])
    def test_an_unknown_job_names_the_nearest(self, backend: Backend, method: str) -> None:
        known = run(backend, "print(1)\n", name="taxi").id
        unknown = f"{known[:-4]}zzzz" if method == "resolve" else f"{known[:-4]}{_other_suffix(known)}"
        with pytest.raises(NotFoundError) as caught:
            getattr(backend, method)(unknown)
        assert unknown in str(caught.value)
        assert f"Did you mean {known}" in str(caught.value)

    def test_an_unknown_name_among_none(self, backend: Backend) -> None:
        with pytest.raises(NotFoundError, match="taxi"):
            backend.resolve("taxi")
        assert backend.list() == []


class ProgramConformance:
    """What a program finds and does where it runs as a process under the runtime contract."""

    def test_the_environment_of_the_contract(self, backend: Backend) -> None:
        found = self._json(backend, "import json, os\nprint(json.dumps(dict(os.environ)))\n")
        for name in ("AIP_MODEL_DIR", "AIP_CHECKPOINT_DIR", "AIP_TENSORBOARD_LOG_DIR"):
            assert found[name].endswith("/")
        assert found["CLOUD_ML_JOB_ID"] == backend.list()[0].id
        assert json.loads(found["CLUSTER_SPEC"])["task"] == {"type": "workerpool0", "index": 0, "trial": ""}
        assert json.loads(found["TF_CONFIG"])["task"]["type"] == "chief"
        assert not {name for name in found if name.startswith("JPY_")} & set(found)

    def test_the_environment_of_a_trial(self, backend: Backend) -> None:
        study = submit(backend, FOREVER)
        source = "import json, os\nprint(json.dumps(dict(os.environ)))\n"
        found = self._json(backend, source, parent=study.id, trial=7)
        assert found["CLOUD_ML_TRIAL_ID"] == "7"
        assert found["CLOUD_ML_JOB_ID"] == f"{study.id}-7"
        assert [json.loads(found[name])["task"]["trial"] for name in ("CLUSTER_SPEC", "TF_CONFIG")] == ["7", "7"]
        backend.cancel(study.id)
        wait_for(backend, study.id)

    def test_the_folders_of_the_contract_are_there(self, backend: Backend) -> None:
        names = ("AIP_MODEL_DIR", "AIP_CHECKPOINT_DIR", "AIP_TENSORBOARD_LOG_DIR")
        source = f"import os\nfor name in {names}:\n    print(os.listdir(os.environ[name]))\n"
        record = run(backend, source)
        assert record.state is JobState.SUCCEEDED
        assert read_log(backend, record.id).startswith("[]\n[]\n[]\n")

    def test_arguments_arrive_as_they_are(self, backend: Backend) -> None:
        args = ("--epochs=5", "two words", "$HOME", "*", "é", "")
        assert self._json(backend, "import json, sys\nprint(json.dumps(sys.argv[1:]))\n", args=args) == list(args)

    def test_a_signal_fails_the_job(self, backend: Backend) -> None:
        record = run(backend, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
        assert (record.state, record.exit_code) == (JobState.FAILED, -11)
        assert record.error is not None
        assert record.error.message == "the program was ended by SIGSEGV"

    def test_both_streams_are_one_log(self, backend: Backend) -> None:
        record = run(backend, "import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('three')\n")
        assert read_log(backend, record.id).startswith("one\ntwo\nthree\n")

    def test_bytes_that_are_not_text(self, backend: Backend) -> None:
        record = run(backend, "import sys\nsys.stdout.buffer.write(b'caf\\xe9\\n')\n")
        assert read_log(backend, record.id).startswith("caf\N{REPLACEMENT CHARACTER}\n")

    def test_nothing_waits_for_input(self, backend: Backend) -> None:
        record = run(backend, "input()\n")
        assert record.error is not None
        assert record.error.message.startswith("EOFError")

    @staticmethod
    def _json(backend: Backend, source: str, **fields: Any) -> Any:
        record = run(backend, source, **fields)
        assert record.state is JobState.SUCCEEDED, read_log(backend, record.id)
        return json.loads(read_log(backend, record.id).splitlines()[0])


def _ids(summaries: list[JobSummary]) -> list[str]:
    return [summary.id for summary in summaries]


def _other_suffix(job_id: str) -> str:
    return "0000" if not job_id.endswith("0000") else "0001"
