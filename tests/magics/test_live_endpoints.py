from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from mlmagic.errors import WorkspaceError
from mlmagic.magics.live_endpoints import EndpointPanel, Progress
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointSpec, EndpointState, EndpointStatus
from mlmagic.spec.endpoint_page import EndpointPage

NOW = datetime(2026, 1, 31, tzinfo=UTC)


class Publisher:
    """Keeps what is displayed, and whether it is in the place of what was."""

    is_live = True

    def __init__(self):
        self.shown = []

    def publish(self, bundle, *_, update=False, is_update=False, **__):
        self.shown.append((bundle["text/plain"].split("\n")[0], update or is_update))


class Endpoint:
    """An endpoint that is as it is told to be."""

    def __init__(self):
        spec = EndpointSpec(
            name="rides", model="taxi", deployed=(DeployedVersion(number=1),), port=1, create_time=NOW, update_time=NOW
        )
        status = EndpointStatus(state=EndpointState.STARTING, start_time=NOW, update_time=NOW)
        self.record = EndpointRecord(spec=spec, status=status)

    def comes_to(self, state, generation=0):
        status = dataclasses.replace(self.record.status, state=EndpointState(state), generation=generation)
        self.record = dataclasses.replace(self.record, status=status)

    def describe(self):
        if self.record is None:
            raise WorkspaceError("gone")
        return EndpointPage(record=self.record)


@pytest.fixture
def endpoint():
    return Endpoint()


def test_a_page_is_drawn_when_there_is_news_until_it_has_settled(endpoint):
    publisher = Publisher()
    panel = EndpointPanel(endpoint, publisher)
    panel.draw()
    panel.follow()
    assert (len(publisher.shown), panel.is_over) == (1, False)
    endpoint.comes_to("READY", generation=1)
    panel.follow()
    assert [is_update for _, is_update in publisher.shown] == [False, True]
    assert publisher.shown[-1][0].startswith("✓ READY  rides")
    assert panel.is_over


def test_a_page_of_what_cannot_be_read_is_given_up(endpoint):
    panel = EndpointPanel(endpoint, Publisher())
    endpoint.record = None
    for _ in range(60):
        assert not panel.is_over
        panel.follow()
    assert panel.is_over


def test_a_line_tells_each_change_once_and_goes(endpoint):
    panels = Publisher()
    with Progress(panels) as progress:
        progress(endpoint.record)
        progress(endpoint.record)
        endpoint.comes_to("READY", generation=1)
        progress(endpoint.record)
    assert [text for text, _ in panels.shown][1:] == ["✓ rides: Serves taxi@1 with 0 workers.", ""]
    assert [is_update for _, is_update in panels.shown] == [False, True, True]


def test_the_last_line_of_a_failure_stays(endpoint):
    panels = Publisher()

    def wait():
        with Progress(panels) as progress:
            progress(endpoint.record)
            raise WorkspaceError("gone")

    with pytest.raises(WorkspaceError):
        wait()
    assert len(panels.shown) == 1


def test_in_a_terminal_all_lines_stay(endpoint):
    panels = Publisher()
    panels.is_live = False
    with Progress(panels) as progress:
        progress(endpoint.record)
        endpoint.comes_to("READY", generation=1)
        progress(endpoint.record)
    assert [is_update for _, is_update in panels.shown] == [False, False]


def test_nothing_is_said_where_nothing_is_waited_for():
    panels = SimpleNamespace(is_live=True)
    with Progress(panels):
        pass
