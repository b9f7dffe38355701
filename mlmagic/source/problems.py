"""What stands between a cell and its package, in words: all of it in one error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from mlmagic.errors import CellError, LiveObjectError
from mlmagic.source.cells import SyntaxProblem
from mlmagic.source.history import Cell

_SHIPPABLE = frozenset({"DataFrame", "Series", "ndarray", "object"})
_FLAGS = re.compile(r"u?int\d*|float\d*|str_?|bool_?|list|tuple|\w*Path|NoneType|object")
"""Types that a flag can have, numpy's among them; `object` stands for a type that is not known."""


_WITHOUT_IPYTHON = (
    (frozenset({"display"}), "use print() in place of display()"),
    (frozenset({"get_ipython"}), "use subprocess.run() in place of !command, a library in place of a magic"),
    (frozenset({"exit", "quit"}), "use sys.exit() in place of exit and quit"),
    (frozenset({"In", "Out", "_", "__", "___", "_dh", "_ih", "_oh"}), "give the value a name of its own"),
)


class Fault(Enum):
    """What is wrong with a name."""

    LIVE = auto()
    CHANGED = auto()
    LEARNED = auto()
    UNDEFINED = auto()
    IPYTHON = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A name that cannot come along."""

    fault: Fault
    name: str
    text: str
    type_name: str = "object"


def raise_problems(cell: Cell, problems: Sequence[Problem]) -> None:
    """Raise one error for all problems, if there are any.

    Raises:
        LiveObjectError: some names exist only in the kernel.
        CellError: names are undefined, or were changed in a way that cannot be copied.
    """
    if not problems:
        return
    faults = {problem.fault for problem in problems}
    texts = [problem.text for problem in problems]
    hint = "\n".join(_hints(problems)) or None
    if faults == {Fault.LIVE}:
        noun = "a name that exists only as an object" if len(problems) == 1 else "names that exist only as objects"
        raise LiveObjectError(f"{_subject(cell)} needs {noun} in the kernel:", problems=texts, hint=hint)
    if Fault.LIVE in faults:
        raise LiveObjectError(f"{_subject(cell)} cannot become a package:", problems=texts, hint=hint)
    if faults == {Fault.UNDEFINED}:
        noun = "a name that nothing defines" if len(problems) == 1 else "names that nothing defines"
        raise CellError(f"{_subject(cell)} needs {noun}:", problems=texts, hint=hint)
    raise CellError(f"{_subject(cell)} cannot become a package:", problems=texts, hint=hint)


def raise_syntax(cell: Cell, problem: SyntaxProblem) -> None:
    """Raise the error for a cell that is not Python, with the line and a caret.

    Raises:
        CellError: always.
    """
    place = f"{cell.title}, line {cell.first_line + problem.line - 1}"
    # Python names other lines of the body, as in "was never closed on line 3".
    words = re.sub(r"\bline (\d+)", lambda match: f"line {cell.first_line + int(match[1]) - 1}", problem.message)
    message = f"{place}: {words}"
    shown = "".join(character if character.isprintable() else " " for character in problem.text.lstrip())
    if shown:
        # A tab inside of the line is one blank wide here, so that the caret stands below its character.
        column = min(max(problem.column - 1 - (len(problem.text) - len(shown)), 0), len(shown))
        message += f"\n    {shown}\n    {' ' * column}^"
    hint = None
    if "await" in words or "async" in words:
        hint = "At the top level it works in a notebook only: put it into `async def main()`, call asyncio.run(main())."
    raise CellError(message, hint=hint)


def _hints(problems: Sequence[Problem]) -> list[str]:
    """Return the ways out that fit the problems."""
    hints = []
    live = [problem for problem in problems if problem.fault is Fault.LIVE]
    if live:
        shippable = [problem.name for problem in live if problem.type_name in _SHIPPABLE]
        one = len(live) == 1
        ways = [f"move {'the statement that makes it' if one else 'the statements that make them'} into the cell"]
        if any(_FLAGS.fullmatch(problem.type_name) for problem in live):
            ways.append(
                f"pass {'it as a flag' if one else 'plain values as flags'} (a keyword parameter with a default)"
            )
        if shippable:
            flags = " ".join(f"--with {name}" for name in shippable)
            ways.append(f"ship a DataFrame or array as a data file ({flags})")
        hints.append(f"{'Ways' if len(ways) > 1 else 'Way'} out: {'; '.join(ways)}.")
    if learned := [problem.name for problem in problems if problem.fault is Fault.LEARNED]:
        hints.append(f"What was learned stays in the kernel: make {' and '.join(learned)} in the cell, and fit there.")
    if any(problem.fault is Fault.CHANGED for problem in problems):
        hints.append("Move what changes it into the cell, or build the final value in one statement.")
    missing = {problem.name for problem in problems if problem.fault is Fault.IPYTHON}
    if instead := [text for names, text in _WITHOUT_IPYTHON if names & missing]:
        hints.append(f"The package runs without IPython: {'; '.join(instead)}.")
    return hints


def _subject(cell: Cell) -> str:
    return cell.title if cell.number is not None else "The cell"
