"""What is wrong with the instances of a request: collected, then told at once."""

from __future__ import annotations

from mlmagic.errors import PredictionError
from mlmagic.spec.model import Signature, TensorSpec

_TOLD = 10
_COUNTED = 1000
"""Problems, after which nobody looks for more: a large request may have millions."""
_INPUTS_TOLD = 20
_LONGEST = 400
"""Characters of a problem: it may tell a name of any length."""


class EnoughError(Exception):
    """So much is wrong that there is no use in looking on; for `finish` all is known."""


class Problems:
    """Texts such as `instances[3].age: expected a number, got "x"`."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> None:
        """Note a problem; only the first ones are kept, the others are counted.

        Raises:
            EnoughError: so many have been noted that it is not worth looking for more.
        """
        self._count += 1
        if len(self._told) < _TOLD:
            self._told.append(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...")
        if self._count >= _COUNTED:
            raise EnoughError

    @property
    def is_full(self) -> bool:
        """No further text will be told: finding more words than these is in vain."""
        return len(self._told) == _TOLD

    def finish(self, label: str, signature: Signature) -> None:
        """Raise the one error for all that was noted.

        Raises:
            PredictionError: something was.
        """
        if not self._count:
            return
        more = self._count - len(self._told)
        least = "at least " if self._count >= _COUNTED else ""
        problems = [*self._told, *([f"... and {least}{more} more"] if more else [])]
        message = f"{label} cannot take these instances:"
        raise PredictionError(message, problems=problems, hint=f"It takes {describe_inputs(signature)}.")


def describe_inputs(signature: Signature) -> str:
    """Return `age (float32), city (string), pixels (float32[28, 28])`."""
    told = [f"{tensor.name} ({_describe(tensor)})" for tensor in signature.inputs[:_INPUTS_TOLD]]
    more = len(signature.inputs) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")


def _describe(tensor: TensorSpec) -> str:
    item = tensor.shape[1:]
    if item in {(), (1,)}:
        return f"{tensor.dtype} or null" if tensor.optional else tensor.dtype
    return f"{tensor.dtype}[{', '.join('?' if size is None else str(size) for size in item)}]"
