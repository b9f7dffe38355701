"""gcsfs, and with it pandas and everything else of fsspec, unpatched."""

from __future__ import annotations

import os
from typing import Any

import pytest


@pytest.fixture
def files(bucket: Any) -> Any:
    import gcsfs

    return gcsfs.GCSFileSystem(skip_instance_cache=True)


def test_files_are_written_found_and_removed(files: Any, bucket: Any) -> None:
    files.pipe(f"{bucket.name}/a/1", b"one")
    files.pipe(f"{bucket.name}/a/b/2", b"two")

    assert files.cat(f"{bucket.name}/a/1") == b"one"
    assert files.ls(f"{bucket.name}/a", detail=False) == [f"{bucket.name}/a/1", f"{bucket.name}/a/b"]
    assert files.find(f"{bucket.name}/") == [f"{bucket.name}/a/1", f"{bucket.name}/a/b/2"]
    files.rm(f"{bucket.name}/a", recursive=True)
    assert files.find(f"{bucket.name}/") == []


# What aiohttp says about how gcsfs sends a chunk.
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
def test_large_files_come_in_chunks(files: Any, bucket: Any) -> None:
    data = os.urandom(6 << 20)
    with files.open(f"{bucket.name}/big", "wb", block_size=1 << 20) as file:
        file.write(data)

    assert files.cat(f"{bucket.name}/big") == data
    assert files.cat_file(f"{bucket.name}/big", start=10, end=20) == data[10:20]
    files.mv(f"{bucket.name}/big", f"{bucket.name}/moved")
    assert files.info(f"{bucket.name}/moved")["size"] == len(data)


def test_pandas_reads_and_writes(bucket: Any) -> None:
    import pandas as pd

    rows = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})

    rows.to_csv(f"gs://{bucket.name}/rows.csv", index=False)

    pd.testing.assert_frame_equal(pd.read_csv(f"gs://{bucket.name}/rows.csv"), rows, check_dtype=False)
