"""Random notebooks of definitions, changes, aliases and re-runs: the package gives what the notebook gives."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mlmagic.errors import CellError
from mlmagic.source.build import build_package
from mlmagic.source.history import Cell

VALUES = st.sampled_from("ABC")
LISTS = st.sampled_from("LMN")
FUNCTIONS = st.sampled_from("fgh")
CLASSES = st.sampled_from("PQ")
NUMBERS = st.integers(0, 9)
PARTS = {"a": VALUES, "b": VALUES, "l": LISTS, "m": LISTS, "f": FUNCTIONS, "g": FUNCTIONS, "p": CLASSES, "n": NUMBERS}
TEMPLATES = (
    "{a} = {n}",
    "{a} = {b} + {n}",
    "{a} += {n}",
    "{a}, {b} = {b}, {n}",
    "{a} = len({l})",
    "{a} = sum(x if isinstance(x, int) else 1 for x in {l})",
    "{a} = {f}({n})",
    "{a} = {p}.size",
    "{a} = {p}({n}).total()",
    "{a} = (lambda x, y={b}: x + y)({n})",
    "{a} = [y := x for x in range({n})][-1:] and y",
    "{a} = {l}.pop()",
    "{a} = {l}[0]",
    "{l} = [{n}, {a}]",
    "{l} = {m}",
    "{l} = [{m}, {n}]",
    "{l} = list({m})",
    "{l} = {m} + [{a}]",
    "{l} = {m} = [{n}]",
    "{l} = [x for x in {m}]",
    "{l} = dict(k={m}, v=[{a}])['k']",
    "{l} = {m}[0]",
    "{l}.append({a})",
    "{l}.append({m})",
    "{l} += [{a}]",
    "{l}[0] = {a}",
    "{l}[0].append({n})",
    "del {l}[0]",
    "del {a}",
    "del {f}",
    "push({l}, {a})",
    "{l} = same({m})",
    "{l} = keep({a})",
    "bump()",
    "def same(x):\n    return x",
    "def push(xs, x):\n    xs.append(x)",
    "def keep(x):\n    {l}.append(x)\n    return {l}",
    "def bump():\n    global {a}\n    {a} = {a} + {n}",
    "def {f}(x, y={a}):\n    return x + y + {b}",
    "def {f}(x):\n    return len({l}) + x",
    "def {f}(x, xs={l}):\n    return len(xs) + {a}",
    "def {f}(x):\n    return {g}(x - 1) + 1 if x > 0 else {a}",
    "def {f}(x):\n    return {p}(x).total()",
    "def {f}(x):\n    ys = {l}\n    ys.append(x)\n    return len(ys)",
    "def {f}(x):\n    def inner(y, z={a}):\n        return y + z + {b}\n    return inner(x)",
    "@{f}\ndef {g}(x):\n    return x + {a}",
    "def deco(f):\n    {l}.append({n})\n    return lambda x: f(x) + {a}",
    "@deco\ndef {f}(x):\n    return x + {n}",
    "{f} = {g}",
    "{f} = lambda x, y={a}: x + y + {b}",
    "class {p}:\n size = {a}\n held = {l}\n def __init__(self, n): self.n = n\n def total(s): return s.size + {b}",
    "class {p}:\n size = {n}\n def __init__(self, n):\n  self.xs = {l}\n  self.xs.append(n)\n def total(s): return {a}",
    "{p}.size = {a}",
    "obj = {p}({n})",
    "obj.n = {a}",
    "{a} = obj.total()",
    "import math",
    "{a} = math.floor({b} / 2)",
    "from math import floor as {f}",
    "if {a} > {n}:\n    {b} = {a}\nelse:\n    {l} = []",
    "if {a} > {n}:\n    {b} = {n}",
    "for i in range({n}):\n    {a} = i",
    "for row in {l}:\n    {m}.append(row)\n    break",
    "for row in {l}:\n    row[0] = {a}",
    "try:\n    {a} = {l}[5]\nexcept Exception:\n    {b} = {n}",
    "print({a})",
    "len = {n}",
    "del len",
)


@st.composite
def statements(draw: st.DrawFn) -> str:
    template = draw(st.sampled_from(TEMPLATES))
    statement = template.format(**{name: draw(part) for name, part in PARTS.items() if f"{{{name}}}" in template})
    assume(not re.search(r"([LMN])\.append\(\1\)", statement))  # a list in itself is no program's business
    return statement


START = "A, B, C = 1, 2, 3\nL, M, N = [1], [[2], 3], [4]\ndef f(x):\n    return x\ng = h = f\nclass P:\n    size = 1\n"
START += "    def __init__(self, n):\n        self.n = n\n    def total(self):\n        return self.n\nQ = P"


@st.composite
def notebooks(draw: st.DrawFn) -> list[list[str]]:
    """Cells of statements; some cells run again later, as they were."""
    cells = draw(st.lists(st.lists(statements(), min_size=1, max_size=3), min_size=1, max_size=8))
    again = draw(st.lists(st.integers(0, len(cells) - 1), max_size=4))
    return [START.split("\n\n"), *cells, *(cells[i] for i in again)]


def run(source: str, namespace: dict[str, Any]) -> None:
    exec(compile(source, "<notebook>", "exec", dont_inherit=True), namespace)  # noqa: S102


def execute(notebook: list[list[str]]) -> tuple[list[list[str]], dict[str, Any]]:
    """Run the notebook, until it runs through: statements that raise are taken out."""
    namespace: dict[str, Any] = {"__name__": "model"}
    done: list[list[str]] = []
    for cell in notebook:
        done.append([])
        for statement in cell:
            try:
                run(statement, namespace)
            except Exception:  # noqa: BLE001 - whatever it is, it may have run in part
                return execute([*done, cell[len(done[-1]) + 1 :], *notebook[len(done) :]])
            done[-1].append(statement)
    return done, namespace


def result_of(namespace: dict[str, Any]) -> str:
    try:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(namespace["train"]()))
    except Exception as error:  # noqa: BLE001 - the package must fail as the notebook does
        return f"{type(error).__name__}: {error}"


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(notebooks(), st.data())
def test_the_package_gives_what_the_notebook_gives(notebook: list[list[str]], data: st.DataObject) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        notebook, kernel = execute(notebook)
    cells = [Cell(source="\n".join(cell), number=number) for number, cell in enumerate(notebook, start=1)]
    alive = [name for name in "ABCLMN" if name in kernel]
    calls = [f"{name}(1)" for name in "fgh" if name in kernel] + [
        f"{name}(1).total()" for name in "PQ" if name in kernel
    ]
    wanted = data.draw(st.lists(st.sampled_from([*alive, *calls]), min_size=1, max_size=3, unique=True))
    train = Cell(source=f"def train():\n    return {', '.join(wanted)}", first_line=2)
    run(train.source, kernel)
    expected = result_of(kernel)
    try:
        built = build_package("random", train, cells)
    except CellError as error:
        undefined = re.findall(r"- (\w+), read in", str(error))
        if "NameError" in expected or (undefined and kernel.keys().isdisjoint(undefined)):
            return  # the notebook could not run it either, or not on every path
        raise
    printed = io.StringIO()
    package: dict[str, Any] = {"__name__": "model"}
    text = built.files["trainer/model.py"].decode()
    with contextlib.redirect_stdout(printed):
        run(text, package)
    assert (result_of(package), printed.getvalue()) == (expected, ""), text
