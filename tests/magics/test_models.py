from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmagic.errors import ConflictError, NotFoundError, UsageError
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
    assert "Next: %predict taxi $data   %models diff taxi@1 taxi@2\n      %models set-default taxi@2" in shown


def test_set_default(run, taxi):
    assert run("%models set-default taxi@2").default.number == 2
    assert run("%models set-default taxi@latest").default.number == 2


def test_set_default_needs_a_version(run, taxi):
    with pytest.raises(UsageError) as caught:
        run("%models set-default taxi")
    assert str(caught.value) == "which version of taxi? Its newest is taxi@2.\n%models set-default taxi@NUMBER"


def test_the_page_of_a_version(run, taxi, capsys):
    assert str(run("%models describe taxi@latest").version) == "taxi@2"
    assert "Next: %predict taxi@2 $data   %deploy taxi@2" in capsys.readouterr().out


def test_what_to_compare_by_needs_a_bar(run, taxi):
    with pytest.raises(UsageError) as caught:
        run("%models set-default taxi@2 --metric rmse --split eval")
    assert str(caught.value) == (
        "--metric and --split say what to compare by, but not how much better the version must be.\n"
        "Add --min-improvement, such as --min-improvement 1%."
    )


def test_the_default_need_not_be_better_than_itself(run, taxi, capsys):
    assert run("%models set-default taxi@1 --min-improvement 1%").default.number == 1
    assert "taxi@1 is the default already." in capsys.readouterr().out


def test_an_alias_is_set_and_removed(run, taxi):
    assert run("%models alias taxi@2 champion").version("champion").number == 2
    with pytest.raises(UsageError) as caught:
        run("%models alias taxi@1 champion --remove")
    assert str(caught.value) == ("champion points at taxi@2, not at taxi@1.\n%models alias taxi@2 champion --remove")
    assert run("%models alias taxi@champion champion --remove").record.aliases == {"default": 1}


def test_an_alias_needs_a_version(run, taxi):
    with pytest.raises(UsageError) as caught:
        run("%models alias taxi champion")
    assert str(caught.value) == "which version of taxi? Its newest is taxi@2.\n%models alias taxi@NUMBER champion"
    with pytest.raises(UsageError, match=r"the default has a verb of its own\.\n%models set-default taxi@2"):
        run("%models alias taxi@2 default")


def test_a_version_is_deleted(run, taxi, capsys):
    assert run("%models delete taxi@2").is_done
    assert "Deleted taxi@2, 5 B. Its number is not given again." in capsys.readouterr().out
    with pytest.raises(ConflictError, match="taxi@1 cannot be deleted: taxi has no other version"):
        run("%models delete taxi@1")


def test_many_versions_are_deleted_on_a_second_word(run, taxi, capsys):
    with pytest.raises(UsageError) as caught:
        run("%models delete taxi")
    assert str(caught.value).startswith("%models delete would remove all 2 versions of taxi; nothing is deleted yet:")
    assert str(caught.value).endswith("To remove them: %models delete taxi --yes")
    assert len(run("%models delete taxi --yes").versions) == 2
    assert "Deleted the model taxi, 2 versions, 10 B:" in capsys.readouterr().out


def test_versions_are_compared(run, taxi, capsys):
    assert run("%models diff taxi@1 taxi@2").first == "taxi@1"
    shown = capsys.readouterr().out
    assert "taxi@1 and taxi@2 came without their code." in shown
    assert "neither was trained on a dataset" in shown
    run("rows = [1]")
    with pytest.raises(UsageError, match="takes the rows once"):
        run("%models diff taxi@1 taxi@2 $rows --data rides")


def test_an_import_needs_a_model(run, folder):
    with pytest.raises(UsageError, match="there is no file or folder"):
        run("%models import houses nowhere.onnx")


def test_unknown_models_offer_the_nearest(run, taxi):
    with pytest.raises(NotFoundError, match=r"Did you mean taxi\?"):
        run("%models describe taxis")
