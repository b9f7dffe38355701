"""The last words of a run."""

from __future__ import annotations

import json

from mlmagic.preprocessing import storage
from mlmagic.preprocessing.finish import SCHEMA, STATISTICS, told
from mlmagic.spec.codec import decode, loads
from mlmagic.spec.dataset import DatasetSchema
from mlmagic.spec.statistics import RowCounts

_SAMPLES = 5


def summary(output: str) -> str:
    """Return what a finished dataset holds, in a few lines."""
    schema = loads(DatasetSchema, _text(output, SCHEMA))
    # Thousands of values of columns stand beside it, which nobody needs here.
    rows = decode(RowCounts, json.loads(_text(output, STATISTICS))["rows"])
    splits = " · ".join(f"{name} {schema.rows[name]:,}" for name in schema.splits)
    lines = [
        f"{rows.written:,} rows of {rows.read:,}: {splits}",
        f"{_removed(rows)}, {rows.rejected_rows:,} rejected",
        *(f"  {count:,} times {reason}" for reason, count in rows.rejected.items()),
        *(f"    such as {told(sample)}" for sample in rows.samples[:_SAMPLES]),
        f"Features{', inferred' if schema.are_features_inferred else ''}:",
        *_features(schema),
    ]
    return "\n".join(lines)


def _features(schema: DatasetSchema) -> list[str]:
    """Return the declaration, to be read as YAML, in the order of the columns; crosses and the like come last."""
    places = {column.name: place for place, column in enumerate(schema.columns)}
    ordered = sorted(schema.features.items(), key=lambda item: places.get(item[0], len(places)))
    return [f"  {name}: {_flow(options)}" for name, options in ordered]


def _flow(value: object) -> str:
    match value:
        case dict():
            options = sorted(value.items(), key=lambda item: item[0] != "type")
            return "{" + ", ".join(f"{key}: {_flow(option)}" for key, option in options) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case str():
            return value
        case _:
            return json.dumps(value)


def _removed(rows: RowCounts) -> str:
    return f"{rows.removed:,} removed by clean" if rows.removed >= 0 else f"{-rows.removed:,} added by clean"


def _text(output: str, name: str) -> str:
    (text,) = storage.read_texts(storage.join(output, name)).values()
    return text
