"""The house rules that no other linter knows: `python -m tools.house` prints what breaks them and exits with 1.

- A function has at most 60 lines without its docstring, a module at most 500.
- No file names a package registry's host, or a path of the machine that it was written on.
- The lock has exact versions and nothing else.
- Notebooks are committed without outputs.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FUNCTION_LINES = 60
MAX_MODULE_LINES = 500

_REGISTRY_HOST = re.compile(
    r"\b(?:pypi|files\.pythonhosted|registry\.npmjs|registry\.yarnpkg|deb\.debian)\.(?:org|com)\b"
)
_LOCK_LINE = re.compile(r"[a-z0-9._-]+==[A-Za-z0-9.!+]+(?: ; [a-z_]+ .*)?", re.ASCII)


def check(root: Path) -> list[str]:
    """Return every breach in the files that git tracks or would track, as `path:line: what`."""
    breaches: list[str] = []
    for path in _files(root):
        text = _text(root / path)
        if text is None:
            continue
        breaches += [f"{path}:{line}: {what}" for line, what in _in_any_file(text, root)]
        if path.suffix == ".py":
            breaches += [f"{path}:{line}: {what}" for line, what in long_code(text)]
        elif path.name == "requirements.lock":
            breaches += [f"{path}:{line}: {what}" for line, what in loose_pins(text)]
        elif path.suffix == ".ipynb":
            breaches += [f"{path}:1: {what}" for what in saved_outputs(text)]
    return breaches


def long_code(text: str) -> Iterator[tuple[int, str]]:
    """Find functions and a module that are too long."""
    lines = text.count("\n")
    if lines > MAX_MODULE_LINES:
        yield 1, f"the module has {lines} lines, more than {MAX_MODULE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _body_length(node)
            if length > MAX_FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {length} lines, more than {MAX_FUNCTION_LINES}"


def loose_pins(text: str) -> Iterator[tuple[int, str]]:
    """Find lines of a lock that are not `name==version`, with or without a marker."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not _LOCK_LINE.fullmatch(line):
            yield number, f"not an exact version: {line}"


def saved_outputs(text: str) -> Iterator[str]:
    """Find cells of a notebook that were saved with what they printed."""
    for number, cell in enumerate(json.loads(text)["cells"], start=1):
        if cell.get("outputs") or cell.get("execution_count"):
            yield f"cell {number} was saved with its output"


def _in_any_file(text: str, root: Path) -> Iterator[tuple[int, str]]:
    # The paths of whoever runs this: nothing has to be known about any machine in advance.
    own_paths = [f"{path}/" for path in (root, Path.home()) if len(path.parts) > 1]
    for number, line in enumerate(text.splitlines(), start=1):
        if host := _REGISTRY_HOST.search(line):
            yield number, f"names the host of a registry: {host.group()}"
        yield from ((number, f"names a path of this machine: {path}") for path in own_paths if path in line)


def _body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    is_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    begin = first.end_lineno if is_docstring else node.lineno
    return (node.end_lineno or node.lineno) - (begin or node.lineno)


def _files(root: Path) -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted({Path(name) for name in listed.split("\0") if name and (root / name).is_file()})


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def main() -> int:
    """Print the breaches of the checkout that holds this file."""
    breaches = check(Path(__file__).resolve().parent.parent)
    for breach in breaches:
        print(breach)
    print(f"house: {len(breaches)} breaches" if breaches else "house: all rules kept")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
