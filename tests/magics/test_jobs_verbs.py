"""What `%jobs` does beyond lists and logs, mostly over jobs that run in this process."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from mlmagic.api.progress import ProgressFollower
from mlmagic.errors import JobFailed, NotFoundError, UsageError
from mlmagic.magics.help import help_text
from mlmagic.magics.jobs_table import JOBS
from mlmagic.magics.terminal import ProgressLine, wait_in_terminal
from mlmagic.session import current_session
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import FOREVER, submit, wait_for, wait_for_text


@pytest.fixture
def start(run, monkeypatch):
    """Start a job on the memory backend, and wait until it has ended."""
    monkeypatch.setenv("MLMAGIC_BACKEND", "memory")

    def start_job(source="", name="taxi", **fields):
        backend = current_session().backend()
        record = submit(backend, source, name=name, **fields)
        if "begun" in source:
            wait_for_text(backend, record.id, "begun")
            return record.id
        return wait_for(backend, record.id).id

    yield start_job
    backend = current_session().backend()
    for row in backend.list():
        backend.cancel(row.id)
        wait_for(backend, row.id)


def test_lists_take_filters_and_orders(run, start):
    ids = [start(labels={"owner": "ada"}), start(labels={"owner": "eve"}), start("1/0", "boats")]
    run("user = 'ada'")
    assert [row.id for row in run("%jobs --filter labels.owner=$user")] == ids[:1]
    assert [row.id for row in run('%jobs list --filter "state=SUCCEEDED" --sort-by createTime')] == ids[:2]
    assert [len(run(f"%jobs {flags}")) for flags in ("--limit 1", "--limit 1 --all")] == [1, 3]


def test_what_a_list_is_sorted_by_is_shown(run, start, capsys):
    start(name="low", flags={"units": "4"})
    start(name="high", flags={"units": "64"})
    run("%jobs --sort-by ~flags.units")
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[-2:] for line in shown if "SUCCEEDED" in line] == [["units", "64"], ["units", "4"]]


def test_wrong_filters_and_orders_are_told(run, start):
    with pytest.raises(UsageError) as caught:
        run('%jobs --filter "state=FAILD"')
    assert str(caught.value) == (
        "the filter cannot be read: no job has the state 'FAILD'.\n  state=FAILD\n        ^\nDid you mean FAILED?"
    )
    with pytest.raises(UsageError, match=r"jobs cannot be sorted by 'stat':\n  - there is no key 'stat'. Did you mean"):
        run("%jobs --sort-by stat")


def test_logs_are_searched(run, start):
    start("print('loss 1')\nprint('epoch')\nprint('loss 2')\n")
    assert run("%jobs logs taxi --grep ^loss --tail 1") == "loss 2\n"
    with pytest.raises(UsageError, match=r"grep '\[' is no regular expression: unterminated character set"):
        run("%jobs logs taxi --grep [")
    with pytest.raises(NotFoundError, match=r"has no replica worker-1; it has chief-0."):
        run("%jobs logs taxi -f --role worker-1")


def test_logs_without_a_line_are_told(run, start, capsys):
    job_id = start("print('fine')\n")
    assert run("%jobs logs taxi --grep loss") == ""
    assert f"{job_id} is SUCCEEDED and has printed no line with loss." in capsys.readouterr().out
    running = start(FOREVER, "boats")
    run("%jobs logs boats --grep loss")
    assert f"{running} is RUNNING and has printed no line yet with loss." in capsys.readouterr().out


def test_followed_lines_are_coloured(run, start, capsys):
    start("print('WARNING: careful')\nprint('fine')\n")
    capsys.readouterr()
    run("%jobs logs taxi -f")
    assert "\x1b[33mWARNING: careful\x1b[0m\nfine\n" in capsys.readouterr().out


def test_several_jobs_are_cancelled(run, start):
    first, second, third = start(FOREVER), start(FOREVER), start(FOREVER, "boats")
    assert {row.id for row in run("%jobs cancel --filter displayName=taxi")} == {first, second}
    assert [row.id for row in run(f"%jobs cancel {third} {first}")] == [third, first]
    assert {wait_for(current_session().backend(), job).state for job in (first, second, third)} == {JobState.CANCELLED}
    with pytest.raises(UsageError, match="cancel takes jobs or a filter, one of the two"):
        run("%jobs cancel")


def test_a_job_is_run_again(run, start, shell):
    first = start("print('hello')", args=("--epochs", "5", "--rate", "0.1"))
    again = run("%jobs rerun taxi --priority 3 --label owner=ada --fresh --into again --wait -- --epochs 10")
    assert (again.spec.args, again.spec.priority) == (("--epochs", "10", "--rate", "0.1"), 3)
    assert (again.spec.rerun_of, again.spec.labels, again.spec.fresh) == (first, {"owner": "ada"}, True)
    assert again.spec.invocation.startswith("%jobs rerun taxi --priority 3")
    assert shell.user_ns["again"].id == again.id


def test_a_failed_rerun_is_still_assigned(run, start, shell):
    start("1/0")
    with pytest.raises(JobFailed, match="ZeroDivisionError"):
        run("%jobs rerun taxi --wait --into again")
    assert shell.user_ns["again"].state is JobState.FAILED
    with pytest.raises(UsageError, match="--priority: 'high' is no whole number"):
        run("%jobs rerun taxi --priority high")


def test_jobs_are_put_side_by_side(run, start):
    first, second = start(args=("--epochs", "5")), start(args=("--epochs", "9"), name="boats")
    assert [(row.key, row.first, row.second) for row in run("%jobs diff taxi boats").flags] == [("epochs", "5", "9")]
    assert [row.id for row in run("%jobs compare boats taxi").jobs] == [second, first]
    assert run("%jobs compare --filter state=SUCCEEDED").flags == ("epochs",)
    with pytest.raises(UsageError, match="compare takes jobs or a filter"):
        run("%jobs compare")


def test_one_job_is_deleted_at_once(run, start):
    first, second = start(), start()
    assert [record.id for record in run("%jobs delete taxi").records] == [second]
    assert [row.id for row in run("%jobs")] == [first]
    with pytest.raises(NotFoundError, match="there is no job 'boats'"):
        run("%jobs delete boats")


def test_several_jobs_are_deleted_only_with_yes(run, start, capsys):
    first, second = start(), start("1/0")
    with pytest.raises(UsageError) as caught:
        run("%jobs delete --filter displayName=taxi")
    assert caught.value.message == "%jobs delete would remove 2 jobs; nothing is deleted yet:"
    assert [text.split()[:2] for text in caught.value.problems] == [[second, "FAILED"], [first, "SUCCEEDED"]]
    assert caught.value.hint == "To remove them: %jobs delete --filter displayName=taxi --yes"
    assert not run("%jobs delete --keep 1 --dry-run").is_done
    assert f"Would delete 1 job:\n  {first}" in capsys.readouterr().out
    assert len(run("%jobs delete --filter displayName=taxi --yes")) == 2
    assert len(run("%jobs")) == 0


def test_a_job_that_goes_on_is_not_deleted(run, start):
    job_id = start(FOREVER)
    with pytest.raises(UsageError) as caught:
        run("%jobs delete taxi")
    assert str(caught.value) == (
        f"{job_id} is RUNNING; only a job that has ended can be deleted.\nTo end it first: %jobs cancel {job_id}"
    )


def test_a_terminal_prints_what_changes_in_the_list(run, start, capsys, monkeypatch):
    from mlmagic.api.job_list import JobList

    job_id = start(FOREVER)
    watch = JobList.watch

    def watch_and_cancel(jobs, **arguments):
        for shown in watch(jobs, **arguments):
            yield shown
            current_session().backend().cancel(job_id)

    monkeypatch.setattr(JobList, "watch", watch_and_cancel)
    capsys.readouterr()
    run("%jobs watch")
    shown = capsys.readouterr().out
    assert f"● RUNNING  {job_id}" in shown.splitlines()[1]
    assert shown.splitlines()[-1].endswith(f"  ■ CANCELLED  {job_id}")


def test_an_interrupt_ends_the_watching(run, start, capsys, monkeypatch):
    from mlmagic.api.job_list import JobList

    def interrupted(jobs, **_):
        yield jobs
        raise KeyboardInterrupt

    start()
    monkeypatch.setattr(JobList, "watch", interrupted)
    assert run("%jobs watch --filter state=SUCCEEDED") is None
    assert capsys.readouterr().out.endswith("Stopped watching; the jobs go on.\n")


def test_whoever_comes_in_mid_epoch_is_told_no_time_that_is_too_short(run, start, tmp_path):
    go_on = tmp_path / "go_on"
    source = f"import os\nprint('begun\\nEpoch 3/6', flush=True)\nwhile not os.path.exists({str(go_on)!r}): pass\n"
    job_id = start(f"{source}print('Epoch 4/6', flush=True)\n{FOREVER}")
    backend = current_session().backend()
    record = dataclasses.replace(backend.get(job_id), start_time=datetime.now(UTC) - timedelta(hours=1))
    follower = ProgressFollower(backend, job_id)
    wait_for_text(backend, job_id, "Epoch 3/6")
    assert follower.look(record).progress.epoch == 3
    go_on.touch()
    wait_for_text(backend, job_id, "Epoch 4/6")
    assert follower.look(record).eta_seconds > 60


def test_a_terminal_shows_the_progress_on_one_line(run, start, capsys, monkeypatch):
    from mlmagic.api.jobs import job

    started = job(start("print('Epoch 1/4')\n" + FOREVER))
    capsys.readouterr()
    line = ProgressLine(started)
    record = started.record
    line(record)
    line(record)
    assert capsys.readouterr().out == f"\r\x1b[K▕{' ' * 24}▏ epoch 1 of 4 · 0 %"
    line(dataclasses.replace(record, state=JobState.FAILED))
    assert capsys.readouterr().out == "\r\x1b[K"


def test_waiting_in_a_terminal_tells_states(run, start, capsys, monkeypatch):
    from mlmagic.api.jobs import job

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ended = job(start("print('Epoch 1/4')"))
    assert wait_in_terminal(ended) is ended
    assert capsys.readouterr().out.endswith(f"✓ SUCCEEDED  {ended.id}\n")


@pytest.mark.parametrize("name", JOBS.subcommands)
def test_each_subcommand_has_help_with_examples(name):
    text = help_text(JOBS, name)
    assert text.startswith(f"%jobs {name}")
    assert "\nExamples\n" in text
