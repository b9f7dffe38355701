"""Saved notebooks, as nbconvert shows them."""

from __future__ import annotations

import nbformat
from nbconvert import HTMLExporter

from mlmagic.panels.job import job_bundle


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
