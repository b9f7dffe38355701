"""What a model's server elsewhere has answered, as the engine of a run here."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson

from mlmagic.errors import MlmagicError, PredictionError
from mlmagic.serving.batch.instances import keyed_instances
from mlmagic.serving.engines.base import Array, Columns, NamedSignature, Outputs
from mlmagic.serving.values import Converter, MisfitError, converter
from mlmagic.spec.model import Signature, TensorSpec

_ASKED = 500
"""Rows looked up at a time: SQLite takes so many variables."""
_WRITTEN = 10_000
_TABLE = "CREATE TABLE answers (key TEXT PRIMARY KEY, prediction BLOB, error TEXT) WITHOUT ROWID"


def gather_answers(files: Iterable[Path], database: Path) -> int:
    """Bring the lines of Vertex AI's output files into a new database, and return how many there are.

    Raises:
        MlmagicError: a line is none of such a file.
    """
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute(_TABLE)
        rows: list[tuple[str, bytes | None, str | None]] = []
        for row in _lines(files):
            rows.append(row)
            if len(rows) >= _WRITTEN:
                _write(connection, rows)
        _write(connection, rows)
        found: int = connection.execute("SELECT count(*) FROM answers").fetchone()[0]
        return found


def _write(connection: sqlite3.Connection, rows: list[tuple[str, bytes | None, str | None]]) -> None:
    with connection:
        # The same row may have been asked about twice, and have failed once.
        connection.executemany(
            "INSERT INTO answers VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET prediction = excluded.prediction, "
            "error = NULL WHERE excluded.prediction IS NOT NULL",
            rows,
        )
    rows.clear()


def _lines(files: Iterable[Path]) -> Iterator[tuple[str, bytes | None, str | None]]:
    for path in files:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _read(line, path, number)


def _read(line: bytes, path: Path, number: int) -> tuple[str, bytes | None, str | None]:
    try:
        told = orjson.loads(line)
        key = str(told["key"])
        if "prediction" in told:
            return key, orjson.dumps(told["prediction"]), None
        return key, None, _reason(told["error"])
    except (ValueError, KeyError, TypeError) as error:
        raise MlmagicError(f"{path.name}, line {number}, is no answer of Vertex AI: {line[:200]!r}") from error


def _reason(error: Any) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


class Answers:
    """An `Engine` that knows what a model has said of each row."""

    kind = "answers"
    signatures: Mapping[str, NamedSignature] = MappingProxyType({})

    def __init__(self, database: Path, signature: Signature) -> None:
        self.signature = signature
        self._database = database
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []

    def run(self, columns: Columns) -> Outputs:
        """See `Engine.run`.

        Raises:
            PredictionError: there is no answer to a row; with what the model's server said.
        """
        keys = [key for key, _ in keyed_instances(columns)]
        found = self._find(dict.fromkeys(keys))
        predictions = [found[key] for key in keys]
        outputs = self.signature.outputs
        if len(outputs) == 1:
            return {outputs[0].name: _column(predictions, outputs[0])}
        return {spec.name: _column([_member(told, spec.name) for told in predictions], spec) for spec in outputs}

    def run_signature(self, name: str, columns: Columns) -> Outputs:  # noqa: ARG002 - the Protocol has it
        """See `Engine.run_signature`."""
        raise KeyError(name)

    def close(self) -> None:
        """See `Engine.close`."""
        while self._all:
            self._all.pop().close()

    def _find(self, keys: Mapping[str, None]) -> dict[str, Any]:
        wanted, found = list(keys), {}
        for start in range(0, len(wanted), _ASKED):
            part = wanted[start : start + _ASKED]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, prediction, error FROM answers WHERE key IN ({marks})"  # noqa: S608 - marks alone
            for key, prediction, error in self._connection().execute(query, part):
                if error is not None:
                    raise PredictionError(error)
                found[key] = orjson.loads(prediction)
        if len(found) < len(wanted):
            raise PredictionError("Vertex AI gave no answer")
        return found

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            uri = f"{self._database.absolute().as_uri()}?mode=ro"
            connection = self._local.connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self._all.append(connection)
        return connection


def _member(prediction: Any, name: str) -> Any:
    if not isinstance(prediction, dict) or name not in prediction:
        raise PredictionError(f"the answer has no {name!r}: {prediction!s:.200}")
    return prediction[name]


def _column(values: Sequence[Any], spec: TensorSpec) -> Array | list[Any]:
    convert = converter(spec.dtype, missing_is_nan=True)
    try:
        found = [_converted(value, convert) for value in values]
    except MisfitError as error:
        raise PredictionError(f"the answer's {spec.name!r} is no {spec.dtype}: {error}") from None
    if spec.dtype == "string":
        if not any(isinstance(text, list) for text in found):
            return np.array(found, dtype=object)
        return _uniform(found, np.dtype(object))
    # numpy has no bfloat16: such a column travels as float32.
    return _uniform(found, np.dtype("float32" if spec.dtype == "bfloat16" else spec.dtype))


def _uniform(values: list[Any], dtype: np.dtype[Any]) -> Array | list[Any]:
    try:
        return np.array(values, dtype=dtype)
    except ValueError:
        return values  # rows of different lengths


def _converted(value: Any, convert: Converter) -> Any:
    if isinstance(value, list):
        return [_converted(item, convert) for item in value]
    found = convert(value)
    return found.encode() if isinstance(found, str) else found
