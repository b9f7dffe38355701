"""Whether code may run again in a package, and what it changes: `conduct` weighed by the tables of `purity`.

Names mean what they meant when the code ran, so every question has a time: a position in the trace.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from mlmagic.source.callees import assigned_value, imported_as, only_shows, passed_to, spelled
from mlmagic.source.conduct import Call, Change, Conduct, Kind, Root, conduct_of_function
from mlmagic.source.meanings import LAYERS, Meanings
from mlmagic.source.purity import (
    CHANGES_ARE_PURE,
    CHANGES_FIRST_ARGUMENT,
    CHANGES_ITSELF,
    CHANGES_ONLY_ITSELF,
    MAKES_CALLABLES,
    MODULE_NAMES,
    PATH_METHODS,
    PURE_BUILTINS,
    PURE_METHODS,
    RUNS_ARGUMENTS,
    SEEDED,
    canonical,
    is_pure,
)
from mlmagic.source.scopes import FunctionNode
from mlmagic.source.settings import settings_of_call

_CONSTRUCTION = ("__new__", "__init__", "__post_init__")


class Reason(NamedTuple):
    """Why code may not run again."""

    text: str
    line: int


@dataclass(slots=True, kw_only=True)
class Effects:
    """What running a piece of code does to the rest of the program."""

    impure: Reason | None = None
    changes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Names of the module whose objects it changes: how deep, and the line."""
    parameters: dict[str, int] = field(default_factory=dict)
    """Parameters whose objects it changes, and how deep."""
    rebinds: dict[str, None] = field(default_factory=dict)
    """Names of the module that it binds anew, in functions that say `global`."""
    runs_parameters: bool = False
    settings: dict[str, None] = field(default_factory=dict)
    """What it sets up in libraries, by dotted names: `numpy.random.seed`, `os.environ['KERAS_BACKEND']`."""
    only_itself: dict[str, bool] = field(default_factory=dict)
    """Of the names that it changes: whether all changes leave the plain data alone that the object was made of."""
    parameters_only: dict[str, bool] = field(default_factory=dict)
    """The same of the parameters."""

    def refuse(self, text: str, line: int) -> None:
        """Note the first reason against running it again."""
        if self.impure is None:
            self.impure = Reason(text, line)

    def change(self, name: str, depth: int, line: int, *, only_itself: bool = False) -> None:
        """Note that it changes the object behind a name of the module."""
        before = self.changes.get(name, (0, line))
        self.only_itself[name] = self.only_itself.get(name, True) and only_itself
        self.changes[name] = (max(before[0], depth), before[1])


class Scope(Protocol):
    """Where names are looked up: the trace."""

    def definition(self, name: str, time: int) -> tuple[ast.stmt, int] | None:
        """Return the statement that bound the name last before a time, and when it ran."""

    def stars_before(self, time: int) -> list[str]:
        """Return the modules star-imported before a time."""

    def provides(self, name: str) -> bool:
        """Say whether the package has the name from a data file."""


class Judge:
    """Weighs code."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.meanings = Meanings(scope.definition)
        self._running: set[int] = set()

    def weigh(self, conduct: Conduct, time: int, *, owner: ast.ClassDef | None = None, deep: bool = False) -> Effects:
        """Return what the code does when it runs at a time.

        Args:
            conduct: the facts.
            time: position in the trace.
            owner: the class whose method it is.
            deep: count the functions defined in it as run.
        """
        effects = Effects(rebinds=dict.fromkeys(sorted(conduct.rebinds)))
        for change in conduct.changes:
            self._change(effects, change.root, change.line)
            self._set(effects, change, time)
        for call in conduct.calls:
            self._call(effects, call, conduct, time, owner)
        if deep:
            for function, around in conduct.nested:
                self._absorb(effects, self._run(function, time, around, deep=True), None, call_line=function.lineno)
        return effects

    def _change(
        self, effects: Effects, root: Root, line: int, depth: int | None = None, *, only_itself: bool = False
    ) -> None:
        depth = max(1, root.steps if depth is None else depth)
        if root.kind is Kind.MODULE:
            effects.change(root.name, depth, line, only_itself=only_itself)
        elif root.kind is Kind.PARAMETER:
            effects.parameters[root.name] = max(depth, effects.parameters.get(root.name, 0))
            effects.parameters_only[root.name] = effects.parameters_only.get(root.name, True) and only_itself

    def _set(self, effects: Effects, change: Change, time: int) -> None:
        """Note a setting that is an assignment: `pd.options.mode.copy_on_write = True`."""
        found = self._scope.definition(change.root.name, time) if change.root.kind is Kind.MODULE else None
        dotted = imported_as(found[0], change.root.name) if found else None
        target = ast.unparse(change.target) if change.target is not None else ""
        if dotted and target.startswith(change.root.name):
            effects.settings[canonical(dotted + target.removeprefix(change.root.name))] = None

    def _run(
        self,
        function: FunctionNode,
        time: int,
        around: frozenset[str] = frozenset(),
        *,
        owner: ast.ClassDef | None = None,
        deep: bool = False,
    ) -> Effects:
        with self._once(function) as first:
            if not first:
                return Effects()
            return self.weigh(conduct_of_function(function, around), time, owner=owner, deep=deep)

    @contextmanager
    def _once(self, node: ast.AST) -> Iterator[bool]:
        """Say whether the node is not being weighed already: recursion adds nothing new."""
        if id(node) in self._running:
            yield False
            return
        self._running.add(id(node))
        yield True
        self._running.discard(id(node))

    def _absorb(
        self,
        effects: Effects,
        other: Effects,
        call: Call | None,
        *,
        call_line: int,
        function: FunctionNode | None = None,
        receiver: Root | None = None,
    ) -> None:
        """Add what a called function does to what its caller does."""
        if other.impure is not None:
            effects.refuse(_through(call, other.impure.text), call_line)
        for name, (depth, _) in other.changes.items():
            effects.change(name, depth, call_line, only_itself=other.only_itself[name])
        effects.settings.update(other.settings)
        effects.rebinds.update(other.rebinds)
        if function is None or call is None:
            return
        passed = passed_to(function, call, receiver)
        for parameter, depth in other.parameters.items():
            for root in passed.get(parameter, []):
                only_itself = other.parameters_only[parameter]
                self._change(effects, root, call_line, root.steps + depth, only_itself=only_itself)

    # Calls

    def _call(self, effects: Effects, call: Call, conduct: Conduct, time: int, owner: ast.ClassDef | None) -> None:
        runs_arguments = call.method in RUNS_ARGUMENTS or (not call.attributes and call.root.name in RUNS_ARGUMENTS)
        if call.root.kind is Kind.MODULE:
            runs_arguments |= self._call_module(effects, call, time)
        elif call.root.kind is Kind.VALUE:
            self._call_value(effects, call, time)
        elif call.attributes:
            self._call_method(effects, call, time, owner)
        elif call.root.kind is Kind.PARAMETER:
            effects.runs_parameters = True
        elif call.root.name in conduct.functions and call.root.steps == 0:
            function, around = conduct.functions[call.root.name]
            self._absorb(effects, self._run(function, time, around), call, call_line=call.line, function=function)
        else:
            effects.refuse(f"calls {spelled(call)}", call.line)
        if runs_arguments:
            for argument in call.arguments:
                self._run_argument(effects, argument, time, call.line)

    def _run_argument(self, effects: Effects, argument: ast.expr, time: int, line: int) -> None:
        if isinstance(argument, ast.Lambda):
            self._absorb(effects, self._run(argument, time), None, call_line=line)
        elif isinstance(argument, ast.Name):
            found = self._scope.definition(argument.id, time)
            if found is not None and isinstance(found[0], ast.FunctionDef):
                self._absorb(effects, self._run(found[0], time), None, call_line=line)
            elif found is None and argument.id in MODULE_NAMES and argument.id not in PURE_BUILTINS:
                effects.refuse(f"calls {argument.id}()", line)

    def _call_value(self, effects: Effects, call: Call, time: int) -> None:
        function = call.node.func if isinstance(call.node, ast.Call) else call.node
        if isinstance(function, ast.Lambda):
            self._absorb(effects, self._run(function, time), None, call_line=call.line)
        elif isinstance(function, ast.Call):
            return  # judged as a deep call
        elif isinstance(function, ast.Attribute) and self.meanings.is_path(function.value, time):
            if call.method not in PATH_METHODS:
                effects.refuse(f"calls {spelled(call)}", call.line)
        elif call.method not in PURE_METHODS and call.method not in CHANGES_ARE_PURE:
            effects.refuse(f"calls {spelled(call)}", call.line)

    def _call_method(self, effects: Effects, call: Call, time: int, owner: ast.ClassDef | None) -> None:
        if owner is not None and call.root.name in ("self", "cls") and len(call.attributes) == 1:
            method = self.meanings.method(owner, call.method, time)
            if method is not None:
                self._absorb(
                    effects,
                    self._run(method, time, owner=owner),
                    call,
                    call_line=call.line,
                    function=method,
                    receiver=call.root._replace(steps=0),
                )
                return
        self._ask_object(effects, call)

    def _ask_object(self, effects: Effects, call: Call) -> None:
        """Judge a method by its name alone."""
        method, depth = call.method, call.root.steps
        if (
            call.inplace
            or method in CHANGES_ITSELF
            or (call.discarded and method not in PURE_METHODS and not only_shows(method))
        ):
            self._change(effects, call.root, call.line, depth, only_itself=method in CHANGES_ONLY_ITSELF)
        if method == "parse_args" and call.arguments:
            return  # not of the command line
        if method not in PURE_METHODS and method not in CHANGES_ARE_PURE:
            effects.refuse(f"calls {spelled(call)}", call.line)

    def _call_module(self, effects: Effects, call: Call, time: int) -> bool:
        """Judge a call through a name of the module; return whether it runs its arguments."""
        found = self._scope.definition(call.root.name, time)
        if found is None:
            self._call_builtin(effects, call, time)
            return False
        return self._call_found(effects, call, call.root.name, found, time)

    def _call_found(self, effects: Effects, call: Call, name: str, found: tuple[ast.stmt, int], time: int) -> bool:
        """Judge a call of, or through, what the statement that ran at `when` gave to `name`."""
        node, when = found
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and call.root.steps > len(
            call.attributes
        ):
            self._ask_object(effects, call)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not call.attributes:
            return self._call_function(effects, call, node, time)
        elif isinstance(node, ast.ClassDef):
            self._call_class(effects, call, node, time)
        elif dotted := imported_as(node, name):
            self._call_imported(effects, call, dotted)
        else:
            return self._call_object(effects, call, assigned_value(node, name), when, time)
        return False

    def _call_builtin(self, effects: Effects, call: Call, time: int) -> None:
        name = call.root.name
        if self._scope.provides(name):
            self._ask_object(effects, call)
            return
        dotted = ".".join([name, *call.attributes])
        for module in self._scope.stars_before(time):
            if is_pure(f"{module}.{dotted}"):
                return
        if dotted in CHANGES_FIRST_ARGUMENT:
            self._change_first(effects, call)
        elif name in PURE_BUILTINS and (not call.attributes or call.method in PURE_METHODS):
            return
        elif name == "get_ipython":
            effects.refuse("asks IPython", call.line)
        else:
            effects.refuse(f"calls {spelled(call)}", call.line)

    def _change_first(self, effects: Effects, call: Call) -> None:
        if call.roots and call.roots[0] is not None:
            self._change(effects, call.roots[0], call.line, call.roots[0].steps + 1)

    def _call_imported(self, effects: Effects, call: Call, dotted: str) -> None:
        name = canonical(".".join([dotted, *call.attributes]))
        if name in CHANGES_FIRST_ARGUMENT:
            self._change_first(effects, call)
        elif call.discarded and (
            settings := dict.fromkeys(settings_of_call(name, call.node, through_module=bool(call.attributes)))
        ):
            effects.settings.update(settings)
            effects.change(call.root.name, 1, call.line)
            return
        elif name in SEEDED and call.arguments:
            return
        if not is_pure(name) and name not in CHANGES_FIRST_ARGUMENT:
            # A decorator is part of its function: without it there would be another one.
            if isinstance(call.node, ast.Call) and not call.deep:
                effects.refuse(f"calls {spelled(call)}", call.line)
        elif name.startswith(("random.", "numpy.random.")):
            effects.refuse(f"calls {spelled(call)}", call.line)

    def _call_function(
        self, effects: Effects, call: Call, node: ast.FunctionDef | ast.AsyncFunctionDef, time: int
    ) -> bool:
        done = self._run(node, time, deep=call.deep)
        self._absorb(effects, done, call, call_line=call.line, function=node)
        for decorator in node.decorator_list:
            self._run_decorator(effects, decorator, time, call.line)
        return done.runs_parameters

    def _run_decorator(self, effects: Effects, decorator: ast.expr, time: int, line: int) -> None:
        """Count what a user's decorator wraps around a function."""
        name = decorator.func if isinstance(decorator, ast.Call) else decorator
        found = self._scope.definition(name.id, time) if isinstance(name, ast.Name) else None
        if found is not None and isinstance(found[0], ast.FunctionDef):
            self._absorb(effects, self._run(found[0], time, deep=True), None, call_line=line)

    def _call_class(self, effects: Effects, call: Call, node: ast.ClassDef, time: int) -> None:
        if call.method == "__init_subclass__" and (meta := self.meanings.metaclass(node, time)) is not None:
            self._call_class(effects, dataclasses.replace(call, attributes=()), meta, time)
        if call.attributes:
            method = self.meanings.method(node, call.method, time) if len(call.attributes) == 1 else None
            if method is None:
                self._ask_object(effects, call)
            else:
                done = self._run(method, time, owner=node)
                self._absorb(effects, done, call, call_line=call.line, function=method, receiver=call.root)
            return
        for name in _CONSTRUCTION:
            method = self.meanings.method(node, name, time)
            if method is not None:
                done = self._run(method, time, owner=node)
                made = Root(Kind.VALUE)
                self._absorb(effects, done, call, call_line=call.line, function=method, receiver=made)

    def _call_object(self, effects: Effects, call: Call, value: ast.expr | None, when: int, time: int) -> bool:
        """Judge a call of, or through, a value that a statement assigned."""
        if isinstance(value, ast.Name) and (found := self._scope.definition(value.id, when)):
            # Another name for something: judge that.
            return self._call_found(effects, call, value.id, found, time)
        if isinstance(value, ast.Lambda) and not call.attributes:
            done = self._run(value, time)
            self._absorb(effects, done, call, call_line=call.line, function=value)
            return done.runs_parameters
        if isinstance(value, ast.Attribute) and (dotted := self.meanings.dotted(value, when)):
            self._call_imported(effects, call, dotted)
            return False
        if isinstance(value, ast.Call):
            dotted = self.meanings.dotted(value.func, when)
            if dotted in MAKES_CALLABLES and not call.attributes:
                for argument in value.args:
                    self._run_argument(effects, argument, time, call.line)
                return False
            found = self._scope.definition(value.func.id, when) if isinstance(value.func, ast.Name) else None
            if found is not None and self._call_made(effects, call, found[0], time):
                return False
            if dotted.startswith(LAYERS) and not call.attributes:
                return False
        if value is not None and call.attributes and self.meanings.is_path(value, when):
            if call.method not in PATH_METHODS:
                effects.refuse(f"calls {spelled(call)}", call.line)
            return False
        self._ask_object(effects, call)
        return False

    def _call_made(self, effects: Effects, call: Call, maker: ast.stmt, time: int) -> bool:
        """Judge a call of what a user's class or function made; return whether it could be judged."""
        if isinstance(maker, ast.FunctionDef) and not call.attributes:
            self._absorb(effects, self._run(maker, time, deep=True), None, call_line=call.line)
            return True
        if isinstance(maker, ast.ClassDef) and len(call.attributes) <= 1:
            method = self.meanings.method(maker, call.method or "__call__", time)
            if method is None and not call.method and self.meanings.is_layer(maker, time):
                method = self.meanings.method(maker, "call", time) or self.meanings.method(maker, "forward", time)
                if method is None:
                    return True
            if method is not None:
                done = self._run(method, time, owner=maker)
                receiver = call.root._replace(steps=0)
                self._absorb(effects, done, call, call_line=call.line, function=method, receiver=receiver)
                return True
        return False


def _through(call: Call | None, text: str) -> str:
    """Say what a called function does, in terms of the line that calls it."""
    return text if call is None else f"calls {spelled(call)}, which {text.rpartition(', which ')[2]}"
