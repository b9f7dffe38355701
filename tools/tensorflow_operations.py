"""Which operations each TensorFlow lacks that Vertex AI's prediction images may have.

`python -m tools.tensorflow_operations` writes `operations.json.gz` anew, out of the public wheels of `tensorflow-cpu`:
they are downloaded with pip, one after the other (200 MB each), and their libraries are asked for all operations,
without installing or importing them. What no version lacks is left out, and so is what TensorFlow's own tests register.
"""

from __future__ import annotations

import ctypes
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlmagic.runtime.event_values import fields

TARGET = Path(__file__).resolve().parent.parent / "mlmagic" / "backends" / "google" / "operations.json.gz"

PYTHONS = {
    **dict.fromkeys(range(5, 8), "3.9"),
    **dict.fromkeys(range(8, 12), "3.10"),
    **dict.fromkeys(range(12, 22), "3.11"),
}
"""TensorFlow's minor version → a Python that it has a wheel for. Libraries of older ones load in no Python of today."""
_LAST_WITH_TESTS = 11
"""Up to this minor version the operations of TensorFlow's tests are in the same library as the others."""
_LIBRARIES = ("libtensorflow_cc.so.2", "python/_pywrap_tensorflow_internal.so")
_FRAMEWORK = "libtensorflow_framework.so.2"


class _Buffer(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("free", ctypes.c_void_p))


def registered(folder: Path) -> list[str]:
    """Return the operations that TensorFlow's library registers; one process can ask one version.

    Args:
        folder: `tensorflow`, as a wheel has it.
    """
    ctypes.CDLL(str(folder / _FRAMEWORK), mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(next(folder / name for name in _LIBRARIES if (folder / name).exists())))
    library.TF_GetAllOpList.restype = ctypes.POINTER(_Buffer)
    found = library.TF_GetAllOpList().contents
    data = ctypes.string_at(found.data, found.length)
    # OpList.op, and in it OpDef.name.
    definitions = [field for field in fields(data, 0, len(data)) if field.number == 1]
    names = [next(fields(data, one.start, one.end)) for one in definitions]
    return sorted(data[name.start : name.end].decode() for name in names)


def table(versions: Mapping[int, frozenset[str]], wheels: Mapping[int, str]) -> dict[str, Any]:
    """Return the document: which minor versions there are, and which of them lack an operation that others have."""
    tests = versions[_LAST_WITH_TESTS] - versions[_LAST_WITH_TESTS + 1]
    named = frozenset().union(*versions.values()) - tests
    lacking = {name: [minor for minor in versions if name not in versions[minor]] for name in sorted(named)}
    return {
        "source": "TF_GetAllOpList of these wheels from PyPI, by python -m tools.tensorflow_operations",
        "wheels": {f"2.{minor}": wheel for minor, wheel in wheels.items()},
        "minors": list(versions),
        "lacking": {name: minors for name, minors in lacking.items() if minors},
    }


def _ask(minor: int, folder: Path) -> tuple[frozenset[str], str]:
    """Return the operations of a version, and its wheel with the digest."""
    command = [sys.executable, "-m", "pip", "download", f"tensorflow-cpu==2.{minor}.*", "--no-deps", "--quiet"]
    where = ["--only-binary=:all:", "--python-version", PYTHONS[minor], "--dest", str(folder)]
    subprocess.run([*command, *where], check=True)
    [wheel] = folder.glob("*.whl")
    with wheel.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with zipfile.ZipFile(wheel) as packed:
        wanted = {f"tensorflow/{name}" for name in (*_LIBRARIES, _FRAMEWORK)}
        packed.extractall(folder, [name for name in packed.namelist() if name in wanted])
    ask = [sys.executable, "-m", "tools.tensorflow_operations", str(folder / "tensorflow")]
    answer = subprocess.run(ask, check=True, capture_output=True, text=True)
    return frozenset(answer.stdout.split()), f"{wheel.name} sha256:{digest}"


def main(arguments: list[str]) -> int:
    """Write the table; with a folder, tell the operations of what is in it."""
    if arguments:
        print("\n".join(registered(Path(arguments[0]))))
        return 0
    versions, wheels = {}, {}
    for minor in PYTHONS:
        with tempfile.TemporaryDirectory() as folder:
            versions[minor], wheels[minor] = _ask(minor, Path(folder))
        print(f"2.{minor}: {len(versions[minor])} operations")
    document = json.dumps(table(versions, wheels), indent=0, sort_keys=True)
    TARGET.write_bytes(gzip.compress(document.encode(), mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
