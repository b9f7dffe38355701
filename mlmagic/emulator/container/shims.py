"""The programs `python` and `pip` of a container: small scripts that come first on its PATH."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from mlmagic.workspace.files import make_folder

_PYTHON = """#!/bin/sh
if [ "$1" = -m ] && {{ [ "$2" = pip ] || [ "$2" = pip3 ]; }}; then shift 2; {pip} "$@"; fi
exec {python} "$@"
"""


def write_shims(folder: Path, image: Path, site: Path) -> None:
    """Write `python`, `python3`, `pip` and `pip3`; `image` is the file that says what the image has.

    pip, which is ours, sees all of this machine's Python, and of the container's what lies in `site`.

    Raises:
        OSError: they cannot be written.
    """
    make_folder(folder)
    python = shlex.quote(sys.executable)
    # -P: nothing in the program's folder may come before our own modules.
    program = f"exec {python} -P -m mlmagic.emulator.container.pip {shlex.quote(str(image))}"
    pip = f"PYTHONPATH={shlex.quote(str(site))} {program}"
    texts = {"python": _PYTHON.format(pip=pip, python=python), "pip": f'#!/bin/sh\n{pip} "$@"\n'}
    for name, text in texts.items():
        for path in (folder / name, folder / f"{name}3"):
            path.write_text(text, "utf-8")
            path.chmod(0o700)
