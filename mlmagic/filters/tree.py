"""What a filter says, read: nodes without positions, so that what means the same is equal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_PLAIN_KEY = re.compile(r"[\w.][\w./+@-]*")


class Operator(StrEnum):
    """How a term compares."""

    HAS = ":"
    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    MATCHES = "~"
    DIFFERS = "!~"


@dataclass(frozen=True, slots=True)
class Value:
    """What stands after an operator. What is quoted is text even where it looks like a number."""

    text: str
    is_quoted: bool = False

    def __str__(self) -> str:
        if self.is_quoted:
            return _quoted(self.text)
        return re.sub(r"""[\\"']""", r"\\\g<0>", self.text)


@dataclass(frozen=True, slots=True)
class Term:
    """`key operator value`. Several values mean any of them."""

    key: str
    """As `keys.find` spells it."""
    operator: Operator
    values: tuple[Value, ...]

    def __str__(self) -> str:
        key = self.key if _PLAIN_KEY.fullmatch(self.key) else _quoted(self.key)
        values = " ".join(map(str, self.values))
        # A value may begin with what would else be read as more of the operator.
        space = " " * (values[:1] in ":=!<>~")
        return f"{key}{self.operator}{space}{values if len(self.values) == 1 else f'({values})'}"


@dataclass(frozen=True, slots=True)
class Not:
    """What the node does not let through."""

    node: Node

    def __str__(self) -> str:
        return f"NOT {_grouped(self.node)}"


@dataclass(frozen=True, slots=True)
class And:
    """What all nodes let through; none lets everything through."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " AND ".join(map(_grouped, self.nodes))


@dataclass(frozen=True, slots=True)
class Or:
    """What at least one node lets through."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(map(_grouped, self.nodes))


Node = Term | Not | And | Or


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter that was read without error."""

    text: str
    """As it was typed."""
    root: Node = And(())


def keys_in(node: Node) -> frozenset[str]:
    """Return the keys that terms name, as `keys.find` spells them."""
    match node:
        case Term(key=key):
            return frozenset({key})
        case Not(node=inner):
            return keys_in(inner)
        case And(nodes=nodes) | Or(nodes=nodes):
            return frozenset().union(*map(keys_in, nodes))


def about_trials(where: Filter | None) -> bool:
    """Say whether a filter asks for trials of studies, which lists leave out otherwise."""
    return where is not None and not keys_in(where.root).isdisjoint({"parent", "trial"})


def unparse(node: Node) -> str:
    """Return a text that reads as the node."""
    return str(node)


def _quoted(text: str) -> str:
    return '"' + re.sub(r'[\\"]', r"\\\g<0>", text) + '"'


def _grouped(node: Node) -> str:
    return str(node) if isinstance(node, Term) else f"({node})"
