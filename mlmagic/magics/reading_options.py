"""The flags of magics that read files of rows."""

from __future__ import annotations

from mlmagic.magics.tables import Kind, Option

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
