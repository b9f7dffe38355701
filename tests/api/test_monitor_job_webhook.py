"""Alerts sent to a real server on this machine."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime

import pytest
from support.webhooks import server

from mlmagic.api import monitor_job_webhook
from mlmagic.api.monitor import monitor
from mlmagic.api.monitor_job_webhook import Sender, body, read_webhook, shown, without_address
from mlmagic.errors import UsageError
from mlmagic.spec import codec
from mlmagic.spec.monitoring import FindingKind
from mlmagic.spec.monitoring_alert import Alert
from mlmagic.workspace.files import append, make_folder
from mlmagic.workspace.monitors import MonitorFolder

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
JOB = "rides-monitoring-20260502-000000-0a1b"


def alert(name, **fields):
    known = {"subject": "rides", "version": "taxi@1", "feature": "fare", "kind": FindingKind.NEW_VALUES, "job": JOB}
    known |= {"text": f"fare: {name}", "distance": 0.5, "threshold": 0.3, "first_seen": NOON, "last_seen": NOON}
    return Alert(id=name, **(known | fields))


@pytest.fixture
def folder(tmp_path):
    folder = MonitorFolder(tmp_path / "monitoring")
    make_folder(folder.root)
    return folder


def add(folder, *alerts):
    for each in alerts:
        append(folder.alerts, codec.dumps(each, indent=None) + "\n")


def sender(address, folder, told=None):
    lines = [] if told is None else told
    return Sender(address, folder, job=JOB, sent=folder.root / "sent.txt", tell=lines.append, first_pause=0.05)


def test_each_alert_is_sent_once(folder):
    add(folder, alert("a"), alert("b"), alert("c", job=None))
    with server() as (address, got):
        assert sender(address, folder).send()
        add(folder, alert("a", end_time=NOON))
        # Another process goes on with what is written down.
        assert sender(address, folder).send()
    assert [(code, path, sent["id"]) for code, path, sent in got] == [
        (200, "/hooks/secret", "a"),
        (200, "/hooks/secret", "b"),
    ]
    assert got[0][2] == codec.encode(alert("a")) | {"text": "Alert of rides: taxi@1: fare: a"}


def test_what_is_refused_is_sent_again(folder):
    told = []
    add(folder, alert("a"), alert("b"))
    with server(503, 302) as (address, got):
        sending = sender(address, folder, told)
        assert [sending.send() for _ in range(3)] == [False, False, True]
    assert [(code, path[-6:], sent["id"]) for code, path, sent in got] == [
        (503, "secret", "a"),
        (302, "secret", "a"),
        (200, "secret", "a"),
        (200, "secret", "b"),
    ]
    assert told == [
        "Webhook http://127.0.0.1/…: HTTP 503; it is tried again, and looking goes on.",
        "Webhook http://127.0.0.1/…: it answers again.",
    ]


def test_an_alert_that_is_refused_by_itself_holds_up_no_other(folder):
    told = []
    add(folder, alert("a"), alert("b"))
    with server(400, 200, 400) as (address, got):
        sending = sender(address, folder, told)
        assert [sending.send() for _ in range(3)] == [False, False, True]
    assert [(code, sent["id"]) for code, _, sent in got] == [(400, "a"), (200, "b"), (400, "a"), (200, "a")]
    assert told == ["Webhook http://127.0.0.1/…: HTTP 400 for alert a; it is tried again, and others are sent."]


def test_a_server_that_refuses_every_alert_is_not_sent_all_of_them(folder):
    told = []
    add(folder, *map(alert, "abcdef"))
    with server(*[400] * 4) as (address, got):
        assert not sender(address, folder, told).send()
    assert [sent["id"] for _, _, sent in got] == ["a", "b", "c", "d"]
    assert told[-1] == "Webhook http://127.0.0.1/…: HTTP 400; it is tried again, and looking goes on."


def test_its_own_thread_tries_until_it_is_taken(folder):
    add(folder, alert("a"))
    with server(503, 500) as (address, got):
        sending = sender(address, folder)
        sending.start()
        sent = folder.root / "sent.txt"
        done = threading.Event()
        for _ in range(2000):
            if sent.exists() and sent.read_text() == "a\n":
                break
            done.wait(0.02)
    assert [code for code, _, _ in got] == [503, 500, 200]


def test_nobody_there_is_told_without_the_address(folder):
    told = []
    add(folder, alert("a"))
    with server() as (address, _):
        pass
    assert not sender(address, folder, told).send()
    assert told == ["Webhook http://127.0.0.1/…: Connection refused; it is tried again, and looking goes on."]


def test_who_never_answers_is_not_waited_for(folder, monkeypatch):
    monkeypatch.setattr(monitor_job_webhook, "SECONDS", 0.1)
    told = []
    add(folder, alert("a"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/secret"
        assert not sender(address, folder, told).send()
    assert told == ["Webhook http://127.0.0.1/…: no answer within 0.1 s; it is tried again, and looking goes on."]


def test_values_are_no_commands_of_a_chat():
    told = body(alert('<!channel> &\n\x1b[1m"@all"'))["text"]
    assert told == 'Alert of rides: taxi@1: fare: &lt;!channel&gt; &amp; "@\u200ball"'


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://hooks.example.com/secret", "http://hooks.example.com/… is not encrypted: give an https address"),
        ("https://me:secret@example.com/", "an address with a user or password in it is not taken"),
        ("file:///secret", "webhook is no address"),
        ("https://[secret", "webhook is no address"),
        ("https://a.example.com/secret\n", "webhook is no address"),
        (3, "webhook must be an address, not int"),
    ],
)
def test_an_address_that_will_not_do(address, told):
    with pytest.raises(UsageError) as caught:
        read_webhook(address)
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_is_shown_without_its_path():
    address = read_webhook("https://hooks.example.com:8443/services/secret?token=secret")
    assert shown(address) == "https://hooks.example.com/…"
    typed = f"%monitor taxi --webhook '{address}' --every 5m"
    assert without_address(typed, address) == "%monitor taxi --webhook https://hooks.example.com/… --every 5m"
    parted = "%monitor taxi --webhook=\"https://hooks.example.com/\"'services secret'/x --every 5m"
    assert without_address(parted, address) == "%monitor taxi --webhook=https://hooks.example.com/… --every 5m"
    assert read_webhook("http://[::1]:80/secret") == "http://[::1]:80/secret"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"endpoint": "https://hooks.example.com/secret"},
            r"^endpoint is a web address, at hooks\.example\.com, which only webhook takes\.$",
        ),
        (
            {"endpoint": "rides", "name": "http://me:secret@localhost:80/secret"},
            r"^name is .*, at localhost:80, which",
        ),
        ({"model": "https://h?secret", "input": ["a.csv", "https://h/secret"]}, r"these .*\n.*model is.*\n.*input is"),
    ],
)
def test_an_address_in_a_wrong_place_is_not_told_in_full(session, given, told):
    with pytest.raises(UsageError, match=told) as caught:
        monitor(**given, every="5m", session=session)
    assert "secret" not in str(caught.value)
