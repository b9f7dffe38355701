"""Tracebacks of a job, told in notebook cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlmagic.spec.package import SourceMap

_FRAME = re.compile(r'(?P<margin>[ |]*)(?P<indent>  )File "(?P<path>[^"]+)", line (?P<line>\d+)(?P<rest>, in .*)?$')
# Also within messages, as in TensorFlow's "in user code:".
_PLACE = re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+)')
# What brings a module to run: `python -m`, and an import by name.
_STARTERS = ("/runpy.py", "/importlib/__init__.py")
_GENERATED = ("trainer/", "preprocessor/")
OURS = "<mlmagic> "
"""Stands before the path of a frame in a module that was generated, in the traceback that is kept."""


def place(source_map: SourceMap, file: str, line: int) -> str | None:
    """Return `Cell [5], line 3` for a line of the package, or None if it came from no cell."""
    for block in source_map.blocks:
        if block.file == file and block.first_line <= line <= block.last_line:
            number = " " if block.cell_number is None else block.cell_number
            return f"Cell [{number}], line {block.cell_first_line + line - block.first_line}"
    return None


def translate(
    traceback_text: str, source_map: SourceMap, sources: Mapping[str, str], *, folder: str | None = None
) -> str:
    """Rewrite the frames within the package to `Cell [5], line 3`, and leave out those that only started the program.

    Args:
        traceback_text: as Python prints it, chained exceptions and groups included; other text may surround it.
        source_map: of the package.
        sources: texts of the package's files by path, for source lines that Python did not print.
        folder: where the package lay when it ran; by default it is told from the frames.
    """
    folder = folder or _find_folder(traceback_text, sources)
    if folder is None:
        return traceback_text
    package = _Package(source_map=source_map, sources=sources, folder=folder.rstrip("/") + "/")
    lines: list[str] = []
    frames: list[_Frame] = []
    for line in traceback_text.split("\n"):
        match = _FRAME.fullmatch(line)
        if match:
            frames.append(_Frame(match=match))
        elif frames and _belongs(line, frames[-1]):
            frames[-1].below.append(line)
        else:
            lines += [*_shown(frames, package), package.rewrite(line)]
            frames = []
    return "\n".join([*lines, *_shown(frames, package)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    source_map: SourceMap
    sources: Mapping[str, str]
    folder: str

    def file(self, path: str) -> str | None:
        """Return the path within the package, or None for a file that is not in it."""
        inner = path.removeprefix(self.folder)
        return inner if path.startswith(self.folder) and inner in self.sources else None

    def is_ours(self, path: str) -> bool:
        """Say whether a file was generated beside those that hold the cells."""
        file = self.file(path) or ""
        held = {block.file for block in self.source_map.blocks}
        return bool(held) and file.startswith(_GENERATED) and file not in held

    def is_runner(self, path: str) -> bool:
        """Say whether a frame there only started the program."""
        return self.is_ours(path) or path.startswith("<frozen ") or path.endswith(_STARTERS)

    def name(self, path: str, line: int) -> str | None:
        """Return what a line of the package is called, or None for another file."""
        file = self.file(path)
        return file and (place(self.source_map, file, line) or f'File "{file}", line {line}')

    def rewrite(self, text: str) -> str:
        """Return the text with every mention of a line of the package translated."""
        return _PLACE.sub(lambda match: self.name(match["path"], int(match["line"])) or match[0], text)


@dataclass(slots=True, kw_only=True)
class _Frame:
    match: re.Match[str]
    below: list[str] = field(default_factory=list)
    """The source line, markers below it, and "[Previous line repeated …]"."""

    def lines(self, package: _Package) -> list[str]:
        match, path, number = self.match, self.match["path"], int(self.match["line"])
        name = package.name(path, number)
        if name is None:
            return [match[0], *self.below]
        if package.is_ours(path):
            name = name.replace('File "', f'File "{OURS}', 1)
        lead = match["margin"] + match["indent"]
        below = self.below or _source_line(package, path, number, lead)
        return [f"{lead}{name}{match['rest'] or ''}", *below]


def _belongs(line: str, frame: _Frame) -> bool:
    """Say whether a line stands below a frame: it is indented more, or tells of repetition."""
    lead = frame.match["margin"] + frame.match["indent"]
    return line.startswith((lead + "  ", lead + "[Previous line repeated"))


def _source_line(package: _Package, path: str, number: int, lead: str) -> Iterator[str]:
    lines = package.sources[package.file(path) or ""].split("\n")
    if 0 < number <= len(lines) and lines[number - 1].strip():
        yield f"{lead}  {lines[number - 1].strip()}"


def _shown(frames: list[_Frame], package: _Package) -> Iterator[str]:
    """Yield the lines of consecutive frames, without those of the runner above the user's first one."""
    paths = [frame.match["path"] for frame in frames]
    first = next((i for i, path in enumerate(paths) if not package.is_runner(path)), len(frames))
    in_user_code = any(package.file(path) and not package.is_runner(path) for path in paths)
    for index, frame in enumerate(frames):
        frozen = package.file(frame.match["path"]) is None
        if index >= first or not (in_user_code or frozen):
            yield from frame.lines(package)


def _find_folder(text: str, sources: Iterable[str]) -> str | None:
    """Return the folder of the package, told by the first path that ends like one of its files in a folder."""
    nested = [file for file in sources if "/" in file]
    for match in _PLACE.finditer(text):
        for file in nested:
            if match["path"].endswith("/" + file):
                return match["path"].removesuffix(file)
    return None
