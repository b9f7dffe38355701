"""Which programs cannot be forked from a process that has imported TensorFlow, told from their text."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

# Read by the libraries that training imports, while they are imported or soon after.
_LIBRARIES_PREFIXES = (
    "ABSL_",
    "CUDA_",
    "DNNL_",
    "GRPC_",
    "JAX_",
    "JE_ARROW_",
    "KERAS_",
    "KMP_",
    "MKL_",
    "NPY_",
    "NUMPY",
    "NVIDIA_",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "PROTOCOL_BUFFERS_",
    "TF_",
    "XLA_",
)
# Read when a process starts: what a program sets itself reaches only the processes that it starts.
_START_PREFIXES = ("GLIBC_", "LC_", "LD_", "MALLOC_", "PYTHON")
_START_NAMES = frozenset({"LANG", "LANGUAGE", "TZ"})
# A replica's place in its cluster, read when a strategy is made.
_LATE = frozenset({"TF_CONFIG"})

_WORTH_IT = ("tensorflow", "keras", "tf_keras")
# Installs a package; no job runs it.
_NOT_RUN = frozenset({"setup.py"})
_KEYED = frozenset({"setdefault", "pop", "__setitem__", "__delitem__", "putenv", "unsetenv"})
_ANY_KEY = frozenset({"clear", "popitem"})
_FILE_LOADERS = frozenset({"load_dotenv"})


def is_read_by_libraries(name: str) -> bool:
    """Say whether setting the variable before `import tensorflow` can make a difference."""
    return name == "HOME" or (name.startswith(_LIBRARIES_PREFIXES) and name not in _LATE)


def is_import_time(name: str) -> bool:
    """Say whether a process that has imported TensorFlow can be another one for the variable's value."""
    return is_read_by_libraries(name) or name in _START_NAMES or name.startswith(_START_PREFIXES)


def cold_reason(
    files: Mapping[str, bytes], place: Callable[[str, int], str | None] = lambda _file, _line: None
) -> str | None:
    """Return why the package's programs must start from nothing, or None if they may be forked.

    `place` says where a line of a file came from, if not from there.
    """
    is_worth_it = False
    for name in sorted(files):
        if not name.endswith(".py") or name in _NOT_RUN:
            continue
        tree = _parse(files[name], name)
        if tree is None:
            continue
        is_worth_it = is_worth_it or any(module.startswith(_WORTH_IT) for module in _imports(tree))
        for line, variable in _Variables.of(tree).changes():
            where = place(name, line) or f"{name}, line {line}"
            if variable is None:
                return f"{where} sets environment variables that can only be told when it runs"
            if is_read_by_libraries(variable):
                return f"{where} sets {variable}, which has to be set before TensorFlow is imported"
    return None if is_worth_it else "it imports neither tensorflow nor keras"


def _parse(content: bytes, name: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings(action="ignore"):  # of invalid escapes, which are not our business
            return ast.parse(content, name)
    except (SyntaxError, ValueError):
        # A template or a test's data: what cannot be parsed cannot be imported either.
        return None


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
            yield _text(node.args[0] if node.args else None) or ""


def _called(call: ast.Call) -> str | None:
    """Return the last part of the name of what is called."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


@dataclass(slots=True)
class _Variables:
    """What a module does to environment variables; `environ` and `os` under whatever names it has them."""

    tree: ast.Module
    modules: set[str] = field(default_factory=set)
    mappings: set[str] = field(default_factory=set)
    functions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: ast.Module) -> _Variables:
        self = cls(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.modules |= {
                    alias.asname or "os"
                    for alias in node.names
                    if alias.name == "os" or (alias.name.startswith("os.") and not alias.asname)
                }
            elif isinstance(node, ast.ImportFrom) and node.module == "os" and not node.level:
                for alias in node.names:
                    if alias.name in {"environ", "environb"}:
                        self.mappings.add(alias.asname or alias.name)
                    elif alias.name in {"putenv", "unsetenv"}:
                        self.functions[alias.asname or alias.name] = alias.name
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and self._is_environ(node.value):
                self.mappings |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return self

    def changes(self) -> Iterator[tuple[int, str | None]]:
        """Yield the lines that set or remove a variable, and its name; None where any could be meant."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and self._is_environ(node.value):
                yield node.lineno, _text(node.slice)
            elif isinstance(node, ast.AugAssign) and self._is_environ(node.target):
                yield from ((node.lineno, key) for key in _keys(node.value))
            elif isinstance(node, ast.Assign) and any(self._is_attribute(target) for target in node.targets):
                yield node.lineno, None
            elif isinstance(node, ast.Call):
                yield from ((node.lineno, key) for key in self._called_with(node))

    def _called_with(self, call: ast.Call) -> Iterable[str | None]:
        name = self._method(call)
        if name in _KEYED:
            return [_text(call.args[0] if call.args else None)]
        if name in _ANY_KEY:
            return [None]
        if name == "update":
            return [key for argument in call.args for key in _keys(argument)] + [word.arg for word in call.keywords]
        return [None] if _called(call) in _FILE_LOADERS else []

    def _method(self, call: ast.Call) -> str | None:
        """Return the name of what is called of `environ`, or of `os` itself."""
        function = call.func
        if isinstance(function, ast.Name):
            return self.functions.get(function.id)
        if not isinstance(function, ast.Attribute):
            return None
        if self._is_environ(function.value):
            return function.attr
        is_os = isinstance(function.value, ast.Name) and function.value.id in self.modules
        return function.attr if is_os and function.attr in {"putenv", "unsetenv"} else None

    def _is_environ(self, node: ast.expr) -> bool:
        return (isinstance(node, ast.Name) and node.id in self.mappings) or self._is_attribute(node)

    def _is_attribute(self, node: ast.expr) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr in {"environ", "environb"}
            and isinstance(node.value, ast.Name)
            and node.value.id in self.modules
        )


def _keys(node: ast.expr) -> list[str | None]:
    """Return the keys of what a mapping is updated with; None for those that only the program knows."""
    if isinstance(node, ast.Dict):
        return [_text(key) for key in node.keys]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
        return [word.arg for word in node.keywords]
    return [None]


def _text(node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        return node.value.decode("utf-8", "replace")
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
