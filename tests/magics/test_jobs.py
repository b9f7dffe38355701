from __future__ import annotations

import pytest

from mlmagic.errors import JobFailed, NotFoundError, UsageError


@pytest.fixture
def ended(run, capsys):
    """A job that has printed three lines."""
    job = run("%%train taxi --wait\ndef train():\n    for n in range(3):\n        print('line', n)\n")
    capsys.readouterr()
    return job


def test_the_list_is_newest_first(run, ended):
    later = run("%%train boats --wait\nprint(1)\n")
    assert [row.id for row in run("%jobs")] == [later.id, ended.id]
    assert [row.id for row in run("%jobs --limit 1")] == [later.id]


def test_an_empty_list_says_what_to_do(run, capsys):
    run("%jobs")
    assert "No jobs yet. Start one with %%train NAME." in capsys.readouterr().out


def test_describe_shows_the_job(run, ended, capsys):
    assert run("%jobs describe taxi").id == ended.id
    shown = capsys.readouterr().out
    assert "✓ SUCCEEDED  taxi" in shown
    assert "│ line 2" in shown


def test_logs(run, ended, capsys):
    assert "line 0\nline 1\nline 2\n" in run("%jobs logs taxi")
    assert run(f"%jobs logs {ended.id} --tail 1").count("\n") == 1
    capsys.readouterr()
    assert run("%jobs logs taxi -f") is None
    assert "line 0\nline 1\nline 2\n" in capsys.readouterr().out


def test_following_may_begin_near_the_end(run, ended, capsys):
    run("%jobs logs taxi -f --tail 1")
    assert capsys.readouterr().out.splitlines() == str(ended.logs()).splitlines()[-1:]


def test_an_interrupt_ends_the_following(run, ended, capsys, monkeypatch):
    def interrupted(self, **_):
        yield "line 0\n"
        raise KeyboardInterrupt

    monkeypatch.setattr(type(ended), "follow", interrupted)
    run("%jobs logs taxi -f")
    assert f"Detached: the job goes on. %jobs logs {ended.id} -f attaches again." in capsys.readouterr().out


def test_cancel_and_wait(run):
    run("%%train taxi\nimport time\ntime.sleep(600)\n")
    run("%jobs cancel taxi")
    with pytest.raises(JobFailed, match="was cancelled"):
        run("%jobs wait taxi")


def test_a_job_that_has_ended_cannot_be_cancelled(run, ended, capsys):
    assert run("%jobs cancel taxi").state == "SUCCEEDED"
    assert f"{ended.id} has ended already (SUCCEEDED); there is nothing to cancel.\n" in capsys.readouterr().out


def test_unknown_jobs_offer_the_nearest(run, ended):
    with pytest.raises(NotFoundError, match="Did you mean taxi"):
        run("%jobs describe taxy")


def test_a_reference_is_needed(run):
    with pytest.raises(UsageError) as caught:
        run("%jobs wait")
    assert str(caught.value) == (
        "%jobs wait: JOB is missing: an id, the beginning of one, or a name: its newest job; "
        "taxi/7 is trial 7 of taxi\nHelp: %jobs wait --help"
    )
