"""What models raise, in a line."""

from __future__ import annotations


def failure_line(error: BaseException, longest: int = 300) -> str:
    """Return the kind of an error and what went wrong, in so many characters at the most."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    if lines[0].startswith("Graph execution error"):
        # TensorFlow says what went wrong last, before the name of the node.
        lines = [line for line in lines if not line.startswith("[[")][-1:]
    return f"{type(error).__name__}: {lines[0]}"[:longest]
