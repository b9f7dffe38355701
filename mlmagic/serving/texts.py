"""Instances as somebody types them, or keeps them in a file: JSON, YAML or CSV."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlmagic.errors import PredictionError, UsageError
from mlmagic.spec.model import Signature

if TYPE_CHECKING:
    import pandas as pd

LARGEST_FILE = 256 << 20
"""Bytes of a file whose instances are read into memory. What is larger is a job's work."""

_JSON_EXAMPLE = 'For example: [{"age": 5}] or {"instances": [{"age": 5}]}'


def parse_instances(text: str | bytes | bytearray, signature: Signature) -> Any:
    """Return the instances that a text tells: JSON, CSV whose first line names inputs of the model, or else YAML.

    Raises:
        PredictionError: it is none of them.
    """
    if not isinstance(text, str):
        try:
            text = bytes(text).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PredictionError(f"the instances are not text in UTF-8: {error}") from error
    begin = text.lstrip()[:1]
    if begin in {"{", "["}:
        return _from_json(text)
    first = text.strip().partition("\n")[0]
    names = {name.strip().strip('"') for name in first.split(",")}
    if names & {tensor.name for tensor in signature.inputs} and "\n" in text.strip():
        return _from_csv(io.StringIO(text.strip() + "\n"), signature)
    return _from_yaml(text)


def read_instances(path: Path, signature: Signature) -> Any:
    """Return the instances of a file, by its extension: CSV and Parquet as a DataFrame, JSON, JSON lines and YAML.

    Raises:
        UsageError: no such file, one too large to be read at once, or one of another kind.
        PredictionError: it does not hold what its name says.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise UsageError(f"{path}: instances are read from {', '.join(_READERS)}, not from {path.suffix or 'this'}.")
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UsageError(
                f"{path} has {size / 1e6:,.0f} MB, and what is read at once has {LARGEST_FILE / 1e6:,.0f} MB at most.",
                hint="Let a job do it, in pieces: add --output FOLDER, or a file such as --output predictions.csv",
            )
        return read(path, signature)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise PredictionError("the instances are JSON that is nested too deeply to be read.") from error
    except ValueError as error:
        raise PredictionError(f"the instances are not JSON: {error}", hint=_JSON_EXAMPLE) from error


def _from_yaml(text: str) -> Any:
    import yaml

    from mlmagic.source.yaml_document import read_document

    try:
        told = read_document(text)
    except RecursionError:
        raise PredictionError("the instances are YAML that is nested too deeply to be read.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise PredictionError(f"the instances are not YAML: {error}", hint=_JSON_EXAMPLE) from error
    if isinstance(told, list | Mapping):
        return told
    raise PredictionError(
        "the instances are neither JSON, nor YAML with one instance or a list of them, nor CSV whose first line names "
        f"inputs of the model: {text.strip()[:60]!r}",
        hint=_JSON_EXAMPLE,
    )


def _from_csv(source: io.StringIO | Path, signature: Signature) -> pd.DataFrame:
    import pandas as pd

    # What the model takes as text stays text: 00501 is no number.
    texts: dict[str, Any] = {tensor.name: str for tensor in signature.inputs if tensor.dtype == "string"}
    try:
        return pd.read_csv(source, dtype=texts, skipinitialspace=True, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise PredictionError(
            f"the instances are not CSV: {reason}.",
            hint="The first line names the columns; each other has as many values.",
        ) from error


def _from_json_lines(path: Path) -> list[Any]:
    instances = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        try:
            instances += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            raise PredictionError(f"{path}, line {number}: not JSON: {error}") from error
    return instances


def _from_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise UsageError(f"{path}: reading Parquet needs PyArrow.", hint='%pip install "mlmagic[beam]"') from error
    except ValueError as error:
        raise PredictionError(f"{path} is not Parquet: {error}") from error


_READERS: Mapping[str, Callable[[Path, Signature], Any]] = MappingProxyType(
    {
        ".csv": _from_csv,
        ".json": lambda path, signature: parse_instances(path.read_bytes(), signature),
        ".jsonl": lambda path, _: _from_json_lines(path),
        ".ndjson": lambda path, _: _from_json_lines(path),
        ".parquet": lambda path, _: _from_parquet(path),
        ".yaml": lambda path, signature: parse_instances(path.read_bytes(), signature),
        ".yml": lambda path, signature: parse_instances(path.read_bytes(), signature),
    }
)
