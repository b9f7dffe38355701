"""A container of a custom job: `python -m mlmagic.emulator.container.run [trial's flags]`, a program of the engine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlmagic.emulator.container.circumstances import Folders, output_folders, pool_of, program_environment, task_name
from mlmagic.emulator.container.clients import client_variables
from mlmagic.emulator.container.machine import Machine, Preempted
from mlmagic.emulator.container.paths import object_path, plain_folder, with_local_paths
from mlmagic.emulator.container.shims import write_shims
from mlmagic.emulator.container.task import ENTRIES, PREEMPTED, ContainerJob, ContainerTask, package_folder, read_job
from mlmagic.emulator.container.visibility import write_hook
from mlmagic.spec import codec
from mlmagic.workspace.files import make_folder, write_atomic

CANNOT_START = 128
"""The exit status of a container whose program cannot be started at all."""


class CannotStart(Exception):  # noqa: N818 - the container did not
    """The container has nothing to run; says why, as Vertex AI's log does."""


class Container:
    """One replica's container."""

    def __init__(self, package: Path, flags: Sequence[str]) -> None:
        self._package = package
        self._flags = flags
        self._job: ContainerJob = read_job(package)
        self._task: ContainerTask = self._job.tasks[pool_of(os.environ)]
        name = task_name(os.environ)
        folder = package.parent
        self._folders = Folders(home=folder / "output" / "containers" / name)
        self._preempted = folder / "logs" / f"{name}{PREEMPTED}"
        self._machine = Machine(folder / "logs" / f"{name}{ENTRIES}")

    def run(self) -> int:
        """Run the program, once more after each preemption, and return its exit status."""
        self._machine.wait(self._job.start_delay_seconds)
        while True:
            try:
                return self._run_once()
            except CannotStart as error:
                self._machine.say(str(error), severity="ERROR")
                return CANNOT_START
            except Preempted:
                if not self._job.restarts_when_preempted:
                    write_atomic(self._preempted, b"")
                    return 128 + signal.SIGTERM
                # Vertex AI's documentation says that a worker is restarted on another machine; not, how often.
                self._machine.say("The machine was preempted; the worker is restarted.", severity="WARNING")

    def _run_once(self) -> int:
        # Nothing of the machine before is left but what the program wrote to Cloud Storage.
        shutil.rmtree(self._folders.home, ignore_errors=True)
        for folder in (self._folders.site, self._folders.work, *self._outputs):
            make_folder(folder)
        image = self._folders.home / "image.json"
        write_atomic(image, codec.dumps(self._task), sync=False)
        write_shims(self._folders.shims, image, self._folders.site)
        write_hook(self._folders.image, self._task, Path(self._job.root) / "images")
        buckets = plain_folder(self._job.buckets)
        try:
            return self._run_program(buckets)
        finally:
            if buckets != str(self._job.buckets):
                shutil.rmtree(Path(buckets).parent, ignore_errors=True)

    @property
    def _outputs(self) -> list[Path]:
        return list(output_folders(self._job, os.environ.get("CLOUD_ML_TRIAL_ID")).values())

    def _run_program(self, buckets: str) -> int:
        environment = program_environment(
            self._job, self._task, self._folders, buckets=buckets, clients=client_variables(Path(self._job.root))
        )
        for uri in self._task.package_uris:
            if status := self._install(uri, environment):
                return status
        command = [with_local_paths(word, buckets) for word in self._command()]
        program = shutil.which(command[0], path=environment["PATH"])
        if program is None:
            raise CannotStart(
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
                f'exec: "{command[0]}": executable file not found in $PATH: unknown'
            )
        return self._machine.run([program, *command[1:]], environment, self._folders.work)

    def _command(self) -> Sequence[str]:
        task = self._task
        if task.python_module is not None:
            return ("python3", "-m", task.python_module, *task.args, *self._flags)
        command = (*task.command, *task.args, *self._flags)
        if not task.command and not (task.is_known and task.args):
            raise CannotStart(
                f"The emulator runs no images, so it does not know the entrypoint of {task.image_uri}: "
                "give the container a command."
            )
        return command

    def _install(self, uri: str, environment: Mapping[str, str]) -> int:
        path = object_path(uri, self._job.buckets)
        if path is None:
            raise CannotStart(f"The package {uri} does not exist.")
        self._machine.say(f"Installing the package {uri}")
        return self._machine.run(
            [str(self._folders.shims / "pip3"), "install", "--upgrade", str(path)], environment, self._folders.work
        )


def main() -> None:
    """Run this replica's container, and end as its program did."""
    status = Container(package_folder(os.environ), sys.argv[1:]).run()
    if status < 0:
        with contextlib.suppress(OSError):  # SIGKILL has nothing but its default
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    main()
