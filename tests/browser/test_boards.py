"""A TensorBoard in the output of a cell, below the address of its server and behind the login."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect
from support.boards import no_board_left, write_events
from support.browser_notebook import LOAD, open_notebook
from support.browser_server import PREFIX

from mlmagic.api.boards import boards, tensorboard
from mlmagic.session import Session


@pytest.fixture
def session(server):
    """A session on the server's workspace; what boards a test starts are ended."""
    with no_board_left(Session(environ={**os.environ, "MLMAGIC_HOME": str(server.workspace)})) as session:
        yield session


@pytest.fixture
def board(server, session, name):
    """A board over a folder of logs."""
    write_events(server.root / name / "train", 0.5, 0.25)
    return tensorboard(logdir=server.root / name, session=session)


def test_its_curve_is_seen_in_an_output(tab, board, name):
    notebook = open_notebook(tab, f"{name}.ipynb", LOAD, f"%tensorboard --logdir {name}")
    notebook.run(0)
    notebook.run(1)
    frame = notebook.cell(1).frame_locator("iframe")
    expect(frame.locator("line-chart").first).to_be_visible()
    assert frame.locator("body").evaluate("() => location.pathname") == f"{PREFIX}mlmagic/tensorboard/{board.key}/"


def test_one_that_ended_is_started_again_by_a_button(new_context, server, session, board):
    board.stop()
    # No tab that complains of what is answered: that it is gone is what is to be shown.
    page = new_context().new_page()
    page.goto(server.address(f"mlmagic/tensorboard/{board.key}/"))
    expect(page.get_by_text(board.spec.command)).to_be_visible()
    page.get_by_role("button", name="Start it again").click()
    expect(page.locator("line-chart").first).to_be_visible()
    assert [one.key for one in boards(session=session)] == [board.key]
