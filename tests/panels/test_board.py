from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mlmagic.panels import board_bundle, boards_bundle
from mlmagic.panels.board import LIST_MIME_TYPE, MIME_TYPE
from mlmagic.spec.board import BoardPage, BoardSource, BoardSpec

URL = "http://127.0.0.1:40000/secret/"


@pytest.fixture
def page(now):
    sources = (
        BoardSource(name="flights", job="flights-20261121-092000-cd34", is_study=True, best=5),
        BoardSource(name="<b>'\"&", folder="/logs/<b>'\"&"),
    )
    spec = BoardSpec(sources=sources, workspace="/here/.mlmagic")
    started = now - timedelta(minutes=3)
    words = {"title": spec.title, "command": spec.command}
    return BoardPage(key="b" + 15 * "0", spec=spec, url=URL, is_running=True, start_time=started, **words)


def test_a_board_is_a_frame_in_a_notebook_and_an_address_in_a_terminal(page):
    bundle = board_bundle(page)
    assert f'<a href="{URL}" target="_blank" rel="noopener noreferrer">' in bundle["text/html"]
    assert all(
        part in bundle["text/html"] for part in (f' src="{URL}"', ' height="800"', "Reachable from this machine")
    )
    assert bundle["text/plain"].split("\n")[:2] == ["TensorBoard of flights, <b>'\"&", f"  {URL}"]
    assert bundle["text/plain"].endswith(f"Stop it: {page.spec.stop_command}")
    assert page.spec.stop_command.startswith("%tensorboard --stop flights-20261121-092000-cd34 --logdir ")
    assert bundle[MIME_TYPE]["url"] == URL


def test_behind_a_server_it_is_found_below_its_base_url_and_nothing_is_secret(page):
    served = replace(page, url=None, path=f"mlmagic/tensorboard/{page.key}/")
    bundle = board_bundle(served, base_url="/user/ada/")
    address = f"/user/ada/mlmagic/tensorboard/{page.key}/"
    assert f' src="{address}"' in bundle["text/html"]
    assert "who is logged in to this Jupyter server" in bundle["text/html"]
    assert bundle["text/plain"].split("\n")[1] == f"  {address} of this Jupyter server"
    assert (bundle[MIME_TYPE]["path"], "url" in bundle[MIME_TYPE]) == (address.removeprefix("/user/ada/"), False)
    assert "secret" not in str(bundle)
    assert f'href="{address}"' in boards_bundle([served], base_url="/user/ada/")["text/html"]


def test_names_are_shown_as_they_are(page):
    for bundle in (board_bundle(page), boards_bundle([page]), board_bundle(replace(page, is_running=False))):
        assert "<b>" not in bundle["text/html"]
        assert "&lt;b&gt;&#x27;&quot;&amp;" in bundle["text/html"]


def test_one_that_ended_says_how_it_is_started_again(page):
    bundle = board_bundle(replace(page, is_running=False))
    assert "<iframe" not in bundle["text/html"]
    assert URL not in bundle["text/html"]
    assert bundle["text/plain"] == (
        "TensorBoard of flights, <b>'\"&: ended\n"
        "Start it again: %tensorboard flights-20261121-092000-cd34 --logdir '/logs/<b>'\"'\"'\"&' --best 5"
    )


def test_boards_are_listed(page, now):
    bundle = boards_bundle([page, replace(page, is_running=False)], now=now)
    lines = bundle["text/plain"].split("\n")
    assert [line.split()[-4:] for line in lines[1:3]] == [["runs", "3", "min", "ago"], ["ended", "3", "min", "ago"]]
    assert lines[3:] == [URL]
    assert bundle["text/html"].count(f'href="{URL}"') == 1
    assert len(bundle[LIST_MIME_TYPE]["boards"]) == 2


def test_without_any_it_is_said_how_one_is_started():
    bundle = boards_bundle([])
    assert bundle["text/plain"] == "No TensorBoard runs. One is started with %tensorboard JOB."
    assert bundle[LIST_MIME_TYPE]["boards"] == []
