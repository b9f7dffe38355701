"""`trainer/features.py`: a declaration of features, and what is known of the training data, as a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlmagic.errors import UsageError
from mlmagic.source.feature_calls import Call, Tables, column_call, feature_call
from mlmagic.source.flags import spellings
from mlmagic.source.parts import PACKAGE, part_text
from mlmagic.source.task import literal, quote, template
from mlmagic.spec.dataset import Column, ColumnType, DatasetSchema
from mlmagic.spec.feature_declaration import tunables
from mlmagic.spec.features import Feature, FeatureKind, Tunable
from mlmagic.spec.package import Flag
from mlmagic.spec.statistics import SplitStatistics

FEATURES_FILE = f"{PACKAGE}/features.py"
STATISTICS_FILE = f"{PACKAGE}/statistics.json"

_PARTS = ("columns", "encoding", "export", "kinds", "moments")
_NUMBERS = frozenset({FeatureKind.NUMERIC, FeatureKind.BUCKETIZED})
_WIDTH = 100
_INDENT = " " * 12
# What the program calls; a flag of such a name would hide it.
_OWN_NAMES = frozenset({"known", "quantile_boundaries", "read_statistics"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFiles:
    """What a package gets for its features."""

    files: Mapping[str, bytes]
    """By path: `trainer/features.py`, the tables that it reads, and the modules that it is built on."""
    flags: tuple[Flag, ...]
    """The arguments of its `make_features`."""


def features_module(
    schema: DatasetSchema, statistics: SplitStatistics, features: Sequence[Feature], target: str
) -> FeatureFiles:
    """Return the files that make the features of a model.

    Args:
        schema: of the dataset: the types of its columns, and its key.
        statistics: of its split `train`.
        features: as `read_features` returned them for these columns.
        target: the column that the model learns.

    Raises:
        UsageError: the target cannot be learned, a flag cannot be called so, or the dataset does not list the values
            or words that a feature needs; all of it is told.
    """
    flags = _flags(features)
    tables = Tables(schema, statistics)
    problems = [*_problems_of(flags, target, tables), *_problems_of_tables(features, tables)]
    labels = _labels(target, tables, problems)
    columns = [column_call(column, tables, is_number=is_number) for column, is_number in _columns(schema, features)]
    calls = [feature_call(feature, tables) for feature in features]
    rest = [f"target={quote(target)},", *_labels_lines(labels, target, tables)]
    rest += [f"key={quote(schema.key)},"] if schema.key else []
    text = template("features.py").substitute(
        rows=f"{statistics.rows:,} row{'' if statistics.rows == 1 else 's'}",
        imports=_imports(columns, calls, has_tables=bool(tables.long)),
        arguments=_parameters(flags),
        which="; the arguments are flags of the program" if flags else "",
        tables="    known = read_statistics()\n" if tables.long else "",
        columns="".join(map(_lines, columns)),
        features="".join(map(_lines, calls)),
        rest="".join(f"        {line}\n" for line in rest),
    )
    texts = {f"{PACKAGE}/{part}.py": part_text(part) for part in _PARTS}
    texts |= {FEATURES_FILE: text, STATISTICS_FILE: _document(tables.long)}
    return FeatureFiles(files={path: texts[path].encode() for path in sorted(texts)}, flags=flags)


def _columns(schema: DatasetSchema, features: Sequence[Feature]) -> list[tuple[Column, bool]]:
    """Return the columns that the model takes, and whether features compute with them."""
    numbers = {feature.columns[0] for feature in features if feature.kind in _NUMBERS}
    own = {feature.name for feature in features}
    used = {
        column
        for feature in features
        for column in feature.columns
        if feature.kind is not FeatureKind.CROSSED or column not in own
    }
    return [(column, column.name in numbers) for column in schema.columns if column.name in used | {schema.key}]


def _flags(features: Sequence[Feature]) -> tuple[Flag, ...]:
    users: dict[str, list[str]] = {}
    found: dict[str, Tunable] = {}
    for feature in features:
        for tunable in tunables(feature):
            found[tunable.flag] = tunable
            users.setdefault(tunable.flag, []).append(feature.name)
    return tuple(
        Flag(
            name=name,
            option=tunable.option or spellings(name)[0],
            type="int",
            default=tunable.default,
            help=f"of {', '.join(users[name])}",
        )
        for name, tunable in found.items()
    )


def _problems_of(flags: Iterable[Flag], target: str, tables: Tables) -> list[str]:
    problems = [f"{flag.option} cannot be called so: choose another name" for flag in flags if flag.name in _OWN_NAMES]
    column = tables.schema.column(target)
    if column is None:
        names = ", ".join(item.name for item in tables.schema.columns)
        return [*problems, f"there is no column {target!r} to learn; the dataset has {names}"]
    if column.type in {ColumnType.TIMESTAMP, ColumnType.DATE}:
        problems.append(f"the target {target} is a {column.type.value}; a model learns numbers, text or booleans")
    return problems


def _problems_of_tables(features: Sequence[Feature], tables: Tables) -> list[str]:
    """Return the features whose values were not listed when the dataset was made: to them, all would be the same."""
    problems = []
    for feature in features:
        column = feature.columns[0]
        known = tables.of(column)
        if feature.kind is FeatureKind.CATEGORICAL and known.count and not feature.values:
            if known.vocabulary is None or not known.vocabulary.values:
                problems.append(
                    f"{feature.name}: the dataset lists none of the {known.unique:,} different values of {column}; "
                    f"name the `values`, or use hashed"
                )
        elif feature.kind is FeatureKind.TEXT and known.count and known.tokens is None:
            problems.append(
                f"{feature.name}: the words of {column} were not counted when the dataset was made; "
                f"declare `{column}: text` in %%preprocess"
            )
    return problems


def _labels(target: str, tables: Tables, problems: list[str]) -> list[str]:
    """Return the classes of a target of text.

    Raises:
        UsageError: there are problems already, or not all classes are known.
    """
    vocabulary = tables.of(target).vocabulary
    is_text = tables.type(target) is ColumnType.STRING
    if is_text and not problems and (vocabulary is None or not vocabulary.values or not vocabulary.is_complete):
        unique = tables.of(target).unique
        problems.append(f"the target {target} has {unique:,} different texts, which is no number of classes")
    if problems:
        raise UsageError("there can be no model of these features:", problems=problems)
    return [item.value for item in vocabulary.values] if is_text and vocabulary else []


def _labels_lines(labels: list[str], target: str, tables: Tables) -> list[str]:
    if not labels:
        return []
    line = f"labels={literal(labels)},"
    return [line] if len(line) + 8 <= _WIDTH else [f"labels={tables.put(target, 'labels', labels)},"]


def _imports(columns: Sequence[Call], features: Sequence[Call], *, has_tables: bool) -> str:
    kinds = sorted({call.name for call in features})
    if any("quantile_boundaries(" in argument for call in features for argument in call.arguments):
        kinds.append("quantile_boundaries")
    lines = [
        f"from {PACKAGE}.columns import {', '.join(sorted({call.name for call in columns}))}",
        f"from {PACKAGE}.encoding import Features" + (", read_statistics" if has_tables else ""),
        f"from {PACKAGE}.kinds import {', '.join(kinds)}",
    ]
    if len(lines[-1]) > _WIDTH:
        lines[-1] = f"from {PACKAGE}.kinds import (\n" + "".join(f"    {kind},\n" for kind in kinds) + ")"
    return "\n".join(lines) + "\n"


def _parameters(flags: Sequence[Flag]) -> str:
    parameters = [f"{flag.name}={flag.default}" for flag in flags]
    inner = ", ".join(parameters)
    if len(f"def make_features({inner}):") <= _WIDTH:
        return inner
    return "\n" + "".join(f"    {parameter},\n" for parameter in parameters)


def _lines(call: Call) -> str:
    """Return a call as an item of a list, on as many lines as it takes."""
    inner = ", ".join(call.arguments)
    if len(f"{_INDENT}{call.name}({inner}),") <= _WIDTH:
        return f"{_INDENT}{call.name}({inner}),\n"
    if len(f"{_INDENT}    {inner}") <= _WIDTH:
        return f"{_INDENT}{call.name}(\n{_INDENT}    {inner}\n{_INDENT}),\n"
    arguments = "".join(f"{_INDENT}    {argument},\n" for argument in call.arguments)
    return f"{_INDENT}{call.name}(\n{arguments}{_INDENT}),\n"


def _document(tables: Mapping[str, Mapping[str, object]]) -> str:
    """Return JSON in which each table has a line of its own."""
    columns = [
        f"  {_json(name)}: {{\n"
        + ",\n".join(f"    {_json(what)}: {_json(values)}" for what, values in sorted(found.items()))
        + "\n  }"
        for name, found in sorted(tables.items())
    ]
    return "{\n" + ",\n".join(columns) + "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
