"""The trials of a study: their table, and their lines across the parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from playwright.sync_api import expect
from support.browser_tab import violations
from support.kept_endpoints import until
from support.studies import study_spec, submit_study

from mlmagic.spec.names import trial_job_id
from mlmagic.spec.study import Measurement, Trial, TrialState
from mlmagic.workspace.studies import open_trials, read_study


@pytest.fixture(scope="module")
def study(workspace):
    """A study whose four trials have ended."""
    backend = workspace.session.backend()
    job = submit_study(backend, study=study_spec(trials=4, parallel=2))
    until(lambda: backend.get(job.id).state.is_final)
    return read_study(workspace.session.location, job.id)


@pytest.fixture
def page_of(tab):
    """Open the trials of a study."""

    def open_page(study_id):
        tab.open()
        tab.command("mlmagic:show-page", noun="job", key=study_id, part="trials")
        page = tab.part("page-part-trials", tab.part("job-page", job_id=study_id))
        expect(tab.part("trials-plot", page)).to_be_visible()
        return page

    return open_page


def test_each_trial_is_a_row_and_a_line_and_the_best_is_marked(tab, study, page_of):
    page = page_of(study.id)
    expect(tab.part("trial", page)).to_have_count(4)
    expect(tab.part("trials-line", page)).to_have_count(4)
    expect(tab.part("trials-line", page, best="true")).to_have_attribute("data-trial", str(study.best.number))
    expect(tab.part("trial", page, trial=study.best.number)).to_contain_text("★")


def test_axes_are_those_of_the_search_space(tab, study, page_of):
    page = page_of(study.id)
    axis = tab.part("trials-axis", page, axis="lr")
    heights = [tick_height(axis, text) for text in ("0.0001", "0.001", "0.01", "0.1", "1")]
    steps = {round(lower - higher) for lower, higher in pairwise(heights)}
    assert max(steps) - min(steps) <= 1, "powers of ten are equally far from each other"
    expect(tab.part("trials-axis", page, axis="loss")).to_contain_text("▼ better")


def test_what_is_drawn_along_an_axis_chooses_trials(tab, study, page_of):
    page = page_of(study.id)
    expected = [trial.number for trial in study.trials if float(trial.parameters["units"]) >= 33]
    axis = tab.part("trials-axis", page, axis="units").locator(".mlm-trials-reach")
    box = axis.bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"])
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    tab.page.mouse.up()
    expect(tab.part("trials-shown", page)).to_have_text(f"{len(expected)} of 4 trials")
    assert shown(tab, page) == expected
    tab.part("trials-free", page).click()
    assert shown(tab, page) == [1, 2, 3, 4]


def test_keys_choose_trials_as_well(tab, study, page_of):
    page = page_of(study.id)
    best = study.best.number
    lower = page.get_by_role("slider", name="lr, from")
    lower.focus()
    for _ in study.spec.parameters:
        tab.page.keyboard.press("ArrowRight")
    expect(page.get_by_role("slider", name="loss, from")).to_be_focused()
    upper = page.get_by_role("slider", name="loss, to")
    upper.focus()
    while len(shown(tab, page)) > 1:
        upper.press("ArrowDown")
    assert shown(tab, page) == [best]
    upper.press("Escape")
    expect(tab.part("trial", page).filter(visible=True)).to_have_count(4)


def test_a_row_and_its_line_stand_out_together(tab, study, page_of):
    page = page_of(study.id)
    row = tab.part("trial", page, trial=3)
    row.hover()
    line = tab.part("trials-line", page, trial=3).get_attribute("d")
    expect(tab.part("trials-pointed", page)).to_have_attribute("d", line)
    row.get_by_role("checkbox").focus()
    tab.page.mouse.move(0, 0)
    x, y = point_on(tab, page, 2)
    tab.page.mouse.move(x, y)
    expect(tab.part("trial", page, trial=2)).to_have_attribute("data-pointed", "true")
    expect(tab.part("trials-told", page)).to_contain_text("#2 · succeeded")
    tab.page.mouse.click(x, y)
    expect(tab.part("trial", page, trial=2).get_by_role("button")).to_be_focused()


def test_the_table_is_sorted_by_keys(tab, study, page_of):
    page = page_of(study.id)
    page.get_by_role("button", name="loss").press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("loss")
    assert shown(tab, page)[0] == study.best.number
    page.get_by_role("button", name="loss").press("Enter")
    assert shown(tab, page)[-1] == study.best.number


def test_they_can_be_used_without_eyes(tab, study, page_of):
    page_of(study.id)
    assert violations(tab.page, "[data-mlm=page-part-trials]") == []


def test_a_thousand_trials_are_drawn_and_chosen_from(tab, workspace, page_of):
    backend = workspace.session.backend()
    study_id = submit_study(backend, study=study_spec(trials=1), name="thousand").id
    until(lambda: backend.get(study_id).state.is_final)
    write_trials(workspace.session.location, study_id, range(2, 1_001))
    page = page_of(study_id)
    expect(tab.part("trials-line", page)).to_have_count(1_000)
    page.get_by_role("slider", name="units, from").press("End")
    expect(tab.part("trials-shown", page)).to_have_text("100 of 1,000 trials")


def write_trials(workspace, study_id, numbers):
    """Write trials as the study itself does; a hundred of them have most units."""
    with open_trials(workspace.job(study_id)) as log:
        for number in numbers:
            units = 64 if number > 900 else number % 60 + 1
            log.write(
                Trial(
                    number=number,
                    parameters={"lr": repr(10 ** -(number % 40 / 10)), "units": str(units)},
                    state=TrialState.SUCCEEDED,
                    job=trial_job_id(study_id, number),
                    suggest_time=datetime.now(UTC),
                    final=Measurement(step=1, value=number % 97 / 97),
                )
            )


def shown(tab, page):
    """Return the numbers of the trials in the table, in its order."""
    # All at one moment: rows go while keys are held.
    rows = "rows => rows.filter(row => row.checkVisibility()).map(row => Number(row.dataset.trial))"
    return tab.part("trial", page).evaluate_all(rows)


def tick_height(axis, text):
    """Return where a value of an axis stands, in pixels."""
    return axis.locator("text.mlm-trials-tick").get_by_text(text, exact=True).bounding_box()["y"]


def point_on(tab, page, trial):
    """Return a place on the line of a trial, a little beside its first axis."""
    return tab.part("trials-line", page, trial=trial).evaluate(
        """line => {
            const { left, top } = line.ownerSVGElement.getBoundingClientRect();
            const { x, y } = line.getPointAtLength(line.getTotalLength() / 12);
            return [left + x, top + y];
        }"""
    )
