"""A `%%preprocess` cell and what it needs become a package that holds the whole pipeline."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mlmagic.errors import CellError, MissingDependencyError, UsageError
from mlmagic.source.assemble import ModelText, assemble
from mlmagic.source.cleaning import FUNCTIONS, Cleaning, recognise_cleaning
from mlmagic.source.cold import cold_reason
from mlmagic.source.data import DataFile
from mlmagic.source.declaration import check_declaration, declaration_json, is_declaration, parse_declaration
from mlmagic.source.digest import digest_of
from mlmagic.source.history import Cell, LiveName
from mlmagic.source.project import pyproject, requirements_text
from mlmagic.source.requirements import Requirements, find_requirements, installed_distribution, local_module
from mlmagic.source.sdist import distribution_name
from mlmagic.source.slice import Slice, slice_cell
from mlmagic.source.sourcemap import place
from mlmagic.source.task import template
from mlmagic.source.vendor import vendored
from mlmagic.spec.package import CellShape, SourceMap, TrainerPackage

PACKAGE = "preprocessor"
"""What the package of a `%%preprocess` cell is called."""
MODULE = f"{PACKAGE}.task"
CELL_FILE = f"{PACKAGE}/cell.py"
FEATURES_FILE = f"{PACKAGE}/features.json"

_ENTRY = "preprocessing.main"
_NEEDED = ("apache_beam", "numpy", "pyarrow")
_INSTALL = "Install it: %pip install 'mlmagic[beam]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """`cell.py`, and the declaration beside it."""

    model: ModelText = field(default_factory=lambda: ModelText(file=CELL_FILE))
    cleaning: Cleaning = field(default_factory=Cleaning)
    sliced: Slice = field(default_factory=lambda: Slice(statements=(), modules=(), shipped=(), notes=()))
    data: Sequence[DataFile] = ()
    declaration: Mapping[str, Any] | None = None


def build_preprocessor(
    name: str,
    cell: Cell | None = None,
    history: Sequence[Cell] = (),
    *,
    declaration: Mapping[str, Any] | None = None,
    target: str | None = None,
    key: str | None = None,
    live: Mapping[str, LiveName] | None = None,
    data: Mapping[str, DataFile] | None = None,
    installed: Callable[[str], tuple[str, str] | None] = installed_distribution,
    local_modules: Callable[[str], Path | None] = local_module,
    notebook: str | None = None,
    python: str | None = None,
) -> TrainerPackage:
    """Build the package of a `%%preprocess` cell; it runs where mlmagic is not installed.

    Args:
        name: the dataset's name; the distribution is called after it.
        cell: the cell, without the line of the magic: Python, or the declaration of features alone; None without one.
        history: the executed cells, oldest first.
        declaration: of the features, if it is not in the cell.
        target: the column that a model is to learn, which is no feature.
        key: the column that names rows, which is none either.
        live: what the kernel's namespace holds, by name.
        data: what `--with` ships, by name.
        installed: distribution and version that provide a module.
        local_modules: the file or folder of a module that is not installed.
        notebook: path of the notebook, for the source map.
        python: the kernel's Python version, by default the running one.

    Raises:
        CellError: the cell cannot become a package; the text says why and what to do.
        UsageError: a declaration that is none, or two of them.
        MissingDependencyError: Beam or Arrow is not installed.
    """
    check = partial(check_declaration, target=target, key=key)
    program = _read_program(cell, check, partial(slice_cell, history=history, live=live), data or {})
    if declaration is not None and (program.declaration is not None or program.cleaning.declares_features):
        raise UsageError(
            "features are declared twice, in the cell and beside it.",
            hint="Leave --features out, or those of the cell.",
        )
    declaration = program.declaration if declaration is None else check(declaration)
    source_map = SourceMap(notebook=notebook, blocks=tuple(program.model.blocks))
    locate = partial(_place, source_map)
    needed = _requirements(program, installed, local_modules, locate)
    files = _files(name, program, declaration, needed, python)
    stable = {**files, CELL_FILE: program.model.text_without_numbers().encode()}
    own = {path: content for path, content in files.items() if path not in vendored_files()}
    return TrainerPackage(
        shape=CellShape.PREPROCESS,
        module=MODULE,
        files=files,
        requirements=needed.lines,
        digest=digest_of(stable),
        source_map=source_map,
        cold_reason=cold_reason(own, partial(place, source_map))
        or "it runs a pipeline of Beam, which is not kept warm",
        notes=(*program.sliced.notes, *needed.notes, *_notes(program, data or {}, live or {})),
    )


def vendored_files() -> Mapping[str, bytes]:
    """Return mlmagic's own modules that every such package holds a copy of, by path."""
    return vendored(_ENTRY, PACKAGE)


def _read_program(
    cell: Cell | None,
    check: Callable[[object], dict[str, Any]],
    slice_it: Callable[..., Slice],
    data: Mapping[str, DataFile],
) -> _Program:
    if cell is None or _is_blank(cell.source):
        return _Program()
    if is_declaration(cell.source):
        return _Program(declaration=check(parse_declaration(cell.source, cell.title, cell.first_line)))
    sliced = slice_it(cell, shipped=tuple(data))
    shipped = [data[name] for name in sliced.shipped]
    model = assemble(sliced.statements, shipped, CELL_FILE)
    locate = partial(_place, SourceMap(blocks=tuple(model.blocks)))
    cleaning = recognise_cleaning(_own(model, _parse(model.text), cell), locate, check)
    return _Program(model=model, cleaning=cleaning, sliced=sliced, data=shipped)


def _is_blank(source: str) -> bool:
    return all(not line or line.startswith("#") for line in map(str.strip, source.splitlines()))


def _own(model: ModelText, tree: ast.Module, cell: Cell) -> list[ast.stmt]:
    """Return the statements of the cell itself."""
    blocks = [block for block, statement in zip(model.blocks, model.statements, strict=True) if statement.cell == cell]
    return [item for item in tree.body if any(block.first_line <= item.lineno <= block.last_line for block in blocks)]


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings(action="ignore"):  # an invalid escape such as "\d" was shown by the kernel
        return ast.parse(text, CELL_FILE)


def _place(source_map: SourceMap, line: int) -> str:
    return place(source_map, CELL_FILE, line) or f"{CELL_FILE}, line {line}"


def _requirements(
    program: _Program,
    installed: Callable[[str], tuple[str, str] | None],
    local_modules: Callable[[str], Path | None],
    locate: Callable[[int], str],
) -> Requirements:
    own = (*_NEEDED, "pandas") if program.cleaning.needs_pandas else _NEEDED
    missing = [module for module in own if installed(module) is None]
    if missing:
        names = " and ".join(module.replace("_", "-") for module in missing)
        raise MissingDependencyError(f"preprocessing needs {names}, which this kernel does not have.", hint=_INSTALL)
    shipped = (module for file in program.data for module in file.modules)
    needed = find_requirements(
        _parse(program.model.text),
        program.model.text,
        modules=[*own, *program.sliced.modules, *shipped],
        installed=installed,
        local_modules=local_modules,
        place=locate,
    )
    if taken := [path for path in needed.files if path.partition("/")[0].removesuffix(".py") == PACKAGE]:
        raise CellError(
            f"the cell imports a module of your own, {taken[0]}, that has the name of the package it becomes.",
            hint="Give it another name, and import it by that.",
        )
    return needed


def _files(
    name: str, program: _Program, declaration: Mapping[str, Any] | None, needed: Requirements, python: str | None
) -> dict[str, bytes]:
    version = python or f"{sys.version_info.major}.{sys.version_info.minor}"
    files = {
        f"{PACKAGE}/__init__.py": b"",
        CELL_FILE: program.model.text.encode(),
        f"{PACKAGE}/task.py": template("preprocess_task.py").substitute().encode(),
        "requirements.txt": requirements_text(needed.lines, version).encode(),
        "setup.py": template("setup.py").substitute().encode(),
        **vendored_files(),
        **needed.files,
        **{f"{PACKAGE}/data/{file.file_name}": file.content for file in program.data},
    }
    if declaration is not None:
        files[FEATURES_FILE] = declaration_json(declaration)
    files["pyproject.toml"] = pyproject(distribution_name(name, PACKAGE), files).encode()
    return dict(sorted(files.items()))


def _notes(program: _Program, data: Mapping[str, DataFile], live: Mapping[str, LiveName]) -> list[str]:
    notes = [
        f"`{name}` is not shipped: the cell does not use it" for name in data if name not in program.sliced.shipped
    ]
    if program.cleaning.function == "clean_row":
        notes.append("`clean_row` runs once for every row, which is slow; `clean(batch)` takes whole batches")
    if program.cleaning.function is None:
        notes += [_forgotten(live[name]) for name in FUNCTIONS if name in live and live[name].type_name == "function"]
    return notes


def _forgotten(function: LiveName) -> str:
    cell = f" of Cell [{function.cell_number}]" if function.cell_number is not None else ""
    return f"`{function.name}`{cell} is not used: the job calls what stands in the cell of %%preprocess itself"
