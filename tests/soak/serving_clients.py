"""Clients that ask an endpoint all the time, each over a connection that it keeps, and note what became of it."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from dataclasses import dataclass, field

PAUSE_SECONDS = 0.04
ANSWER_SECONDS = 30.0


@dataclass(slots=True)
class Outcome:
    """What became of a request. Times are monotonic."""

    start: float
    end: float
    value: float
    status: int = 0
    """0: the connection was lost."""
    answer: float | None = None
    version: str = ""
    retry_after: str = ""
    problem: str = ""


@dataclass
class Clients:
    """So many clients, in a thread of their own."""

    port: int
    token: str
    path: str
    count: int = 64
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._ask_on(random.Random(seed)) for seed in range(self.count)))  # noqa: S311

    async def _ask_on(self, chance: random.Random) -> None:
        connection: Connection | None = None
        while not self._is_over.is_set():
            outcome = Outcome(time.monotonic(), 0.0, float(chance.randrange(1000)))
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    connection = connection or await Connection.open(self.port)
                    is_kept = await connection.ask(self.path, self.token, outcome)
                if not is_kept:
                    connection.close()
                    connection = None
            except (OSError, EOFError, TimeoutError) as error:
                outcome.problem = f"{type(error).__name__}: {error}"
                if connection is not None:
                    connection.close()
                    connection = None
            outcome.end = time.monotonic()
            self.outcomes.append(outcome)
            await asyncio.sleep(PAUSE_SECONDS * chance.random())
        if connection is not None:
            connection.close()


class Connection:
    """A connection that is kept as long as the server wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, path: str, token: str, outcome: Outcome) -> bool:
        """Ask for one prediction; say whether the connection may be used again."""
        body = json.dumps({"instances": [outcome.value]}).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}"
        )
        self._writer.write(f"{head}\r\n\r\n".encode() + body)
        told = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in told[1:])}
        answer = json.loads(await self._reader.readexactly(int(headers["content-length"])))
        outcome.status = int(told[0].split()[1])
        outcome.version = headers.get("x-mlmagic-version", "")
        outcome.retry_after = headers.get("retry-after", "")
        if outcome.status == 200:
            outcome.answer = answer["predictions"][0]
        else:
            outcome.problem = str(answer)
        return headers.get("connection") != "close"

    def close(self) -> None:
        self._writer.close()
