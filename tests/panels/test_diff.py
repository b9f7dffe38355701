from __future__ import annotations

import pytest

from mlmagic.panels import job_diff_bundle
from mlmagic.spec.report import Difference, FileDifference, JobDiff

HTML, TEXT, MIME = "text/html", "text/plain", "application/vnd.mlmagic.jobdiff+json"
HOSTILE = "<script>alert(1)</script>\x1b[31m&\"'"
CODE = "--- a\n+++ b\n@@ -1,4 +1,4 @@\n def build():\n-    x = 1 < 2\n--- no heading\n+    x = 2\n     return x\n"


def diff(**fields):
    return JobDiff(first="taxi-1", second="taxi-2", **fields)


def row(first, second, key="rate"):
    return Difference(key=key, first=first, second=second)


def test_code_is_a_coloured_diff():
    html = job_diff_bundle(diff(code=(FileDifference(name="trainer/model.py", text=CODE),)))[HTML]
    assert "trainer/model.py  +1 -2</summary>" in html
    assert '<div style="background:rgba(248,81,73,.18)">-    x = 1 &lt; 2</div>' in html
    assert '<div style="background:rgba(248,81,73,.18)">--- no heading</div>' in html
    assert '<div style="background:rgba(46,160,67,.18)">+    x = 2</div>' in html
    assert "<div>     return x</div>" in html


def test_code_is_a_plain_diff_in_a_terminal():
    text = job_diff_bundle(diff(code=(FileDifference(name="trainer/model.py", text=CODE),)))[TEXT]
    assert (
        text
        == f"- taxi-1\n+ taxi-2\nThe flags, the settings and the results are the same.\n\ntrainer/model.py\n{CODE}"[:-1]
    )


def test_what_differs_is_in_two_columns():
    bundle = job_diff_bundle(diff(flags=(row("0.1", "0.01"), row(None, "", key="kind")), results=(row("1", "2"),)))
    assert bundle[TEXT].split("\n")[2:] == [
        "The code and the settings are the same.", "",
        "FLAGS  FIRST  SECOND", "rate   0.1    0.01", 'kind   —      ""', "",
        "RESULTS  FIRST  SECOND", "rate     1      2",
    ]  # fmt: skip
    assert "The code and the settings are the same." in bundle[HTML]
    assert bundle[HTML].count("<table") == 2


def test_long_values_stand_one_below_the_other():
    text = job_diff_bundle(diff(flags=(row("x" * 90, "y" * 90), row("1", "2", key="epochs"))))[TEXT]
    assert text.split("\n")[4:] == [
        "FLAGS   FIRST  SECOND", "epochs  1      2", "rate", f"  - {'x' * 90}", f"  + {'y' * 90}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"flags": (row("1", "2"),), "settings": (row("1", "2"),), "results": (row("1", "2"),)},
            "The code is the same.",
        ),
        ({}, "The code, the flags, the settings and the results are the same."),
    ],
)
def test_what_is_the_same_is_said(fields, told):
    assert told in job_diff_bundle(diff(**fields))[TEXT]
    assert told in job_diff_bundle(diff(**fields))[HTML]


def test_nothing_is_said_to_be_the_same_where_all_differs():
    one = (row("1", "2"),)
    code = (FileDifference(name="a.bin", text="Binary files differ: 1 bytes and 2 bytes\n"),)
    bundle = job_diff_bundle(diff(code=code, flags=one, settings=one, results=one))
    assert "same" not in bundle[TEXT] + bundle[HTML]
    assert "Binary files differ" in bundle[HTML]


def test_line_ends_that_differ_look_different():
    code = FileDifference(name="a.py", text="@@ -1 +1 @@\n-x\r\n+x\n")
    assert "\n-x␍\n+x" in job_diff_bundle(diff(code=(code,)))[TEXT]


def test_nothing_hostile_gets_through():
    rows = (Difference(key=HOSTILE, first=HOSTILE, second=None),)
    code = (FileDifference(name=HOSTILE, text=f"@@ -1 +1 @@\n-{HOSTILE}\n+{HOSTILE}\n {HOSTILE}\n"),)
    bundle = job_diff_bundle(JobDiff(first=HOSTILE, second=HOSTILE, code=code, flags=rows, settings=rows, results=rows))
    assert "<script" not in bundle[HTML]
    assert "\x1b" not in bundle[HTML] + bundle[TEXT]
    assert bundle[MIME]["code"][0]["name"] == HOSTILE
