from __future__ import annotations

import pytest

from mlmagic.panels.status import Check, Checkup, Configuration, Setting, Status
from mlmagic.spec.report import AgentReport

HTML, TEXT = "text/html", "text/plain"
HOSTILE = "<script>"


def test_status():
    status = Status(
        version="1.0", workspace="/w", backend="local", jobs={"RUNNING": 2, "FAILED": 1}, models=("taxi@1",)
    )
    bundle = status._repr_mimebundle_()
    assert bundle[TEXT] == (
        "mlmagic 1.0\n  Workspace  /w\n  Backend    local\n  Jobs       2 RUNNING, 1 FAILED\n"
        "  Models     taxi@1\nNext: %jobs   %models   %mlmagic doctor"
    )
    assert "● RUNNING" in bundle[HTML]


@pytest.mark.parametrize(
    ("agent", "is_on", "told"),
    [
        (
            AgentReport(),
            True,
            "Agent        not running; the next job starts it\n  Warm starts  on: TensorFlow is imported",
        ),
        (
            AgentReport(pid=7),
            False,
            "Agent        runs, process 7\n  Warm starts  off: each job imports TensorFlow anew.",
        ),
        (AgentReport(host="pi"), True, "Agent        runs on pi\n"),
        (
            AgentReport(pid=7, warm_bytes=(5 << 28,)),
            True,
            "TensorFlow waits in memory for the next job (1.2 GiB); it ends",
        ),
    ],
)
def test_status_tells_what_starts_jobs_and_what_that_keeps(agent, is_on, told):
    status = Status(version="1.0", workspace="/w", backend="local", agent=agent, warm_starts=is_on)
    bundle = status._repr_mimebundle_()
    assert told in bundle[TEXT]
    assert "Warm starts" in bundle[HTML]


def test_status_of_a_new_workspace():
    bundle = Status(version="1.0", workspace=HOSTILE, backend="local")._repr_mimebundle_()
    assert bundle[TEXT].endswith("Next: %%train NAME   %mlmagic doctor")
    assert HOSTILE not in bundle[HTML]


def test_checkup():
    checkup = Checkup(checks=(Check(name="Python", is_ok=True, found="3.11"),
                              Check(name="Disk", is_ok=False, found="full", mend="Make room.")))  # fmt: skip
    bundle = checkup._repr_mimebundle_()
    assert bundle[TEXT] == (
        "1 of 2 checks needs attention.\n✓ Python         3.11\n✗ Disk           full\n                 → Make room."
    )
    assert "→ Make room." in bundle[HTML]
    assert not checkup.is_ok


def test_configuration():
    settings = Configuration(settings=(Setting(name="backend", value="local", set_with="%mlmagic use BACKEND"),))
    bundle = settings._repr_mimebundle_()
    assert bundle[TEXT] == "backend  local   (%mlmagic use BACKEND)"
    assert "%mlmagic use BACKEND" in bundle[HTML]
