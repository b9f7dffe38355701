"""The flags of the program, and what it says of those that do not fit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmagic.errors import UsageError
from mlmagic.preprocessing.arguments import Arguments, RejectLimit, cores, parse_arguments, parse_limit, parse_split
from mlmagic.spec.dataset import SplitBy, SplitRule


def parsed(*words: str) -> Arguments:
    return parse_arguments(["--input", "a.csv", "--output", "out", *words])


def test_defaults() -> None:
    arguments = parsed()
    assert arguments.inputs == ("a.csv",)
    assert arguments.split == SplitRule()
    assert arguments.max_rejected == RejectLimit(part=0.01)
    assert (arguments.runner, arguments.workers) == ("local", cores())


def test_the_output_is_where_models_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIP_MODEL_DIR", "model")
    assert parse_arguments(["--input", "a", "b"]).output == "model"
    monkeypatch.delenv("AIP_MODEL_DIR")
    with pytest.raises(UsageError, match="--output: needed where AIP_MODEL_DIR is not set"):
        parse_arguments(["--input", "a"])


def test_a_key_decides_where_there_is_one() -> None:
    assert parsed("--key", "id").split == SplitRule(by=SplitBy.KEY, column="id")
    assert parsed("--split", "train=0.7,eval=0.3").split.fractions == {"train": 0.7, "eval": 0.3}


def test_times_divide_by_fractions_or_by_starts() -> None:
    by_time = parsed("--split-time", "day", "--key", "id").split
    assert (by_time.by, by_time.column) == (SplitBy.TIME, "day")
    starts = parse_split("eval=2013-11-01,test=2013-12-01T06:00+06:00", "day", None)
    assert starts.starts == {"eval": datetime(2013, 11, 1, tzinfo=UTC), "test": datetime(2013, 12, 1, tzinfo=UTC)}
    assert starts.fractions == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train=0.8,eval=0.1", "the fractions add up to 0.9, not to 1"),
        ("eval=0.5,test=0.5", "there is no split `train`"),
        ("train=0.5,train=0.5", "train stands there twice"),
        ("train", "'train' is not NAME=FRACTION"),
        ("train=half,eval=0.5", "train=half: neither a fraction such as 0.1 nor a date"),
        ("train=1.5,eval=-0.5", "train=1.5: a fraction is from 0 to 1"),
        ("../x=1", "'../x' cannot name a split"),
        ("rejected=0.5,train=0.5", "'rejected' cannot name a split"),
        ("eval=2013-11-01", "dates divide by time, and --split-time has to name the column"),
    ],
)
def test_splits_that_do_not_fit(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed("--split", text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train=2013-01-01,eval=2014-01-01", "train is what lies before the other splits"),
        ("eval=2013-01-01,test=0.1", "either all are dates, or all are fractions"),
        ("eval=2013-01-01,test=2013-01-01", "two splits start at the same time"),
        ("eval=2013-13-01", "2013-13-01 is no date"),
    ],
)
def test_starts_that_do_not_fit(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_split(text, "day", None)


def test_limits_are_parts_or_numbers() -> None:
    assert parse_limit("0.5%").allows(5, 1000)
    assert not parse_limit("0.5%").allows(6, 1000)
    assert parse_limit("0").allows(0, 10)
    assert not parse_limit("1000").allows(1001, 10**9)
    assert [str(parse_limit(text)) for text in ("1%", "1000")] == ["1%", "1,000"]


@pytest.mark.parametrize("text", ["101%", "-1", "1.5", "few", "nan%"])
def test_limits_that_do_not_fit(text: str) -> None:
    with pytest.raises(UsageError, match="it takes a percentage from 0% to 100%, or a number of rows"):
        parsed(f"--max-rejected={text}")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parsed("--workers", "0", "--split", "a", "--max-rejected", "x", "--target", "y", "--key", "y", "--types", "a=b")
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "--workers",
        "--key",
        "--split",
        "--max-rejected",
        "--types",
    ]


def test_a_misspelt_flag_is_an_error_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed("--tagret", "fare")
    assert caught.value.code == 2
    assert "unrecognized arguments: --tagret fare. Did you mean --target?" in capsys.readouterr().err


def test_other_words_go_to_beam() -> None:
    assert parsed("--", "--direct_num_workers", "3").beam == ("--direct_num_workers", "3")
    assert parsed("--runner", "dataflow", "--project", "p").beam == ("--project", "p")
