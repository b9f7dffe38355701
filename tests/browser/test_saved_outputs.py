"""Outputs of notebooks that were saved: of jobs that nobody knows, of untrusted notebooks, with hostile HTML."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from support.browser_notebook import Notebook

JOB_TYPE = "application/vnd.mlmagic.job+json"
MODELS_TYPE = "application/vnd.mlmagic.models+json"

# Each of them runs where HTML is taken as it comes, or where one of the tricks that sanitisers fell for works.
HOSTILE = """
<div style="position:fixed;inset:0;background:url(x)" onclick="window.harm=1">words that stay</div>
<img src=x onerror="window.harm=1"><script>window.harm=1</script><svg onload="window.harm=1"></svg>
<svg><a href="javascript:window.harm=1"><circle r="5"/></a>
<foreignObject><img src=x onerror="window.harm=1"></foreignObject></svg>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.harm=1&gt;"></table>
</math>
<noscript><p title="</noscript><img src=x onerror=window.harm=1>"></noscript>
<details open ontoggle="window.harm=1"><summary>more</summary></details>
<iframe srcdoc="<script>parent.harm=1</script>"></iframe><iframe src="javascript:parent.harm=1"></iframe>
<iframe src="lab"></iframe><form action="x"><input autofocus onfocus="window.harm=1"></form>
<a href="javascript:window.harm=1">link</a><base href="http://harm.invalid/"><template><b>t</b></template>
"""


@pytest.fixture
def saved(tab, name):
    """Open a notebook with one output, as if it came from somebody else."""

    def open_saved(bundle):
        document = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [
                {"cell_type": "code", "id": "a", "source": "x", "metadata": {}, "execution_count": 1,
                 "outputs": [{"output_type": "display_data", "metadata": {}, "data": bundle}]}
            ],
        }  # fmt: skip
        (tab.server.root / f"{name}.ipynb").write_text(json.dumps(document))
        tab.open(f"lab/workspaces/{name}/tree/{name}.ipynb")
        output = Notebook(tab, f"{name}.ipynb").output(0)
        expect(output).to_be_visible()
        return output

    return open_saved


def payload(job_id):
    return {"schemaVersion": 1, "record": {"id": job_id, "state": "RUNNING"}}


def test_a_job_that_nobody_knows_is_shown_as_it_was_saved(tab, saved, name):
    output = saved({JOB_TYPE: payload(name), "text/html": "<p>epoch 3 of 9</p>", "text/plain": "epoch 3 of 9"})
    expect(output).to_contain_text("epoch 3 of 9")
    expect(tab.part("output-note", output)).to_contain_text("As it was saved: this server does not know the job.")
    expect(tab.part("action-cancel", output)).to_be_hidden()


def test_nothing_that_was_saved_is_run(tab, saved, name):
    output = saved({JOB_TYPE: payload(name), "text/html": HOSTILE, "text/plain": ""})
    expect(output).to_contain_text("words that stay")
    expect(
        output.locator("img, script, iframe, form, input, base, style, math, template, foreignObject")
    ).to_have_count(0)
    assert (
        output.evaluate(
            "node => [...node.querySelectorAll('*')].flatMap(each => each.getAttributeNames())"
            ".filter(name => name.startsWith('on') || name === 'href' || name === 'id')"
        )
        == []
    )
    assert output.locator("div", has_text="words that stay").last.get_attribute("style") == ""
    assert tab.page.evaluate("() => window.harm") is None


def test_pictures_are_drawn_in_untrusted_notebooks(tab, saved):
    circle = '<circle cx="4" cy="4" r="3"><title>x</title></circle>'
    picture = f'<div><svg viewBox="0 0 9 9" width="90" height="90">{circle}</svg></div>'
    output = saved({MODELS_TYPE: {}, "text/html": picture, "text/plain": "a picture"})
    expect(output.locator("svg circle")).to_be_visible()


def test_an_untrusted_notebook_changes_nothing(tab, saved, workspace, name):
    job = workspace.start(name)
    output = saved({JOB_TYPE: payload(job.id), "text/html": "<p>old</p>", "text/plain": "old"})
    tab.until_state(output, "RUNNING")
    expect(tab.part("action-cancel", output)).to_be_disabled()
    expect(tab.part("action-board", output)).to_be_disabled()
    expect(tab.part("action-open", output)).to_be_enabled()
    job.succeed()


def test_what_was_opened_stays_open_while_the_job_goes_on(tab, saved, workspace, name):
    job = workspace.start(name)
    output = saved({JOB_TYPE: payload(job.id), "text/html": "<p>old</p>", "text/plain": "old"})
    details = output.locator("details", has=tab.page.get_by_text("Details", exact=True))
    details.locator("summary").click()
    job.say("a line that came later")
    job.succeed()
    expect(output).to_contain_text("a line that came later")
    expect(output).to_contain_text("✓ SUCCEEDED")
    expect(details).to_have_attribute("open", "")
