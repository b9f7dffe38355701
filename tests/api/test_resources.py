"""What a job is to run on, as users say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlmagic.api.job_config import read_job_config
from mlmagic.api.resources import read_memory, read_replicas, read_resources
from mlmagic.errors import UsageError
from mlmagic.spec.resources import Resources
from mlmagic.spec.tiers import GIB, TIERS

ML_ENGINE = """
trainingInput:
  scaleTier: CUSTOM
  masterType: complex_model_m
  workerType: standard_gpu
  workerCount: 2
  parameterServerType: large_model
  parameterServerCount: 1
  args: ["--epochs", 3]
  region: us-central1
  scheduling: {maxRunningTime: 7200s}
labels: {owner_name: ada}
"""

VERTEX = """
display_name: taxi
job_spec:
  worker_pool_specs:
  - machine_spec: {machine_type: n1-standard-8}
    replica_count: 1
    python_package_spec: {executor_image_uri: i, package_uris: [gs://b/t.gz], python_module: t.task, args: [--epochs=3]}
  - {}
  - machine_spec: {machine_type: n1-highmem-8, accelerator_type: NVIDIA_TESLA_T4, accelerator_count: 2}
    replica_count: 2
  scheduling: {timeout: 3600s, strategy: SPOT}
  base_output_directory: {output_uri_prefix: gs://b}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, "utf-8")
    return path


def test_nothing_said_is_the_tier_basic() -> None:
    assert read_resources() == Resources()
    assert read_resources(scale_tier="standard-1") == TIERS["STANDARD_1"]


def test_ml_engines_form(tmp_path: Path) -> None:
    config = read_job_config(write(tmp_path, ML_ENGINE))
    assert (config.timeout, config.labels, config.args) == ("7200s", {"owner_name": "ada"}, ("--epochs", "3"))
    assert config.left_out == ("region",)
    resources = read_resources(config=config)
    assert resources.replicas == {"chief": 1, "worker": 2, "ps": 1}
    assert [pool.machine_type for pool in resources.worker_pools] == ["n1-highcpu-16", "n1-standard-8", "n1-highmem-8"]
    assert resources.worker_pools[1].accelerator_type == "NVIDIA_TESLA_T4"


def test_vertex_ais_form(tmp_path: Path) -> None:
    config = read_job_config(write(tmp_path, VERTEX))
    assert (config.timeout, config.args) == ("3600s", ("--epochs=3",))
    assert config.left_out == ("displayName", "baseOutputDirectory", "scheduling.strategy")
    assert read_resources(config=config).replicas == {"chief": 1, "ps": 2}


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    config = read_job_config(write(tmp_path, ML_ENGINE))
    assert read_resources(scale_tier="BASIC", config=config) == TIERS["BASIC"]
    resources = read_resources(config=config, machine_type="e2-standard-2", replicas="worker=1")
    assert resources.replicas == {"chief": 1, "worker": 1}
    assert {pool.machine_type for pool in resources.worker_pools} == {"e2-standard-2"}


@pytest.mark.parametrize(
    ("replicas", "counts"),
    [(3, {"worker": 2}), ("1", {}), ("worker=2,ps=1", {"worker": 2, "ps": 1}), ({"evaluator": 1}, {"evaluator": 1})],
)
def test_replicas(replicas: object, counts: dict[str, int]) -> None:
    assert read_replicas(replicas) == counts
    assert read_resources(replicas=replicas).is_exact


def test_an_accelerator() -> None:
    (pool,) = read_resources(accelerator="t4:2").worker_pools
    assert (pool.machine_type, pool.accelerator_type, pool.accelerator_count) == ("n1-standard-8", "NVIDIA_TESLA_T4", 2)
    assert read_resources(accelerator="NVIDIA_L4").worker_pools[0].accelerator_type == "NVIDIA_L4"


@pytest.mark.parametrize(("text", "size"), [("8GB", 8 * GIB), ("512MB", GIB // 2), ("1.5g", 3 * GIB // 2)])
def test_memory(text: str, size: int) -> None:
    assert read_memory(text) == size


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"scale_tier": "BASIK"},
            "there is no scale tier 'BASIK': it is one of BASIC, STANDARD_1, PREMIUM_1, BASIC_GPU, ",
        ),
        ({"scale_tier": "CUSTOM"}, "the scale tier CUSTOM needs its machines: give a --config file, or leave the tier"),
        ({"replicas": "boss=1,worker=x"}, "replicas: there is no role 'boss'; worker=x: not a whole number. Write a "),
        ({"replicas": "chief=2"}, "replicas: chief=2: there is one chief."),
        ({"replicas": 0}, "replicas 0: a job has from 1 to 1000 of them."),
        ({"cores": "many"}, "cores 'many' must be a number above 0."),
        ({"memory": "8"}, "memory '8' is no size from 1 MB on: write 512MB or 8GB."),
        ({"accelerator": "2xT4!"}, "accelerator '2xT4!' is not TYPE or TYPE:COUNT; for example T4:1."),
    ],
)
def test_what_does_not_fit(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_resources(**arguments)
    assert str(caught.value).startswith(text)


def test_all_that_does_not_fit_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read_resources(scale_tier="huge", cores=-1, memory="x")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "scaleTier: BASIC\nmasterType: standard",
            "scaleTier BASIC has machines of its own; CUSTOM is for those of masterType",
        ),
        ("scaleTier: CUSTOM", "scaleTier CUSTOM needs masterType"),
        ("hello: 1", "hello is not known. It takes ML Engine's form (trainingInput: scaleTier: ...) or Vertex AI's"),
        ("scaleTeir: BASIC", "scaleTeir is not known. Did you mean scaleTier?"),
        ("workerPoolSpecs: []", "workerPoolSpecs must be a list of worker pools, chief first"),
        (
            "workerPoolSpecs: [{containerSpec: {imageUri: x}, machineSpec: {machineType: a}}]",
            "workerPoolSpecs[0].containerS",
        ),
        (
            "workerPoolSpecs: [{replicaCount: 2, machineSpec: {machineType: a}}]",
            "workerPoolSpecs[0].replicaCount is 2: the",
        ),
        ("masterType: a\nworkerCount: many\nworkerType: b", "workerCount must be a whole number, not 'many'"),
        ("hyperparameters: {goal: MINIMIZE}", "hyperparameters are for tuning, not for a single training job; %%tune "),
        (
            "study_spec: {}\nscaleTier: BASIC",
            "studySpec is for tuning, not for a single training job; %%tune takes the ",
        ),
    ],
)
def test_a_file_that_does_not_describe_a_job(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_job_config(write(tmp_path, text))
    assert any(told.startswith(problem) for told in caught.value.problems), caught.value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is neither YAML nor JSON: line 1, column 5: expected the node content"),
        ("just words", "holds no keys. It takes ML Engine's form"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_job_config(write(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--config .*nowhere.yaml cannot be read: No such file or directory"):
        read_job_config(tmp_path / "nowhere.yaml")
