"""A cell and what it needs become a trainer package."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlmagic.errors import CellError
from mlmagic.source.assemble import MODEL_FILE, ModelText, assemble
from mlmagic.source.cold import cold_reason
from mlmagic.source.data import DataFile
from mlmagic.source.digest import digest_of
from mlmagic.source.docstrings import summary
from mlmagic.source.flags import function_flags, script_flags
from mlmagic.source.history import Cell, LiveName
from mlmagic.source.managed import managed_files, managed_flags
from mlmagic.source.parts import LOOP_FILE, REPORT_FILE, part_text
from mlmagic.source.project import pyproject, requirements_text
from mlmagic.source.requirements import Requirements, find_requirements, installed_distribution, local_module
from mlmagic.source.sdist import distribution_name
from mlmagic.source.shape import Shape, recognise
from mlmagic.source.slice import Slice, slice_cell
from mlmagic.source.sourcemap import place
from mlmagic.source.task import build_model_task, own_arguments_task, script_task, template, train_task
from mlmagic.spec.package import CellShape, Flag, SourceMap, TrainerPackage

if TYPE_CHECKING:
    from mlmagic.source.features import FeatureFiles


def build_package(
    name: str,
    cell: Cell,
    history: Sequence[Cell] = (),
    *,
    live: Mapping[str, LiveName] | None = None,
    ship: Mapping[str, DataFile] | None = None,
    features: Callable[[], FeatureFiles] | None = None,
    installed: Callable[[str], tuple[str, str] | None] = installed_distribution,
    local_modules: Callable[[str], Path | None] = local_module,
    notebook: str | None = None,
    python: str | None = None,
) -> TrainerPackage:
    """Build the package of a `%%train` cell.

    Args:
        name: display name; the distribution is called after it.
        cell: the cell; `source` is the body, without the line of the magic.
        history: the executed cells, oldest first.
        live: what the kernel's namespace holds, by name.
        ship: what `--with` ships, by name.
        features: makes the modules of a dataset's features; called for a cell with `build_model`, which needs it.
        installed: distribution and version that provide a module (dotted for namespace packages).
        local_modules: the file or folder of a module that is not installed.
        notebook: path of the notebook, for the source map.
        python: the kernel's Python version, by default the running one.

    Raises:
        CellError: the cell cannot become a package; the text says why and what to do.
    """
    ship = ship or {}
    sliced = slice_cell(cell, history, live=live, shipped=tuple(ship))
    program = _read_program(cell, sliced, [ship[shipped] for shipped in sliced.shipped], notebook)
    made = _feature_files(program, features)
    needed = find_requirements(
        program.tree,
        program.model.text,
        modules=[*sliced.modules, *(module for file in program.data for module in file.modules)],
        installed=installed,
        local_modules=local_modules,
        place=program.place,
        files={} if made is None else managed_files(made.files),
    )
    task, flags, notes = _write_task(program, made, joins_cluster=LOOP_FILE in needed.files)
    files = _files(name, program, task, needed, python or f"{sys.version_info.major}.{sys.version_info.minor}")
    return TrainerPackage(
        shape=program.shape.kind,
        files=files,
        flags=flags,
        requirements=needed.lines,
        digest=digest_of({**files, MODEL_FILE: program.model.text_without_numbers().encode()}),
        source_map=program.source_map,
        cold_reason=cold_reason(files, partial(place, program.source_map)),
        notes=(*sliced.notes, *notes, *needed.notes, *_unused(ship, sliced)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """`model.py`, read."""

    model: ModelText
    tree: ast.Module
    shape: Shape
    data: Sequence[DataFile]
    source_map: SourceMap

    def place(self, line: int) -> str:
        return place(self.source_map, MODEL_FILE, line) or f"{MODEL_FILE}, line {line}"


def _read_program(cell: Cell, sliced: Slice, data: Sequence[DataFile], notebook: str | None) -> _Program:
    model = assemble(sliced.statements, data)
    source_map = SourceMap(notebook=notebook, blocks=tuple(model.blocks))
    tree = _parse(model.text)
    own_blocks = [
        block for block, statement in zip(model.blocks, model.statements, strict=True) if statement.cell == cell
    ]
    own = [
        item for item in tree.body if any(block.first_line <= item.lineno <= block.last_line for block in own_blocks)
    ]
    shape = recognise(own, tree.body, lambda line: place(source_map, MODEL_FILE, line) or f"line {line}")
    return _Program(model=model, tree=tree, shape=shape, data=data, source_map=source_map)


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings(action="ignore"):  # an invalid escape such as "\d" was shown by the kernel
        return ast.parse(text, MODEL_FILE)


def _feature_files(program: _Program, features: Callable[[], FeatureFiles] | None) -> FeatureFiles | None:
    if program.shape.kind is not CellShape.BUILD_MODEL:
        return None
    if features is None:
        raise CellError(
            "a cell with `def build_model(features, ...)` trains on a dataset, and none is given.",
            hint="Name one that %%preprocess has made: `%%train NAME --data DATASET`; %datasets lists them. Without a "
            "dataset, `def train(epochs=5): ...` reads its data itself.",
        )
    return features()


def _write_task(
    program: _Program, made: FeatureFiles | None, *, joins_cluster: bool
) -> tuple[str, tuple[Flag, ...], tuple[str, ...]]:
    shape = program.shape
    if shape.function is not None:
        where = program.place(shape.function.lineno)
        description = summary(ast.get_docstring(shape.function))
        if made is not None:
            managed = managed_flags(shape.function, program.tree.body, where, made.flags)
            return build_model_task(managed, description), managed.flags, managed.notes
        flags, notes = function_flags(shape.function, program.tree.body, where)
        return train_task(flags, description, joins_cluster=joins_cluster), flags, notes
    if shape.reads_arguments:
        note = "the cell reads its arguments itself, so its constants are not flags"
        return own_arguments_task(joins_cluster=joins_cluster), (), (note,)
    flags, notes = script_flags(program.tree.body, program.model.text)
    return script_task(flags, joins_cluster=joins_cluster), flags, notes


def _files(name: str, program: _Program, task: str, needed: Requirements, python: str) -> dict[str, bytes]:
    texts = {
        "trainer/__init__.py": "",
        MODEL_FILE: program.model.text,
        "trainer/task.py": task,
        "requirements.txt": requirements_text(needed.lines, python),
        "setup.py": template("setup.py").substitute(),
    }
    if program.shape.function is not None:
        texts[REPORT_FILE] = part_text("report")
    files = {file: text.encode() for file, text in texts.items()}
    files.update({f"trainer/data/{file.file_name}": file.content for file in program.data})
    files.update(needed.files)
    files["pyproject.toml"] = pyproject(distribution_name(name), files).encode()
    return dict(sorted(files.items()))


def _unused(ship: Mapping[str, DataFile], sliced: Slice) -> list[str]:
    return [f"`{name}` is not shipped: the cell does not use it" for name in ship if name not in sliced.shipped]
