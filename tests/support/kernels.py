"""Real kernels, driven as a notebook drives them."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Outcome:
    """What one cell gave: the text that it printed and showed, and its error."""

    text: str = ""
    error: str = ""
    displays: list[dict[str, Any]] = field(default_factory=list)


class Kernel:
    """An IPython kernel in a folder, with mlmagic loaded."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(folder), env={**os.environ, "MLMAGIC_HOME": str(folder / ".mlmagic")})
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        assert not self.run("%load_ext mlmagic").error

    def run(self, source: str, timeout: float = 120) -> Outcome:
        """Execute a cell and collect its outputs."""
        outcome = Outcome()

        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    outcome.text += content["text"]
                case "display_data" | "execute_result" | "update_display_data":
                    outcome.displays.append(content["data"])
                    outcome.text += content["data"].get("text/plain", "") + "\n"
                case "error":
                    outcome.error = _ANSI.sub("", "\n".join(content["traceback"]))

        # Lab sends the cell's id with each request; the magics keep it with the job.
        request = self.client.session.msg(
            "execute_request",
            {"code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
             "stop_on_error": True},
            metadata={"cellId": uuid.uuid4().hex},
        )  # fmt: skip
        self.client.shell_channel.send(request)
        self._collect(request["header"]["msg_id"], collect, timeout)
        return outcome

    def _collect(self, message_id: str, collect: Callable[[dict[str, Any]], None], timeout: float) -> None:
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            collect(message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return

    def value(self, expression: str) -> Any:
        """Return the value of an expression of literals."""
        import ast

        outcome = self.run(f"print(repr({expression}))")
        assert not outcome.error, outcome.error
        return ast.literal_eval(outcome.text.strip().splitlines()[-1])

    def kill(self) -> None:
        """SIGKILL, as the kernel's memory limit or an impatient user would."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
