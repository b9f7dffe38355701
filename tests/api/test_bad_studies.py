"""Files that describe no study: `bad_studies.yaml` has each with all that is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlmagic.api.study_config import read_study_config
from mlmagic.errors import UsageError

CASES = yaml.safe_load(Path(__file__).with_name("bad_studies.yaml").read_text("utf-8"))


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(UsageError, match=r"^config does not describe a study:") as caught:
        read_study_config(yaml.safe_load(text))
    return caught.value.problems


@pytest.mark.parametrize("case", CASES)
def test_all_that_is_wrong_is_told(case: str) -> None:
    assert list(problems_of(CASES[case]["file"])) == CASES[case]["problems"]


def test_there_are_forty_of_them() -> None:
    assert len({tuple(case["problems"]) for case in CASES.values()}) >= 40


def test_a_thousand_values_are_the_most() -> None:
    problems = problems_of(f"params: [{{parameterName: n, type: DISCRETE, discreteValues: {list(range(1001))}}}]")
    assert problems == ("params[0] (n): 1001 values are more than 1000",)


def test_a_file_may_have_many_problems() -> None:
    problems = problems_of("{maxTrialCount: 0, studySpec: {algorithm: BEST, metrics: [{goal: UP}], parameters: [{}]}}")
    assert len(problems) == 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is neither YAML nor JSON: line 1, column 5: expected the node content"),
        ("a: 1\na: 2", "is neither YAML nor JSON: line 2, column 1: 'a' stands there twice"),
        ("just words", "holds no keys. It takes ML Engine's form (trainingInput: hyperparameters: ...) or Vertex"),
        ("[" * 5000, "is nested too deeply."),
        ("a: &a {b: *a}", "is nested too deeply."),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError) as caught:
        read_study_config(path)
    assert str(caught.value).startswith(f"--config {path} {told}")


def test_what_is_no_file() -> None:
    with pytest.raises(UsageError, match=r"^config must be a file or a mapping, not int 5\.$"):
        read_study_config(5)
    with pytest.raises(UsageError, match=r"--config nowhere.yaml cannot be read: No such file or directory"):
        read_study_config("nowhere.yaml")
