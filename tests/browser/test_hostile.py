"""Whatever a job prints, is called or measures is text: nothing of it becomes a part of the page, and nothing runs."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from support.browser_notebook import open_notebook
from support.browser_panel import open_panel

ATTACK = "<img src=x onerror=\"window.wasRun='{where}'\"><script>window.wasRun='{where}'</script>"
RED = "\x1b[31mred\x1b[0m"


def attack(where):
    return ATTACK.format(where=where)


@pytest.fixture
def hostile(workspace, name):
    """A job that fails, and has markup wherever there can be any."""
    job = workspace.start(name, args=(), invocation=f"%%train {name} --label {attack('invocation')}")
    job.say(attack("log"))
    job.say(RED)
    job.say(f"\x1b]8;;javascript:window.wasRun='link'\x07link\x1b]8;;\x07 {attack('ansi')}")
    job.say("x" * 1_000_000 + attack("long line"))
    for step in range(3):
        job.measure(step, **{f"epoch_{attack('metric')}": 1.0 / (step + 1), "epoch_loss": 1.0})
    job.fail(attack("error"))
    return job


def assert_harmless(tab):
    assert tab.page.evaluate("() => window.wasRun ?? null") is None
    assert tab.page.locator("img[src='x'], script:text('wasRun'), a[href^='javascript:']").count() == 0


def test_the_list_and_the_page_of_a_hostile_job_are_text(tab, hostile):
    tab.open()
    panel = open_panel(tab)
    expect(panel.row(hostile.id)).to_contain_text("<img src=x")
    page = panel.open_page(hostile.id)
    for part in ("overview", "logs", "curves", "usage", "code"):
        tab.part(f"page-tab-{part}", page).click()
        expect(tab.part(f"page-part-{part}", page)).to_be_visible()
        expect(tab.part(f"page-part-{part}", page)).not_to_be_empty()
        assert_harmless(tab)
    tab.part("page-tab-curves", page).click()
    expect(tab.part("curve", page)).to_have_count(2)
    assert_harmless(tab)


def test_a_log_has_its_colours_and_cuts_long_lines(tab, hostile):
    tab.open()
    page = open_panel(tab).open_page(hostile.id)
    tab.part("page-tab-logs", page).click()
    lines = tab.part("log-lines", page)
    expect(lines).to_contain_text("<script>window.wasRun='log'</script>")
    expect(lines.locator("[data-line='3'] span[style*='color'], [data-line='3'] span[class*='ansi']")).to_have_text(
        "red"
    )
    assert "\x1b" not in lines.inner_text()
    assert len(tab.part("log-line", lines, line=5).inner_text()) < 20_000
    assert_harmless(tab)


def test_the_saved_output_of_a_job_that_nobody_knows_has_no_scripts(tab, workspace, hostile, name):
    """A notebook from elsewhere, whose output was changed by somebody."""
    bundle = workspace.job(hostile.id)._repr_mimebundle_()
    bundle["text/html"] += attack("saved output") + "<p id=seen>seen</p>"
    told = json.dumps(bundle).replace(hostile.id, f"{name}-20200101-000000-abcd")
    source = f"from IPython.display import display\nimport json\ndisplay(json.loads({told!r}), raw=True)"
    notebook = open_notebook(tab, f"{name}.ipynb", source)
    notebook.run(0)
    expect(notebook.output(0)).to_contain_text("<img src=x")
    expect(notebook.output(0)).to_contain_text("seen")
    assert_harmless(tab)


def test_signs_that_turn_text_around_do_not_reach_the_list(tab, workspace, name):
    job = workspace.start(name)
    job.fail("\u202eelbasrever\u2066 \x07")
    tab.open()
    row = open_panel(tab).row(job.id)
    expect(row).to_contain_text("\ufffdelbasrever\ufffd")
    assert not set(row.inner_text()) & set("\u202e\u2066\x07")
    assert not set(row.locator("[title]").last.get_attribute("title") or "") & set("\u202e\u2066\x07")
