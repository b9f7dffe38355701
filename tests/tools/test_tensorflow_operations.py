"""The frozen table of operations, compared with the TensorFlow that is installed here."""

from __future__ import annotations

import gzip
import importlib.util
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from mlmagic.backends.google.images import known_image, prediction_images
from tools.tensorflow_operations import TARGET, table


def test_the_table_fits_the_tensorflow_of_this_environment() -> None:
    found = importlib.util.find_spec("tensorflow")
    assert found is not None
    assert found.origin is not None
    command = [sys.executable, "-m", "tools.tensorflow_operations", str(Path(found.origin).parent)]
    here = set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    minor = int(version("tensorflow-cpu").split(".")[1])
    told = json.loads(gzip.decompress(TARGET.read_bytes()))
    assert minor in told["minors"], "run `python -m tools.tensorflow_operations` with this TensorFlow in it"
    assert {name for name, minors in told["lacking"].items() if minor not in minors} <= here
    assert not {name for name, minors in told["lacking"].items() if minor in minors} & here


def test_the_newest_image_is_in_the_table() -> None:
    image = known_image(prediction_images()[0])
    assert image is not None
    told = json.loads(gzip.decompress(TARGET.read_bytes()))
    assert int(image.distributions["tensorflow"].split(".")[1]) in told["minors"]
    assert all("sha256:" in wheel for wheel in told["wheels"].values())


def test_what_all_have_and_what_tests_register_is_left_out() -> None:
    versions = {11: frozenset({"Add", "Gone", "TestOp"}), 12: frozenset({"Add", "Gone"}), 13: frozenset({"Add", "New"})}
    assert table(versions, {})["lacking"] == {"Gone": [13], "New": [11, 12]}
