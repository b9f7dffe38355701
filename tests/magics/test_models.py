from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import current_session
from mlmagic.spec.model import ModelOrigin

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def taxi(run, folder):
    """A model with two versions."""
    for number in (1, 2):
        artifact = folder / f"artifact-{number}"
        artifact.mkdir()
        (artifact / "saved_model.pb").write_bytes(b"model")
        store = current_session().models
        store.register("taxi", artifact, origin=ModelOrigin(), signature=None, set_default=False, now=NOW)


def test_an_empty_list_says_what_to_do(run, capsys):
    run("%models")
    assert "No models yet. A job that writes one makes it: %%train NAME." in capsys.readouterr().out


def test_list_and_page(run, taxi, capsys):
    assert [model.name for model in run("%models")] == ["taxi"]
    assert run("%models describe taxi").default.number == 1
    shown = capsys.readouterr().out
    assert "taxi   taxi@1   taxi@2  2" in shown
    assert "Next: %predict taxi $data   %models set-default taxi@2" in shown


def test_set_default(run, taxi):
    assert run("%models set-default taxi@2").default.number == 2
    assert run("%models set-default taxi@latest").default.number == 2


def test_set_default_needs_a_version(run, taxi):
    with pytest.raises(UsageError) as caught:
        run("%models set-default taxi")
    assert str(caught.value) == "which version of taxi? Its newest is taxi@2.\n%models set-default taxi@NUMBER"


def test_a_version_has_no_page_of_its_own(run, taxi):
    with pytest.raises(UsageError) as caught:
        run("%models describe taxi@2")
    assert str(caught.value) == "taxi@2 is a version; its model has the page.\n%models describe taxi"


def test_unknown_models_offer_the_nearest(run, taxi):
    with pytest.raises(NotFoundError, match=r"Did you mean taxi\?"):
        run("%models describe taxis")
