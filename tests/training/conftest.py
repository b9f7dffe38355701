"""A generated package on this machine, alone or as a cluster, in the environment that a job gives it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from mlmagic.source.build import build_package
from mlmagic.source.export import write_package
from mlmagic.source.history import Cell

POOLS = {"chief": "workerpool0", "worker": "workerpool1", "ps": "workerpool2", "evaluator": "workerpool3"}


class Replica(NamedTuple):
    role: str
    index: int


CHIEF = Replica("chief", 0)


class Training:
    """A job's folder, in which the package runs again and again."""

    def __init__(self, package: Path, folder: Path) -> None:
        self.package, self.folder = package, folder
        self.checkpoints, self.logs, self.model = folder / "checkpoints", folder / "tensorboard", folder / "model"
        self.metric_file = folder / "hypertune" / "output.metrics"
        self._processes: dict[Replica, subprocess.Popen[bytes]] = {}
        self._addresses: dict[Replica, str] = {}
        self._args: tuple[str, ...] = ()

    def run(self, *args: str, kill: Mapping[Replica, str] | str = "", **counts: int) -> dict[Replica, int]:
        """Run one attempt to its end, and return the exit statuses. If one is killed, so are all the others.

        `kill` names the point at which the program ends a replica, the chief if none is named; see program.py.
        """
        points = {CHIEF: kill} if isinstance(kill, str) else kill
        self.start(*args, kill=points, **counts)
        struck = next((self._processes[replica] for replica, point in points.items() if point), None)
        if struck is not None:
            assert struck.wait(timeout=200) == -signal.SIGKILL, self.log(CHIEF)
            self.end()
        return self.wait()

    def start(self, *args: str, kill: Mapping[Replica, str], **counts: int) -> subprocess.Popen[bytes]:
        """Start one attempt, and return the chief's process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._args = args
        replicas = [Replica(role, index) for role in POOLS for index in range(({"chief": 1} | counts).get(role, 0))]
        self._addresses = {replica: f"127.0.0.1:{port}" for replica, port in zip(replicas, free_ports(), strict=False)}
        for replica in replicas:
            self._start(replica, kill.get(replica, ""))
        return self._processes[CHIEF]

    def restart(self, replica: Replica) -> None:
        """Kill one replica, and start it again where it was."""
        self._processes[replica].kill()
        self._processes[replica].wait()
        self._start(replica, "")

    def wait(self) -> dict[Replica, int]:
        return {replica: process.wait(timeout=200) for replica, process in self._processes.items()}

    def _start(self, replica: Replica, kill: str) -> None:
        environment = {**self._environment(), **cluster_variables(replica, self._addresses), "KILL": kill}
        with (self.folder / f"{replica.role}-{replica.index}.log").open("ab") as log:
            command = [sys.executable, "-u", "-P", "-m", "trainer.task", *self._args]
            self._processes[replica] = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def log(self, replica: Replica = CHIEF) -> str:
        return (self.folder / f"{replica.role}-{replica.index}.log").read_text()

    def ended(self, replica: Replica = CHIEF) -> str:
        """What the last attempt said of itself when it had trained: the line in the log without its first word."""
        lines = [line for line in self.log(replica).splitlines() if line.startswith("END ")]
        assert lines, self.log(replica)
        return lines[-1].removeprefix("END ")

    def measured(self, metric: str) -> dict[int, float]:
        """What tuning was told of a metric, by the number of epochs."""
        lines = [json.loads(line) for line in self.metric_file.read_text().splitlines()]
        return {int(line["global_step"]): float(line[metric]) for line in lines if metric in line}

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(self.package),
            "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "1",
            "AIP_CHECKPOINT_DIR": f"{self.checkpoints}/",
            "AIP_TENSORBOARD_LOG_DIR": f"{self.logs}/",
            "AIP_MODEL_DIR": f"{self.model}/",
            "CLOUD_ML_HP_METRIC_FILE": str(self.metric_file),
        }


def cluster_variables(replica: Replica, addresses: Mapping[Replica, str]) -> dict[str, str]:
    by_role: dict[str, list[str]] = {}
    for member, address in addresses.items():
        by_role.setdefault(member.role, []).append(address)
    by_pool = {POOLS[role]: members for role, members in by_role.items()}
    by_role.pop("evaluator", None)
    return {
        "TF_CONFIG": document(by_role, replica.role, replica.index),
        "CLUSTER_SPEC": document(by_pool, POOLS[replica.role], replica.index),
    }


def document(cluster: Mapping[str, list[str]], role: str, index: int) -> str:
    task = {"type": role, "index": index, "trial": ""}
    return json.dumps({"cluster": cluster, "environment": "cloud", "task": task})


def free_ports(count: int = 8) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package built from program.py."""
    folder = tmp_path_factory.mktemp("package") / "package"
    cell = Cell(source=Path(__file__).with_name("program.py").read_text(), number=1)
    write_package(build_package("digits", cell), folder)
    return folder


@pytest.fixture
def training(package: Path, tmp_path: Path) -> Iterator[Training]:
    training = Training(package, tmp_path / "job")
    yield training
    training.end()


@pytest.fixture
def another(package: Path, tmp_path: Path) -> Iterator[Training]:
    """A second job of the same package, which nobody kills."""
    training = Training(package, tmp_path / "another")
    yield training
    training.end()


@pytest.fixture(scope="module")
def unbroken(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
    """A job of the same package that trained on one machine, and was not killed."""
    training = Training(package, tmp_path_factory.mktemp("unbroken"))
    training.run()
    yield training
    training.end()
