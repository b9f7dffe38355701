"""IPython's own syntax to Python, line for line: what follows keeps its line numbers.

`%magic`, `!shell` and `help?` lines become `pass` in a block and nothing at the top level; `%time STATEMENT` becomes
its statement; `x = !ls` becomes a call that only a kernel can answer, so that `x` is known to be made by the kernel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

OUR_CELL_MAGICS = frozenset({"train", "tune", "preprocess", "predict"})
"""They hand their body to mlmagic; the kernel never executes it."""

RUNS_BODY = frozenset({"capture", "debug", "prun", "pyinstrument", "time"})
"""Cell magics that run their body in the kernel's namespace. `%%timeit` does not: its names stay inside."""

RUNS_STATEMENT = frozenset({"prun", "time"})
"""Line magics whose argument is a statement that binds its names."""

KERNEL_ANSWER = "get_ipython()"

_PROMPT = re.compile(r"^[ \t]*(?:>>>[ ]?|In \[\d+\]: )")
_ANY_PROMPT = re.compile(r"^[ \t]*(?:>>>[ ]?|\.\.\.(?:[ ]|$)|In \[\d+\]: |\.{3,}: ?)")
_LINE = re.compile(r"(?:[^\n]*\\\n)*[^\n]*")
_ESCAPE = re.compile(r"[ \t\f]*(?:![^\n=]|!$|%{1,2}\w|\?|[,;/][A-Za-z_])", re.MULTILINE)
_STATEMENT_MAGIC = re.compile(r"(?P<indent>[ \t\f]*)%(?P<name>\w+)[ \t]+(?=\S)")
_TOKEN = re.compile(
    r"""
      \#[^\n]*
    | [A-Za-z]{0,2}(?P<triple>\"{3}|'{3})
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | \\\n
    | (?P<newline>\n)
    | (?<![=<>!:+\-*/%&|^@])=[ \t]*(?P<answer>!(?!=)|%(?=[A-Za-z_]))
    | (?P<help>\?\??[ \t]*$)
    | [^#\"'()\[\]{}\\\n=?]+
    | .
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escape:
    """A line of IPython syntax that Python does not get to see."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMagic:
    """What the first lines of a cell say about its body."""

    body: str
    """The cell with the magic's lines empty; nothing at all if the magic does not run it in the kernel."""
    escapes: tuple[Escape, ...] = ()
    binds: tuple[str, ...] = ()
    """Names that the magic itself binds, as `%%capture out` does."""


def clean(source: str) -> str:
    r"""Return the text with `\n` line ends, without byte order mark, prompts and common indentation."""
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    first = text.lstrip("\n")
    if first[:1] in " \t\f" and first.strip():
        text = dedent(text)
    if _PROMPT.match(text.lstrip()):
        text = "\n".join(_ANY_PROMPT.sub("", line) for line in text.split("\n"))
    return text


def split_cell_magic(text: str) -> CellMagic:
    """Take the cell magics off a cleaned cell: `%%capture` above `%%time` are two."""
    lines = text.split("\n")
    binds: list[str] = []
    for i, line in enumerate(lines):
        if not line.strip():
            continue
        if not line.startswith("%%"):
            break
        name, *words = line[2:].split() or [""]
        if name in OUR_CELL_MAGICS:
            return CellMagic(body="")
        if name not in RUNS_BODY:
            return CellMagic(body="", escapes=(Escape(line=i + 1, text=_shown(line)),), binds=tuple(binds))
        binds += [word for word in words if name == "capture" and word.isidentifier()]
        lines[i] = ""
    return CellMagic(body="\n".join(lines), binds=tuple(binds))


def translate(text: str) -> tuple[str, tuple[Escape, ...]]:
    """Return the text as Python, and the lines that were left out of it."""
    done: list[str] = []
    escapes: list[Escape] = []
    start = position = depth = 0  # start: of the logical line
    while position < len(text):
        if position == start and _ESCAPE.match(text, position):
            position = _leave_out(text, start, done, escapes)
            start = position
            continue
        token = _TOKEN.match(text, position)
        if token is None:
            break
        end = token.end()
        if token["triple"]:
            end = _end_of_string(text, end, token["triple"])
        elif token["answer"] and depth == 0:
            done += [text[start : token.start("answer")], KERNEL_ANSWER]
            line = _LINE.match(text, token.start("answer"))
            start = end = line.end() if line else len(text)
            done.append("\n" * text.count("\n", token.start("answer"), end))
        elif token["help"] and depth == 0:
            end = _leave_out(text, start, done, escapes)
            start = end
        depth = max(0, depth + bool(token["open"]) - bool(token["close"]))
        if token["newline"] and depth == 0:
            done.append(text[start:end])
            start = end
        position = end
    done.append(text[start:])
    return "".join(done), tuple(escapes)


def _leave_out(text: str, start: int, done: list[str], escapes: list[Escape]) -> int:
    """Write what stands for the logical line at `start`, and return where the next one begins."""
    match = _LINE.match(text, start)
    line = match.group() if match else text[start:]
    end = min(start + len(line) + 1, len(text))
    if (magic := _STATEMENT_MAGIC.match(line)) and magic["name"] in RUNS_STATEMENT:
        done += [magic["indent"], text[start + magic.end() : end]]
        return end
    number = 1 + sum(piece.count("\n") for piece in done)
    escapes.append(Escape(line=number, text=_shown(line)))
    indent = line[: len(line) - len(line.lstrip())]
    if indent:
        done.append(f"{indent}pass  # {_shown(line)}")
    done.append("\n" * text.count("\n", start, end))
    return end


def _end_of_string(text: str, position: int, quotes: str) -> int:
    while (end := text.find(quotes, position)) >= 0:
        backslashes = len(text[position:end]) - len(text[position:end].rstrip("\\"))
        if backslashes % 2 == 0:
            return end + 3
        position = end + 1
    return len(text)


def _shown(line: str) -> str:
    """Return the first line, short enough for a note."""
    first = line.strip().split("\n")[0].rstrip("\\").rstrip()
    return first if len(first) <= 60 else f"{first[:59]}…"
