"""The flags of magics that read files of rows."""

from __future__ import annotations

from typing import Any

from mlmagic.magics.tables import Kind, Option, Parsed

MAX_REJECTED = Option(
    name="max-rejected",
    metavar="LIMIT",
    kind=Kind.TEXT,
    help="fail if more rows than this are bad: 1000, or 1%, which it is if not given",
)
NO_HEADER = Option(name="no-header", help="the first line of CSV files is a row like the others")
COLUMN_NAMES = Option(name="column-names", metavar="A,B,C", kind=Kind.OBJECT, help="of CSV files that have no header")
TYPES = Option(
    name="types",
    metavar="COLUMN=TYPE,…",
    kind=Kind.OBJECT,
    help="integer, float, boolean, string, timestamp or date, where what is inferred is wrong",
)
DELIMITER = Option(name="delimiter", metavar="CHARACTER", kind=Kind.TEXT, help="between the fields of CSV files")
NULL_VALUES = Option(
    name="null-values", metavar="A,B,…", kind=Kind.OBJECT, help="what stands for a missing value in files"
)
WORKERS = Option(name="workers", metavar="N", kind=Kind.COUNT, help="threads; as many as processors if not given")
CORES = Option(name="cores", metavar="N", kind=Kind.TEXT, help="what the job takes of this machine")
TABLE_OPTIONS = (NO_HEADER, COLUMN_NAMES, TYPES, DELIMITER, NULL_VALUES)
"""How files of rows are to be understood, where they do not tell it themselves."""
_KEYS = (
    *("max_rejected", "format", "column_names", "types", "delimiter", "null_values", "workers", "output"),
    *("timeout", "cores", "memory", "priority", "max_retries", "backend", "budget", "yes"),
)


def common_arguments(line: Parsed) -> dict[str, Any]:
    """Return, as the api takes it, what all magics are told alike that start a job over files."""
    arguments = {key: line[key] for key in _KEYS}
    return arguments | {"header": not line["no_header"], "labels": line["label"], "invocation": line.invocation}
