"""Instances as they are typed, or kept in files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mlmagic.errors import PredictionError, UsageError
from mlmagic.serving import texts
from mlmagic.serving.rows import read_rows
from mlmagic.serving.texts import parse_instances, read_instances
from mlmagic.spec.model import Signature, TensorSpec

SIGNATURE = Signature(
    inputs=(
        TensorSpec(name="age", dtype="float32", shape=(None,)),
        TensorSpec(name="zip", dtype="string", shape=(None,)),
    )
)
ROWS = [{"age": 1.5, "zip": "00501"}, {"age": 2.0, "zip": "10001"}]
TEXTS = {
    "json": '[{"age": 1.5, "zip": "00501"}, {"age": 2.0, "zip": "10001"}]',
    "yaml": '- age: 1.5\n  zip: "00501"\n- {age: 2.0, zip: "10001"}\n',
    "csv": 'zip, "age"\n00501, 1.5\n10001, 2.0\n',
    "jsonl": '{"age": 1.5, "zip": "00501"}\n\n{"age": 2.0, "zip": "10001"}\n',
}
BOMB = "v0: &v0 [1, 1]\n" + "".join(f"v{i}: &v{i} [*v{i - 1}, *v{i - 1}]\n" for i in range(1, 25))


def in_columns(instances):
    """What the model gets."""
    rows = read_rows(instances, SIGNATURE, "taxi@1")
    return {name: column.tolist() for name, column in rows.columns.items()}


@pytest.mark.parametrize("kind", ["json", "yaml", "csv"])
def test_typed_instances_are_the_same_in_all_forms(kind):
    told = parse_instances(TEXTS[kind], SIGNATURE)
    assert in_columns(told) == {"age": [1.5, 2.0], "zip": ["00501", "10001"]}
    assert in_columns("\ufeff".encode() + TEXTS[kind].encode()) == in_columns(ROWS)


@pytest.mark.parametrize("kind", ["json", "yaml", "csv", "jsonl", "parquet"])
def test_files_are_read_by_their_extension(tmp_path: Path, kind):
    path = tmp_path / f"rows.{kind}"
    if kind == "parquet":
        pd.DataFrame(ROWS).to_parquet(path)
    else:
        path.write_text(TEXTS[kind])
    assert in_columns(read_instances(path, SIGNATURE)) == in_columns(ROWS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1,", "the instances are not JSON: Expecting value"),
        ("[" * 100_000, "the instances are JSON that is nested too deeply"),
        ("age: 1\nage: 2", "the instances are not YAML: 'age' stands there twice"),
        ("five", "the instances are neither JSON, nor YAML with one instance or a list of them, nor CSV"),
        ("age,zip\n1,2\n1,2,3,4\n", "the instances are not CSV: Expected 2 fields in line 3, saw 4.\nThe first line"),
        (BOMB, "by its aliases, it grows beyond 1,000,000 values"),
    ],
)  # fmt: skip
def test_texts_that_are_no_instances(text, told):
    with pytest.raises(PredictionError) as caught:
        parse_instances(text, SIGNATURE)
    assert told in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch):
    with pytest.raises(UsageError, match=r"none\.csv cannot be read: No such file or directory\."):
        read_instances(tmp_path / "none.csv", SIGNATURE)
    with pytest.raises(UsageError, match=r"model\.h5: instances are read from \.csv, \.json, .*, not from \.h5\."):
        read_instances(tmp_path / "model.h5", SIGNATURE)
    (tmp_path / "bad.jsonl").write_text('{"age": 1}\n{"age"\n')
    with pytest.raises(PredictionError, match=r"bad\.jsonl, line 2: not JSON"):
        read_instances(tmp_path / "bad.jsonl", SIGNATURE)
    (tmp_path / "bad.parquet").write_text("PAR1")
    with pytest.raises(PredictionError, match=r"bad\.parquet is not Parquet"):
        read_instances(tmp_path / "bad.parquet", SIGNATURE)
    monkeypatch.setattr(texts, "LARGEST_FILE", 10)
    with pytest.raises(UsageError, match=r"Let a job do it, in pieces: add --output FOLDER"):
        read_instances(tmp_path / "bad.jsonl", SIGNATURE)
