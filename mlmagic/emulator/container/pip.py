"""`pip` in a container: `python -m mlmagic.emulator.container.pip IMAGE_FILE install …`.

Nothing is fetched. Packages that lie in files are installed into the container's own folder by the real pip; what they
and the command line require must be declared by the image or be installed here.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from mlmagic.emulator.container.requirements import Unsatisfied, other_python, required_python, satisfy, takes_python
from mlmagic.emulator.container.task import ContainerTask
from mlmagic.emulator.container.visibility import add_installed
from mlmagic.spec import codec

_FILE_ENDINGS = (".tar.gz", ".whl", ".zip", ".tar.bz2", ".tgz")


class Usage(Exception):  # noqa: N818 - pip's own word
    """The command is not one that can be played; the message says so."""


def main(argv: Sequence[str]) -> int:
    """Do what the command says as far as it can be done here, and return pip's exit status."""
    task = codec.loads(ContainerTask, Path(argv[0]).read_bytes())
    try:
        arguments = _parser().parse_args(argv[1:])
        if arguments.version:
            print(f"pip {metadata.version('pip')} (python {task.python or 'unknown'})")  # noqa: T201 - it is a program
            return 0
        if arguments.command is None:
            _parser().print_help()
            return 0
        # What is told of progress goes to standard output, what went wrong to standard error.
        with contextlib.redirect_stdout(io.StringIO() if arguments.quiet else sys.stdout):
            installation = Installation(task, Path(os.environ["PIP_TARGET"]))
            status = installation.run(arguments)
            if installation.taken:
                add_installed(Path(argv[0]).with_suffix(""), installation.taken, task)
            return status
    except (Unsatisfied, Usage, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - it is a program
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pip", allow_abbrev=False)
    parser.add_argument("--version", "-V", action="store_true")
    commands = parser.add_subparsers(dest="command", metavar="install")
    install = commands.add_parser("install", allow_abbrev=False)
    install.add_argument("requirements", nargs="*")
    install.add_argument("-r", "--requirement", action="append", default=[], dest="files")
    for flags in (["-q", "--quiet"], ["-v", "--verbose"]):
        install.add_argument(*flags, action="count")
    for name in ("no-cache-dir", "user", "no-deps", "no-input", "force-reinstall", "no-warn-script-location"):
        install.add_argument(f"--{name}", action="store_true")
    install.add_argument("-U", "--upgrade", action="store_true")
    for name in (
        "index-url",
        "extra-index-url",
        "root-user-action",
        "timeout",
        "retries",
        "progress-bar",
        "find-links",
    ):
        install.add_argument(f"--{name}")
    for name in ("disable-pip-version-check", "no-index", "no-build-isolation", "pre", "break-system-packages"):
        install.add_argument(f"--{name}", action="store_true")
    return parser


class Installation:
    """One `pip install`."""

    def __init__(self, task: ContainerTask, site: Path) -> None:
        self._task = task
        self._site = site
        self._installed: list[str] = []
        self.taken: list[str] = []
        """What this machine has stood in for, as requirements."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Install everything that is asked for, and return the exit status.

        Raises:
            Unsatisfied: something cannot be had.
            Usage: something is asked for in a way that the emulator does not know.
        """
        asked = [*arguments.requirements, *(line for file in arguments.files for line in _lines(Path(file)))]
        if not asked:
            raise Usage('ERROR: You must give at least one requirement to install (see "pip help install")')
        for text in asked:
            if text.endswith(_FILE_ENDINGS) or "/" in text.partition("@")[0] or text == ".":
                if status := self._install_file(text, with_dependencies=not arguments.no_deps):
                    return status
            else:
                self._meet(text)
        if self._installed:
            print("Successfully installed", *self._installed)  # noqa: T201 - it is a program
        return 0

    def _meet(self, text: str, origin: str = "") -> None:
        found = satisfy(text, self._task, origin=origin)
        if found is None:
            print(f"Ignoring {text}: markers don't match your environment")  # noqa: T201 - it is a program
        elif found.is_preinstalled:
            version = f" ({found.version})" if found.version else ""
            print(f"Requirement already satisfied: {text} in the image{version}")  # noqa: T201 - it is a program
        else:
            self._installed.append(f"{found.name}-{found.version}")
            self.taken.append(found.with_extras)

    def _install_file(self, text: str, *, with_dependencies: bool) -> int:
        path = Path(text.removeprefix("file://"))
        if "://" in text.removeprefix("file://"):
            raise Usage(f"ERROR: the emulator fetches nothing: {text}")
        if not path.exists():
            raise Usage(f"ERROR: Could not install packages due to an OSError: No such file or directory: {text!r}")
        with tempfile.TemporaryDirectory(prefix="mlm-pip-") as folder:
            staging = Path(folder) / "site"
            print(f"Processing {path}", flush=True)  # noqa: T201 - it is a program
            if status := _real_pip(path, staging):
                return status
            for distribution in metadata.distributions(path=[str(staging)]):
                self._check(distribution, with_dependencies=with_dependencies)
            shutil.copytree(staging, self._site, dirs_exist_ok=True)
        return 0

    def _check(self, distribution: metadata.Distribution, *, with_dependencies: bool) -> None:
        name = distribution.metadata["Name"]
        requires_python = required_python(distribution)
        if requires_python is not None and not takes_python(requires_python, self._task):
            raise Unsatisfied(other_python(name, requires_python, self._task))
        for requirement in distribution.requires or () if with_dependencies else ():
            self._meet(requirement, origin=f"{name}=={distribution.version}")
        self._installed.append(f"{name}-{distribution.version}")


def _lines(path: Path) -> Iterator[str]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        message = f"ERROR: Could not open requirements file: [Errno {error.errno}] {error.strerror}: {str(path)!r}"
        raise Usage(message) from None
    for line in text.splitlines():
        word = line.partition(" #")[0].strip()
        if word and not word.startswith("#"):
            if word.startswith("-"):
                raise Usage(f"ERROR: the emulator knows no options in a requirements file: {word}")
            yield word


def _real_pip(path: Path, target: Path) -> int:
    """Build and unpack what lies in a file, with what is installed here and nothing else."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    # The program's own folder is no place to import a build tool from.
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, "-P", "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation"]
    command += ["--use-pep517", "--ignore-requires-python", "--no-cache-dir", "--disable-pip-version-check", "--quiet"]
    command += ["--root-user-action=ignore", "--target", str(target), str(path.resolve())]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
