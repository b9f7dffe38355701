from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from mlmagic.serving.supervisor.apology import reply
from mlmagic.serving.supervisor.listening import is_bound_to, listen
from mlmagic.serving.supervisor.mailbox import Mailbox


def test_each_kind_of_client_reads_the_apology() -> None:
    plain = reply(b"POST /v1/models/taxi:predict HTTP/1.1\r\n\r\n", "it is gone")
    vertex = reply(b"POST /v1/projects/p/locations/l/endpoints/e:predict HTTP/1.1\r\n\r\n", "it is gone")
    assert plain.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert json.loads(plain.partition(b"\r\n\r\n")[2]) == {"error": "it is gone"}
    assert json.loads(vertex.partition(b"\r\n\r\n")[2])["error"]["status"] == "UNAVAILABLE"


def test_a_mailbox_takes_messages_with_descriptors_and_drops_what_is_none(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path / "box")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller, (tmp_path / "file").open("w") as file:
        caller.sendto(b"nonsense", str(mailbox.path))
        caller.sendto(b'{"do": 1}', str(mailbox.path))
        caller.connect(str(mailbox.path))
        socket.send_fds(caller, [b"nonsense"], [file.fileno()])
        socket.send_fds(caller, [b'{"do": "take"}'], [file.fileno()])
        [(message, descriptor)] = mailbox.receive()
    assert message == {"do": "take"}
    assert descriptor is not None
    os.close(descriptor)
    mailbox.close()
    assert not mailbox.path.exists()


def test_a_mailbox_leaves_the_one_that_took_its_place(tmp_path: Path) -> None:
    first = Mailbox(tmp_path / "box")
    second = Mailbox(tmp_path / "box")
    first.close()
    assert second.path.exists()
    second.close()


def test_a_listener_knows_where_it_listens() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert is_bound_to(listener, "localhost", port)
        assert not is_bound_to(listener, "127.0.0.1", port + 1)
