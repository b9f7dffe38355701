from __future__ import annotations

import pytest

from mlmagic.api import explanation
from mlmagic.errors import UsageError


@pytest.fixture
def asked(monkeypatch):
    """What the api was asked."""
    calls = []

    def answer(model, *, on_wait, **options):
        del on_wait
        calls.append((model, options))
        return "explained"

    monkeypatch.setattr(explanation, "explain", answer)
    return calls


def test_a_line_with_and_without_a_method(run, shell, asked):
    shell.user_ns["rows"] = [{"a": 1}]
    assert run("%predict taxi@2 $rows --explain") == "explained"
    run("%predict taxi --explain $rows")
    run("%predict taxi --explain gradients $rows --into why")
    plain = {"instances": [{"a": 1}], "method": "auto", "baseline": None, "output": None}
    assert asked == [("taxi@2", plain), ("taxi", plain), ("taxi", plain | {"method": "gradients"})]
    assert shell.user_ns["why"] == "explained"


def test_a_cell_with_details(run, asked):
    flags = "--output-name late --baseline usual.csv --permutations 128 --seed 7"
    run(f'%%predict taxi --explain=shapley {flags}\n[{{"a": 1}}]\n')
    details = {"method": "shapley", "output": "late", "baseline": "usual.csv", "permutations": 128, "seed": 7}
    assert asked == [("taxi", {"instances": '[{"a": 1}]\n'} | details)]


def test_a_method_that_there_is_not(run):
    with pytest.raises(UsageError, match=r"--explain cannot be 'lime'\. It is one of auto, shapley, gradients"):
        run("%predict taxi {[1]} --explain=lime")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "%predict taxi {[1]} --baseline a.csv --seed 1",
            ("--baseline, --seed: of an explanation, and none is asked for.\n"
            "%predict taxi $data --explain --baseline --seed …"),
        ),
        (
            "%predict taxi --input a.csv --output b.csv --explain",
            ("--explain: a job with --output predicts, and does not explain.\n"
            "Explain some rows: %predict taxi $data --explain"),
        ),
        (
            "%predict taxi {[1]} --explain --no-join",
            "--no-join: an explanation has no columns of the instances anyway.",
        ),
    ],
)  # fmt: skip
def test_flags_that_do_not_go_together(run, line, told):
    with pytest.raises(UsageError) as caught:
        run(line)
    assert str(caught.value) == told
