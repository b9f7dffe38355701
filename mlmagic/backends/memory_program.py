"""Programs of the memory backend: a package's modules, imported from memory into this process."""

from __future__ import annotations

import builtins
import ctypes
import linecache
import threading
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Ended(BaseException):
    """Raised inside a program's thread to end it, past its `except Exception`."""


@dataclass(frozen=True, slots=True)
class Program:
    """The modules of a package, and where they print to."""

    name: str
    """Shown in tracebacks."""
    files: Mapping[str, bytes]
    log: bytearray


def execute(program: Program, module: str) -> None:
    """Run a module of the program as `__main__`; whatever it raises comes out."""
    modules: dict[str, types.ModuleType] = {}
    namespace = dict(vars(builtins))

    def print_to_log(*values: object, sep: str | None = " ", end: str | None = "\n", **_: object) -> None:
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        program.log.extend(text.encode("utf-8"))

    def import_from_package(name: str, *arguments: Any, **keywords: Any) -> Any:
        if not _path_of(name, program.files):
            return builtins.__import__(name, *arguments, **keywords)
        module = _load(name, name, program, modules, namespace)
        from_names = (arguments[2] if len(arguments) > 2 else keywords.get("fromlist")) or ()
        for member in from_names:
            if _path_of(f"{name}.{member}", program.files):
                setattr(module, member, _load(f"{name}.{member}", f"{name}.{member}", program, modules, namespace))
        top = name.partition(".")[0]
        return module if from_names else _load(top, top, program, modules, namespace)

    namespace |= {"print": print_to_log, "__import__": import_from_package}
    _load(module, "__main__", program, modules, namespace)


def _load(
    name: str, run_as: str, program: Program, modules: dict[str, types.ModuleType], namespace: dict[str, Any]
) -> types.ModuleType:
    if run_as in modules:
        return modules[run_as]
    path = _path_of(name, program.files)
    if path is None:
        program.log.extend(f"No module named {name}\n".encode())
        raise SystemExit(1)
    module = modules[run_as] = types.ModuleType(run_as)
    module.__dict__["__builtins__"] = namespace
    source = program.files[path].decode("utf-8")
    file_name = f"<{program.name}>/{path}"
    linecache.cache[file_name] = (len(source), None, source.splitlines(keepends=True), file_name)
    exec(compile(source, file_name, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - that is its job
    return module


def _path_of(module: str, files: Mapping[str, bytes]) -> str | None:
    base = module.replace(".", "/")
    return next((path for path in (f"{base}.py", f"{base}/__init__.py") if path in files), None)


def exit_status(error: SystemExit, log: bytearray) -> tuple[int, str]:
    """Return the exit status and what is said about it."""
    if error.code is None or isinstance(error.code, int):
        status = error.code or 0
        return status, f"the program ended with exit status {status}"
    log += f"{error.code}\n".encode()
    return 1, f"the program ended with exit status 1: {error.code}"


def raise_in(thread: threading.Thread | None) -> None:
    """End the program that runs in a thread."""
    if thread is not None and thread.ident is not None and thread is not threading.current_thread():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Ended))
