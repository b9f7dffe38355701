"""Saved notebooks, as nbconvert shows them."""

from __future__ import annotations

import nbformat
from nbconvert import HTMLExporter

from mlmagic.panels import comparison_bundle, description_bundle, job_bundle, job_diff_bundle
from mlmagic.spec.job import JobState
from mlmagic.spec.report import ComparedJob, Comparison, FileDifference, JobDiff, Progress


def page_with(bundle: dict[str, object]) -> str:
    output = nbformat.v4.new_output("display_data", data=bundle)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%%train taxi", outputs=[output])])
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    return str(page)


def test_a_saved_job_is_shown_as_a_panel(record) -> None:
    page = page_with(job_bundle(record(), "epoch 1\n"))
    assert record().id in page
    assert "epoch 1" in page
    assert "application/vnd.mlmagic" not in page


def test_what_a_program_printed_stays_text_in_a_page(record) -> None:
    page = page_with(job_bundle(record(), "<img src=x onerror=alert(1)>\n"))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_charts_and_progress_are_drawn_in_a_page(describe, sample, now) -> None:
    shown = describe(usage=[sample(2), sample(1)], progress=Progress(epoch=1, epochs=2), metrics={"loss": 0.25})
    page = page_with(description_bundle(shown, now=now))
    assert 'aria-label="cores of chief-0' in page
    assert 'role="progressbar"' in page
    assert "0.2500" in page


def test_comparisons_and_differences_are_tables_in_a_page() -> None:
    jobs = (ComparedJob(id="taxi-1", display_name="taxi", state=JobState.SUCCEEDED, flags={"rate": "<0.1>"}),)
    assert "&lt;0.1&gt;" in page_with(comparison_bundle(Comparison(jobs=jobs, flags=("rate",))))
    code = (FileDifference(name="a.py", text="@@ -1 +1 @@\n-<img src=x>\n"),)
    page = page_with(job_diff_bundle(JobDiff(first="taxi-1", second="taxi-2", code=code)))
    assert "-&lt;img src=x&gt;" in page
