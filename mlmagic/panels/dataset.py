"""The page of a dataset's version: rows, columns, what looks wrong, its features, where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mlmagic.panels import theme
from mlmagic.panels.bundle import Bundle, document
from mlmagic.panels.dataset_columns import chart_splits, columns_html, columns_payload, columns_text, shown_columns
from mlmagic.panels.dataset_origin import origin_html, origin_text, rejected_html, rejected_text
from mlmagic.panels.dataset_values import declaration_yaml, share
from mlmagic.panels.dataset_warnings import warnings_html, warnings_text
from mlmagic.panels.markup import Html
from mlmagic.panels.sizes import size_text
from mlmagic.panels.text import folded, one_line
from mlmagic.panels.times import ago, short_absolute, utc_now
from mlmagic.spec.codec import encode
from mlmagic.spec.dataset import DatasetSchema, SplitBy
from mlmagic.spec.dataset_report import DatasetReport

MIME_TYPE = "application/vnd.mlmagic.dataset+json"
_LONGEST_OPEN = 30


def dataset_bundle(view: DatasetReport, *, now: datetime | None = None) -> Bundle:
    """Return the page of a version."""
    now = now or utc_now()
    shown = shown_columns(view.version.schema, view.statistics, view.columns)
    payload = {
        "dataset": view.version.dataset,
        "number": view.version.number,
        "rows": dict(view.version.schema.rows),
        "features": dict(view.version.schema.features),
        "warnings": [encode(warning) for warning in view.warnings],
        "columns": columns_payload(shown),
        "columnCount": len(view.version.schema.columns),
    }
    if (location := view.version.origin.location) is not None:
        payload["location"] = location
    splits = chart_splits(list(view.statistics.splits))
    html = theme.card(
        _heading(view),
        _facts(view, now),
        warnings_html(view.warnings),
        theme.row(theme.faint(view.unchecked)) if view.unchecked else None,
        columns_html(shown, splits),
        *(theme.row(theme.faint(note)) for note in _notes(view)),
        _features_html(view.version.schema),
        rejected_html(view.statistics.rows),
        origin_html(view.version),
        theme.hints("Next", _next(view)),
    )
    lines = _head_lines(view, now) + warnings_text(view.warnings) + ([view.unchecked] if view.unchecked else [])
    lines += ["", columns_text(shown), *(line for note in _notes(view) for line in folded(note))]
    lines += ["", *_feature_lines(view.version.schema)]
    lines += [*rejected_text(view.statistics.rows), *origin_text(view.version)]
    return document(MIME_TYPE, payload, html=html, text="\n".join([*lines, "", f"Next: {'   '.join(_next(view))}"]))


def split_text(schema: DatasetSchema) -> str:
    """Return how rows were divided: `by a hash of ride_id`."""
    match schema.split.by:
        case SplitBy.KEY:
            return f"by a hash of {one_line(schema.split.column or '')}"
        case SplitBy.TIME:
            starts = [f"{split} from {start:%Y-%m-%d %H:%M}" for split, start in schema.split.starts.items()]
            return f"by {one_line(schema.split.column or '')}" + (f": {', '.join(starts)}" if starts else "")
        case _:
            return "by a hash of the row"


def _heading(view: DatasetReport) -> Html:
    rows, columns = sum(view.version.schema.rows.values()), len(view.version.schema.columns)
    newest = f"newest @{view.newest}" if view.newest is not None else None
    return theme.heading(
        theme.title(str(view.version)),
        theme.pill(newest, theme.GREY) if newest else None,
        right=f"{rows:,} rows · {columns:,} column{'' if columns == 1 else 's'}",
    )


def _told(view: DatasetReport, now: datetime) -> list[tuple[str, str | None]]:
    version, schema = view.version, view.version.schema
    total = sum(schema.rows.values())
    parts = {split: schema.rows[split] for split in schema.splits}
    splits = [f"{split} {count:,} ({share(count, total)})" for split, count in parts.items()]
    made = f"{ago(version.create_time, now)} ({short_absolute(version.create_time)})"
    return [
        ("Rows", f"{' · '.join(splits)}, {split_text(schema)}"),
        ("Target", one_line(schema.target) if schema.target else None),
        ("Key", one_line(schema.key) if schema.key else None),
        ("Made", f"{made}, {size_text(version.size_bytes)}"),
    ]


def _facts(view: DatasetReport, now: datetime) -> Html:
    return theme.facts(_told(view, now))


def _head_lines(view: DatasetReport, now: datetime) -> list[str]:
    newest = f"  (newest is @{view.newest})" if view.newest is not None else ""
    told = [f"{name:<7} {value}" for name, value in _told(view, now) if value]
    return [f"{view.version}{newest}", *told]


def _notes(view: DatasetReport) -> list[str]:
    total, shown = len(view.version.schema.columns), len(view.columns)
    first = chart_splits(list(view.statistics.splits))[:1]
    notes = [f"Missing, unique and values are those of {first[0]}."] if first else []
    if shown < total:
        command = f"%datasets describe {view.version} --columns 'NAME,BEGIN*'"
        notes.append(f"{shown:,} of {total:,} columns. Others: {command}")
    return notes


def _features_title(schema: DatasetSchema) -> str:
    origin = "inferred from the values" if schema.are_features_inferred else "as declared"
    return f"Features, {origin}: copy, change, and give it to %%train NAME --features FILE"


def _features_html(schema: DatasetSchema) -> Html | None:
    if not schema.features:
        return None
    text = declaration_yaml(_declared(schema))
    is_open = len(schema.features) <= _LONGEST_OPEN
    return theme.folded(_features_title(schema), theme.block(text, height="24em", wrap=False), is_open=is_open)


def _feature_lines(schema: DatasetSchema) -> list[str]:
    if not schema.features:
        return []
    lines = declaration_yaml(_declared(schema)).split("\n")
    more = len(lines) - 1 - 2 * _LONGEST_OPEN
    cut = [*lines[: 2 * _LONGEST_OPEN + 1], f"  # and {more:,} more, in .features"] if more > 0 else lines
    return [*folded(_features_title(schema)), *cut]


def _declared(schema: DatasetSchema) -> dict[str, object]:
    """Return the features in the order of their columns; in the file they stand in order of name."""
    places = {column.name: at for at, column in enumerate(schema.columns)}

    def place(name: str) -> int:
        value = schema.features[name]
        column = value.get("column", name) if isinstance(value, Mapping) else name
        return places.get(column, len(places)) if isinstance(column, str) else len(places)

    return {name: schema.features[name] for name in sorted(schema.features, key=place)}


def _next(view: DatasetReport) -> list[str]:
    version = view.version
    commands = [f"%datasets plot {version}", f"%%train NAME --data {version}"]
    before = f"{version.dataset}@{version.number - 1}"
    return [*commands, *([f"%datasets diff {before} {version}"] if version.number > 1 else [])]
