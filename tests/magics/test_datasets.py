"""`%datasets`."""

from __future__ import annotations

import pytest
from support.dataset_tables import divided, register, rides

from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import current_session

VEGA = "application/vnd.vegalite.v5+json"


@pytest.fixture
def taxi(run):
    """A dataset with two versions."""
    for seed in (1, 2):
        register(current_session(), "taxi", divided(rides(100, seed=seed)), target="fare")


def test_an_empty_list_says_what_to_do(run, capsys):
    run("%datasets")
    assert "No datasets yet. Raw files become one with %%preprocess NAME" in capsys.readouterr().out


def test_list_and_page(run, taxi, capsys):
    assert [str(dataset) for dataset in run("%datasets")] == ["taxi@2"]
    assert str(run("%datasets describe taxi@1 --columns fare,p*").version) == "taxi@1"
    shown = capsys.readouterr().out
    assert "taxi     taxi@2         2   100        7  fare" in shown
    assert "taxi@1  (newest is @2)" in shown
    assert "4 of 7 columns." in shown


def test_plot_in_a_terminal(run, taxi, capsys):
    assert run("%datasets plot taxi --columns fare").columns == ("fare",)
    assert "fare (target)" in capsys.readouterr().out


def test_diff_of_two_and_of_one_with_the_one_before(run, taxi):
    assert (run("%datasets diff taxi@2 taxi@1").second, run("%datasets diff taxi").second) == ("taxi@1", "taxi@2")


def test_delete_needs_a_version(run, taxi, capsys):
    with pytest.raises(UsageError) as caught:
        run("%datasets delete taxi")
    assert str(caught.value) == "which version of taxi? There is taxi@1, taxi@2.\n%datasets delete taxi@NUMBER"
    assert str(run("%datasets delete taxi@1").version) == "taxi@1"
    assert "Deleted taxi@1" in capsys.readouterr().out


def test_files_in_a_bucket_go_or_stay_not_both(run, taxi):
    with pytest.raises(UsageError, match="--yes deletes the files in the bucket, and --keep-files leaves them"):
        run("%datasets delete taxi@1 --yes --keep-files")


def test_what_is_not_there_offers_the_nearest(run, taxi):
    with pytest.raises(NotFoundError, match=r"Did you mean taxi\?"):
        run("%datasets describe taxis")
    with pytest.raises(UsageError, match=r"'fair': no such column. Did you mean fare"):
        run("%datasets plot taxi --columns fair")


def test_help(run, capsys):
    run("%datasets --help")
    run("%datasets plot --help")
    shown = capsys.readouterr().out
    assert "%datasets diff A [B]" in shown
    assert "draw columns, train and eval in one chart".capitalize() in shown


def test_a_kernel_shows_charts_and_table_as_two_outputs(kernel, taxi):
    data = [content["data"] for content in kernel.run("%datasets plot taxi").of("display_data")]
    assert [VEGA in each for each in data] == [True, False]
    assert ["text/html" in each for each in data] == [False, True]


def test_a_kernel_without_the_extension_shows_the_charts(kernel, taxi):
    kernel.run("from mlmagic.api.datasets import dataset\n%unload_ext mlmagic")
    (shown,) = kernel.run("dataset('taxi').plot()").of("execute_result")
    assert VEGA in shown["data"]
