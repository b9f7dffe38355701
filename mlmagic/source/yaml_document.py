"""YAML that somebody typed: its keys stand there once, and its aliases do not grow without end."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

MOST_VALUES = 1_000_000
"""That a document may have, written out."""
_MERGE = "tag:yaml.org,2002:merge"


def read_document(text: str) -> Any:
    """Return what a YAML text says.

    Raises:
        yaml.YAMLError: it is no YAML, has a key twice, or grows by its aliases beyond `MOST_VALUES`.
        RecursionError: it is nested too deeply.
        ValueError: a date that there is not, or a number with thousands of digits.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses keys that stand there twice, of which YAML would take the last."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for item, _ in node.value:
                key = self.construct_object(item, deep=True) if item.tag != _MERGE else object()
                if not isinstance(key, Hashable):
                    continue  # which is refused below
                if key in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key!r} stands there twice", problem_mark=item.start_mark)
                seen.add(key)
            return super().construct_mapping(node, deep=deep)

    loader = Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > MOST_VALUES:
            raise yaml.MarkedYAMLError(problem=f"by its aliases, it grows beyond {MOST_VALUES:,} values")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: Any, known: dict[Any, int]) -> int:
    """Return how many values a node is written out, those of an alias each time that it stands there."""
    if isinstance(node.value, str):
        return 1
    if node not in known:
        known[node] = 1  # while it is counted: it may hold itself
        parts = (part for item in node.value for part in (item if isinstance(item, tuple) else (item,)))
        known[node] = 1 + sum(_size(part, known) for part in parts)
    return known[node]
