"""The process of a shadow: loads a version, answers copies of requests, compares, and tells its supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from mlmagic.runtime.linux import end_with_parent, set_process_name
from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.served import ServedVersion
from mlmagic.serving.engines.load import load_engine
from mlmagic.serving.frame_columns import handed_on_inputs
from mlmagic.serving.shadow.comparing import Comparison
from mlmagic.serving.shadow.copies import DONE, Copied, read_copy
from mlmagic.serving.shadow.work import ShadowWork
from mlmagic.serving.supervisor.channel import Channel
from mlmagic.spec.codec import decode, encode

_NICE = 10
"""What answers requests goes first."""
_AT_ONCE = 64
"""Copies that are asked together, as requests would be."""
_TELL_SECONDS = 0.5


class ShadowProcess:
    """See the module."""

    def __init__(self, work: ShadowWork, served: ServedVersion) -> None:
        outputs = served.signature.outputs
        only = outputs[0].name if len(outputs) == 1 else "prediction"
        self._served = served
        self._comparison = Comparison(only, ignored=handed_on_inputs(served.signature))
        self._address = Path(work.address)
        # More than the version's own queue takes would be refused.
        self._room = asyncio.Semaphore(min(_AT_ONCE, work.limits.queue))
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, channel: Channel) -> None:
        """Answer until the supervisor is gone."""
        self._address.unlink(missing_ok=True)
        # Nobody else may send: the folder is this user's alone, too.
        before = os.umask(0o177)
        server = await asyncio.start_unix_server(self._hear, self._address)
        os.umask(before)
        telling = asyncio.create_task(self._tell(channel))
        while await channel.hear() is not None:
            pass
        telling.cancel()
        server.close()

    async def _tell(self, channel: Channel) -> None:
        while True:
            told = {"counts": encode(self._comparison.counts), "engine": self._served.engine_kind}
            channel.tell({**told, "is_stuck": self._served.is_stuck})
            await asyncio.sleep(_TELL_SECONDS)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (copied := await read_copy(reader)) is not None:
            await self._room.acquire()
            task = asyncio.create_task(self._answer(copied, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        writer.close()

    async def _answer(self, copied: Copied, writer: asyncio.StreamWriter) -> None:
        start = perf_counter()
        try:
            reply = await self._served.predict(copied.request, copied.dialect)
            seconds = perf_counter() - start
            self._comparison.add(copied.reply, reply, served_seconds=copied.seconds, seconds=seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next one may be answered
            if not isinstance(error, RequestFailed):
                traceback.print_exception(error)
            self._comparison.failed += 1
        finally:
            self._room.release()
            with contextlib.suppress(OSError):
                writer.write(DONE)


async def _keep(connection: socket.socket) -> None:
    channel = await Channel.open(connection)
    told = await channel.hear()
    if told is None:
        return
    work: ShadowWork = decode(ShadowWork, told)
    set_process_name(f"shadow {work.endpoint}")
    version = work.version
    converted = None if version.converted is None else Path(version.converted)
    try:
        engine = await asyncio.to_thread(
            load_engine,
            Path(version.artifact),
            signature=version.signature,
            choice=version.engine,
            converted=converted,
        )
        served = ServedVersion(work.label, version.number, engine, work.limits, executor=ThreadPoolExecutor(1))
        await ShadowProcess(work, served).run(channel)
    except Exception as error:  # noqa: BLE001 - a model may raise anything, and the supervisor has to know
        text = " ".join(str(error).split())
        is_ours = type(error).__module__.startswith("mlmagic.")
        channel.tell({"error": text if is_ours else f"{type(error).__name__}: {text}"})
        await channel.hear()


def run_shadow(channel: int) -> None:
    """Be the shadow, as this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.set_inheritable(channel, False)  # noqa: FBT003 - the name of the method says what it means
    # Also with a model that never comes back. Until then, it ends when nobody listens to it.
    end_with_parent()
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    with contextlib.suppress(OSError):
        # Before any process that answers requests, when memory runs out.
        Path("/proc/self/oom_score_adj").write_text("900", "ascii")
    asyncio.run(_keep(socket.socket(fileno=channel)))
    sys.stdout.flush()
    sys.stderr.flush()
    # A model that never comes back holds a thread.
    os._exit(0)
