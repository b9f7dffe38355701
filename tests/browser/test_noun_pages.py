"""The pages of models, endpoints and datasets: forms, traffic, defaults, deletion."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from support.browser_tab import violations
from support.dataset_tables import divided, rides, write_table
from support.kept_endpoints import SIGNATURE, save, until

from mlmagic.api.deployment import deploy
from mlmagic.api.endpoints import endpoint
from mlmagic.spec.dataset import DatasetOrigin
from mlmagic.spec.model import ModelOrigin


@pytest.fixture
def model(workspace, name, tmp_path):
    """A model whose version N returns x + N; it has two."""
    origin = ModelOrigin(artifact="onnx", artifact_path="model.onnx", framework="onnx", metrics={"loss": 0.25})
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        save(folder / "model.onnx", number)
        workspace.session.models.register(name, folder, origin=origin, signature=SIGNATURE, now=datetime.now(UTC))
    return name


@pytest.fixture
def deployed(workspace, model):
    """An endpoint with both versions, of which the first gets 80 of 100 requests."""
    session = workspace.session
    deploy(f"{model}@1", endpoint=model, session=session)
    deploy(f"{model}@2", endpoint=model, traffic=20, session=session)
    yield model
    session.endpoints.delete(model)


@pytest.fixture
def page_of(tab, name):
    """Open the page of a noun, in a layout of its own: layouts are restored, with pages of what is gone."""

    def open_page(noun, key):
        tab.open(f"lab/workspaces/{name}")
        tab.command("mlmagic:show-noun", noun=noun, key=key)
        page = tab.part(f"{noun}-page").and_(tab.page.locator(f"[data-name={key.partition('@')[0]}]"))
        expect(page).to_be_visible()
        return page

    return open_page


def test_a_form_is_made_of_the_signature_and_asks_the_version(tab, model, page_of):
    page = page_of("model", f"{model}@2")
    page.locator("[data-input=x]").fill("1.5")
    tab.part("action-predict", page).click()
    expect(tab.part("answer", page)).to_contain_text(f"{model}@2 answered")
    expect(tab.part("answer", page).locator("td")).to_have_text("3.500")


def test_what_is_wrong_is_told_at_its_field(tab, model, page_of):
    page = page_of("model", model)
    field = page.locator("[data-input=x]")
    field.fill("much")
    tab.part("action-predict", page).click()
    expect(tab.part("field-error", page)).to_have_text("“much” is not a number. Write it like -1.5 or 2e-3.")
    expect(field).to_be_focused()


def test_several_instances_are_asked_as_csv(tab, model, page_of):
    page = page_of("model", f"{model}@1")
    page.get_by_role("button", name="JSON or CSV").click()
    tab.part("instances", page).fill("x\n1\n2\n")
    tab.part("action-predict", page).click()
    expect(tab.part("answer", page).locator("tbody tr")).to_have_count(2)
    expect(tab.part("answer", page).locator("tbody tr").nth(1).locator("td")).to_have_text(["2", "3"])


def test_csv_whose_quotes_do_not_fit_is_refused(tab, model, page_of):
    page = page_of("model", f"{model}@1")
    page.get_by_role("button", name="JSON or CSV").click()
    tab.part("instances", page).fill('x\n1\n"2\n')
    tab.part("action-predict", page).click()
    expect(tab.part("error", page)).to_contain_text('Row 2 has a quote that does not fit: “"2')


def test_what_the_server_refuses_is_told(tab, model, page_of):
    tab.expect_complaint("status of 422")
    page = page_of("model", f"{model}@1")
    page.get_by_role("button", name="JSON or CSV").click()
    tab.part("instances", page).fill('[{"x": "much"}]')
    tab.part("action-predict", page).click()
    expect(tab.part("error", page)).to_contain_text('instances[0].x: expected a number, got "much"')


def test_another_version_becomes_the_default(tab, workspace, model, page_of):
    page = page_of("model", model)
    row = tab.part("version", page, version=2)
    tab.part("action-default", row).click()
    expect(tab.part("action-default", row)).to_have_count(0)
    expect(row).to_contain_text("default")
    assert workspace.session.models.get(model).aliases["default"] == 2


def test_a_version_is_deleted_after_a_question(tab, workspace, model, page_of):
    page = page_of("model", model)
    row = tab.part("version", page, version=2)
    tab.part("action-delete", row).click()
    tab.page.get_by_role("button", name="Delete version").click()
    expect(row).to_have_count(0)
    assert [version.number for version in workspace.session.models.versions(model)] == [1]


def test_the_default_is_shown_after_the_version_that_was_asked_for_is_deleted(tab, model, page_of):
    page = page_of("model", f"{model}@2")
    expect(page.get_by_role("heading", name=f"Ask {model}@2")).to_be_visible()
    tab.part("action-delete", tab.part("version", page, version=2)).click()
    tab.page.get_by_role("button", name="Delete version").click()
    expect(page.get_by_role("heading", name=f"Ask {model}@1")).to_be_visible()
    expect(tab.part("error", page)).to_have_count(0)


def test_a_version_is_deployed_beside_another(tab, workspace, deployed, page_of):
    endpoint(deployed, session=workspace.session).undeploy(2)
    page = page_of("model", f"{deployed}@2")
    tab.part("deploy-traffic", page).fill("25")
    expect(tab.part("deploy-command", page)).to_have_text(f"%deploy {deployed}@2 --traffic 25")
    tab.part("action-deploy", page).click()
    expect(tab.part("endpoint-page").get_by_role("slider", name=f"{deployed}@2", exact=True)).to_have_value("25")
    assert traffic(workspace, deployed) == {1: 75, 2: 25}


def test_what_cannot_be_deployed_is_told(tab, model, page_of):
    page = page_of("model", model)
    tab.part("deploy-traffic", page).fill("much")
    tab.part("action-deploy", page).click()
    expect(tab.part("error", page)).to_contain_text("Traffic is a whole number from 0 to 100.")


def test_traffic_is_moved_by_keys_and_stays_whole(tab, workspace, deployed, page_of):
    page = page_of("endpoint", deployed)
    slider = page.get_by_role("slider", name=f"{deployed}@2", exact=True)
    slider.press("ArrowRight")
    expect(page.get_by_role("slider", name=f"{deployed}@1", exact=True)).to_have_value("79")
    page.get_by_label(f"Percent of {deployed}@1").fill("40")
    expect(slider).to_have_value("60")
    tab.part("action-apply", page).click()
    until(lambda: traffic(workspace, deployed) == {1: 40, 2: 60})
    expect(page.get_by_text(f"{deployed}@2 60 %")).to_be_visible()


def test_an_endpoint_is_stopped_and_started(tab, workspace, deployed, page_of):
    page = page_of("endpoint", deployed)
    tab.part("action-stop", page).click()
    tab.page.get_by_role("button", name="Stop", exact=True).last.click()
    start = tab.part("action-start", page)
    expect(start).to_be_enabled()
    expect(tab.part("empty", page)).to_have_text("It does not serve now. Start it to ask it.")
    start.click()
    expect(page.get_by_text("✓ READY", exact=True)).to_be_visible()
    page.locator("[data-input=x]").fill("1")
    tab.part("action-predict", page).click()
    expect(tab.part("answer", page)).to_be_visible()
    until(lambda: endpoint(deployed, session=workspace.session).record.status.workers)


def test_a_page_is_found_again_after_a_reload(tab, model, page_of):
    page = page_of("model", model)
    expect(tab.part("version", page)).to_have_count(2)
    # The layout is saved a while after it has changed.
    with tab.page.expect_response(
        lambda response: "/api/workspaces" in response.url and response.request.method == "PUT"
    ):
        pass
    tab.reload()
    expect(tab.part("version", page)).to_have_count(2)


def test_a_dataset_that_is_gone_says_what_to_do(tab, name, page_of):
    page = page_of("dataset", name)
    expect(tab.part("error", page)).to_contain_text("See those that there are: %datasets")


def test_a_dataset_with_files_in_a_bucket_asks_whether_they_are_to_go(tab, workspace, name, page_of, tmp_path):
    folder, origin = write_table(tmp_path / "made", divided(rides())), DatasetOrigin(location="gs://others/data")
    workspace.session.datasets.register(name, folder, origin=origin, now=datetime.now(UTC))
    tab.expect_complaint("status of 40[04]")
    page = page_of("dataset", f"{name}@1")
    dialog = tab.page.locator(".jp-Dialog")
    tab.part("action-delete", page).click()
    expect(dialog).to_contain_text("Those in gs://others/data stay there, unless they are to go, too.")
    dialog.get_by_text("Delete its files in the bucket, too").click()
    dialog.locator(".jp-mod-accept").click()
    expect(tab.page.get_by_text("no folder that mlmagic gave to a job: nothing is deleted.")).to_be_visible()
    tab.part("action-delete", page).click()
    dialog.locator(".jp-mod-accept").click()
    expect(tab.part("error", page)).to_contain_text(f"There is no dataset {name} any more.")


def test_they_can_be_used_without_eyes(tab, model, page_of):
    page = page_of("model", model)
    expect(tab.part("model-form", page)).to_be_visible()
    assert violations(tab.page, "[data-mlm=model-page]") == []


def traffic(workspace, name):
    """Return the percentages of an endpoint's versions."""
    spec = endpoint(name, session=workspace.session).record.spec
    return {each.number: each.traffic for each in spec.deployed}
