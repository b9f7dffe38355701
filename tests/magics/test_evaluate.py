"""`%models evaluate` as it is typed, and how a kernel shows what it returns."""

from __future__ import annotations

import pandas as pd
import pytest

from mlmagic.api import evaluation
from mlmagic.api.evaluation import Evaluation
from mlmagic.errors import UsageError
from mlmagic.magics.evaluate import EvaluationDisplay
from mlmagic.spec.evaluation import Metric, Task, VersionEvaluation

FOUND = Evaluation(
    task=Task.REGRESSION,
    data="rides@1",
    target="fare",
    rows=3,
    versions=(VersionEvaluation(version="taxi@1", metrics=(Metric(name="rmse", value=1.5),)),),
)


@pytest.fixture
def asked(monkeypatch):
    """What the api was asked."""
    calls = []

    def answer(*versions, **options):
        calls.append((versions, {name: value for name, value in options.items() if value is not None}))
        return FOUND

    monkeypatch.setattr(evaluation, "evaluate", answer)
    return calls


def test_versions_and_flags(run, asked):
    assert run("%models evaluate taxi") is FOUND
    run("%models evaluate taxi@1 taxi@2 --data rides@1 --split eval --by payment --limit 500 --threshold 0.4")
    run("%models evaluate taxi --importance")
    assert asked == [
        (("taxi",), {}),
        (
            ("taxi@1", "taxi@2"),
            {"data": "rides@1", "split": "eval", "by": "payment", "limit": 500, "threshold": 0.4},
        ),
        (("taxi",), {"importance": True}),
    ]


def test_a_frame_stands_among_the_versions_or_behind_data(run, shell, asked):
    shell.user_ns["df"] = frame = pd.DataFrame({"fare": [1.0]})
    run("%models evaluate taxi@2 $df --target fare")
    run("%models evaluate taxi@2 --data $df")
    assert [call[1]["data"] is frame for call in asked] == [True, True]


def test_rows_stand_there_once(run, shell, asked):
    shell.user_ns["df"] = pd.DataFrame({"fare": [1.0]})
    with pytest.raises(UsageError, match=r"takes the rows once: as \$df or with --data"):
        run("%models evaluate taxi $df --data rides")
    with pytest.raises(UsageError, match=r"has rows, and no version"):
        run("%models evaluate $df")
    with pytest.raises(UsageError, match=r"--threshold half: it is a probability between 0 and 1"):
        run("%models evaluate taxi --threshold half")
    assert asked == []


def test_the_page_is_shown(run, asked, capsys):
    run("%models evaluate taxi")
    shown = capsys.readouterr().out
    assert "3 rows of rides@1" in shown
    assert "rmse     1.500" in shown


def test_a_kernel_shows_charts_before_the_page(shell):
    published = []
    shell.display_pub.publish = lambda data, _: published.append(data)
    EvaluationDisplay(shell).show(FOUND)
    assert ["text/html" in data for data in published] == [False, True]
    assert published[0]["text/plain"] == "Charts: none"


def test_a_kernel_is_told_once(shell):
    display = EvaluationDisplay(shell)
    shell.kernel = object()
    display.start()
    formatter = shell.display_formatter.ipython_display_formatter
    assert formatter.lookup(FOUND) == display.show
    display.stop()
    display.stop()
    with pytest.raises(KeyError):
        formatter.lookup_by_type("mlmagic.api.evaluation.Evaluation")
