"""Text → tree.

filter  : all of ( either ... ), one after the other: AND, but binds looser than OR
either  : both ( OR either )?             AND and OR in the same parentheses are an error
both    : inverse ( AND both )?
inverse : NOT? single
single  : '(' filter ')' | '-'? key operator value | '-'? key ( ':' | '=' ) '(' value ... ')'
"""

from __future__ import annotations

from collections.abc import Callable

from mlmagic.errors import UsageError
from mlmagic.filters import mending
from mlmagic.filters.check import check_term
from mlmagic.filters.keys import Key, find
from mlmagic.filters.tokens import Reader
from mlmagic.filters.tree import And, Filter, Node, Not, Operator, Or, Term, Value

_LONGEST = 10_000
"""Characters; what SQLite makes of a filter has limits too."""
_DEEPEST = 20

_MIXED = "AND and OR are mixed without parentheses"


def parse(text: str) -> Filter:
    """Read a filter; an empty one lets everything through.

    Raises:
        UsageError: it cannot be read; shows where, what was expected there, and how to mend it.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"a filter has at most {_LONGEST:,} characters; this one has {len(text):,}.")
    return Filter(text=text, root=_Parser(Reader(text)).parse())


class _Parser:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._groups: list[set[str]] = [set()]
        """Which of AND and OR each open parenthesis has seen."""

    def parse(self) -> Node:
        if self._reader.at_end():
            return And(())
        node = self._filter()
        if not self._reader.at_end():
            raise self._reader.error("no parenthesis is open here", "Remove it, or write its counterpart before.")
        return node

    def _filter(self) -> Node:
        nodes = [self._either()]
        while not self._reader.at_end() and not self._reader.sees(")"):
            nodes.append(self._either())
        return And(tuple(nodes)) if len(nodes) > 1 else nodes[0]

    def _either(self) -> Node:
        return self._chain("OR", self._both, Or)

    def _both(self) -> Node:
        return self._chain("AND", self._inverse, And)

    def _chain(self, word: str, part: Callable[[], Node], join: Callable[[tuple[Node, ...]], Node]) -> Node:
        nodes = [part()]
        while self._reader.sees_word(word):
            self._groups[-1].add(word)
            if len(self._groups[-1]) > 1:
                raise self._reader.error(_MIXED, mending.MIXED)
            self._reader.take_word(word)
            nodes.append(part())
        return join(tuple(nodes)) if len(nodes) > 1 else nodes[0]

    def _inverse(self) -> Node:
        if self._reader.sees_word("NOT"):
            self._reader.take_word("NOT")
            return Not(self._single())
        return self._single()

    def _single(self) -> Node:
        at = self._reader.skip_space()
        if self._reader.take("("):
            return self._group(at)
        if self._reader.take("-"):
            return Not(self._group(at) if self._reader.take("(") else self._term())
        return self._term()

    def _group(self, at: int) -> Node:
        if len(self._groups) > _DEEPEST:
            raise self._reader.error(f"parentheses are nested more than {_DEEPEST} deep", at=at)
        self._groups.append(set())
        node = self._filter()
        if not self._reader.take(")"):
            raise self._reader.error("this parenthesis is never closed", "Write ) where it ends.", at=at)
        self._groups.pop()
        return node

    def _term(self) -> Node:
        at = self._reader.skip_space()
        text = self._reader.key()
        if text is None:
            hint = mending.instead_of_term(self._reader.rest(at))
            raise self._reader.error("expected a term, such as state=FAILED", hint, at=at)
        operator = self._operator(text, at)
        try:
            key = find(text)
        except UsageError as error:
            raise self._reader.error(error.message.rstrip("."), error.hint, at=at) from error
        return self._values(key, operator)

    def _operator(self, key: str, at: int) -> Operator:
        place = self._reader.skip_space()
        found = self._reader.operator()
        if found in set(Operator):
            return Operator(found)
        if found:
            raise self._reader.error(f"there is no operator {found}", mending.instead_of_operator(found), at=place)
        if self._reader.sees("("):
            raise self._reader.error(f"functions of keys, such as {key}(), are not known here", at=at)
        hint = mending.without_operator(self._reader.rest(0), key, at)
        raise self._reader.error(f"expected an operator after {key!r}: {' '.join(Operator)}", hint, at=at)

    def _values(self, key: Key, operator: Operator) -> Term:
        at = self._reader.skip_space()
        if self._reader.take("("):
            if operator not in {Operator.HAS, Operator.EQUAL}:
                raise self._reader.error("only : and = take several values in parentheses", at=at)
            found = self._list(at)
        else:
            found = [(at, self._value(self._reader.value("()"), at))]
        values = tuple(value for _, value in found)
        for place, value in found:
            if problem := check_term(key, operator, value):
                raise self._reader.error(*problem, at=place)
        return Term(key.name, operator, values)

    def _list(self, at: int) -> list[tuple[int, Value]]:
        values: list[tuple[int, Value]] = []
        while not self._reader.take(")"):
            place = self._reader.skip_space(also=",")
            if self._reader.at_end():
                raise self._reader.error("this parenthesis is never closed", "Write ) after the last value.", at=at)
            if self._reader.sees(")"):
                continue
            # gcloud takes (a OR b) too.
            if values and self._reader.sees_word("OR"):
                self._reader.take_word("OR")
                continue
            values.append((place, self._value(self._reader.value("(),"), place)))
        if not values:
            raise self._reader.error("expected a value in the parentheses", at=at)
        return values

    def _value(self, value: Value | None, at: int) -> Value:
        if value is None:
            raise self._reader.error("expected a value here", 'Text that is empty is written "".', at=at)
        if not value.is_quoted and value.text in {"AND", "OR", "NOT"}:
            raise self._reader.error(
                f"expected a value, not {value.text}", f'If it is one, write "{value.text}".', at=at
            )
        return value
