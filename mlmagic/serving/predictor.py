"""The kernel's end of a serving process: started when it is needed, started again when it died."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlmagic.errors import MissingDependencyError, PredictionError
from mlmagic.serving.child import Child, ChildDiedError, Quicker
from mlmagic.spec.codec import decode
from mlmagic.spec.model import Signature

START_SECONDS = 180.0
ANSWER_SECONDS = 600.0

_INSTALL_TENSORFLOW = 'Install TensorFlow: %pip install "mlmagic[tensorflow]"'
_INSTALL_ONNX = 'Install ONNX Runtime: %pip install "mlmagic[serve]"'


class NoGradientsError(Exception):
    """The model's answers do not change steadily with its inputs, as far as TensorFlow can tell; the text says why."""


class Predictor:
    """One version's process. Answers one call at a time; calls from other threads wait their turn.

    Whatever ends a call early, an interrupt too, ends the process as well: it would still be busy with it. The next
    call starts a new one.
    """

    def __init__(
        self,
        label: str,
        artifact: Path,
        *,
        find_quicker: Callable[[], Quicker | None] | None = None,
        start_seconds: float = START_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Start nothing yet.

        Args:
            label: what errors call the version.
            artifact: where it lies.
            find_quicker: asked each time a process is started.
            start_seconds: for loading it.
            answer_seconds: for a call.
        """
        self.label = label
        self._artifact = artifact
        self._find_quicker = find_quicker or _nothing
        self._start_seconds = start_seconds
        self._answer_seconds = answer_seconds
        self._lock = threading.RLock()
        self._child: Child | None = None
        self._signature = Signature()

    @property
    def signature(self) -> Signature:
        """What the model takes and returns, from the model itself.

        Raises:
            PredictionError: it cannot be loaded.
            MissingDependencyError: TensorFlow, or ONNX Runtime, is not installed.
        """
        with self._lock:
            self._running()
            return self._signature

    @property
    def process_id(self) -> int | None:
        """The process that is warm now."""
        child = self._child
        return None if child is None else child.process.pid

    def predict(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs by name, for columns that fit the signature.

        Raises:
            PredictionError: the model cannot be loaded, or failed; with the end of its log if it died.
            MissingDependencyError: TensorFlow, or ONNX Runtime, is not installed.
        """
        return self._ask(columns)[1]

    def gradients(self, columns: Mapping[str, Any], output: str, place: int | None) -> dict[str, Any]:
        """Return, by input, by how much an output of each row grows with it. Texts and the like have none.

        Args:
            columns: as `predict` takes them.
            output: its name.
            place: of an output that is a vector, which number.

        Raises:
            NoGradientsError: there are none.
            PredictionError: as of `predict`.
            MissingDependencyError: as of `predict`.
        """
        header, gradients = self._ask(columns, {"gradients": {"output": output, "place": place}})
        if "refused" in header:
            raise NoGradientsError(header["refused"])
        return gradients

    def _ask(
        self, columns: Mapping[str, Any], wanted: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        with self._lock:
            child = self._running()
            try:
                header, outputs = child.ask(columns, self._answer_seconds, wanted)
            except ChildDiedError as death:
                self.close()
                raise PredictionError(
                    f"the process that serves {self.label} {death.how}. The next call starts a new one.",
                    problems=death.log,
                ) from None
            except TimeoutError:
                self.close()
                raise PredictionError(
                    f"{self.label} gave no answer in {self._answer_seconds:g} s, so its process was ended.",
                    hint="Send fewer instances at a time; the next call starts a new process.",
                ) from None
            except BaseException:
                self.close()
                raise
        if "error" in header:
            raise PredictionError(f"{self.label} failed: {header['error']}")
        return header, outputs

    def close(self) -> None:
        """End the process, if there is one; a call that waits for it fails at once."""
        busy = self._child
        if busy is not None:
            busy.hang_up()
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.end()

    def _running(self) -> Child:
        if self._child is not None and self._child.is_alive:
            return self._child
        self.close()
        try:
            self._child = child = Child(self._artifact, self._find_quicker())
        except OSError as error:
            raise PredictionError(f"the process that serves {self.label} could not be started: {error}") from error
        try:
            self._signature = self._read_start(child)
        except BaseException:
            self.close()
            raise
        return child

    def _read_start(self, child: Child) -> Signature:
        try:
            answer = child.hear(self._start_seconds)
        except ChildDiedError as death:
            raise PredictionError(f"the process that serves {self.label} {death.how}.", problems=death.log) from None
        except TimeoutError:
            raise PredictionError(f"{self.label} was not loaded within {self._start_seconds:g} s.") from None
        if "missing" in answer:
            raise MissingDependencyError(
                f"{self.label} needs the package {answer['missing']}, which is not installed here.",
                hint=_INSTALL_ONNX if answer["missing"].startswith("onnx") else _INSTALL_TENSORFLOW,
            )
        if told := answer.get("refused") or answer.get("error"):
            raise PredictionError(f"{self.label} cannot be served: {told}")
        return decode(Signature, answer["signature"])


def _nothing() -> Quicker | None:
    return None
