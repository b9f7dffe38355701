from __future__ import annotations

import shlex

import pytest
import yaml

from mlmagic.panels import plan_bundle, preprocessing_plan_bundle
from mlmagic.panels.plan import tree
from mlmagic.spec.package import CellShape, Flag, TrainerPackage

HTML, TEXT = "text/html", "text/plain"
POOLS = [{"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1}]
GCLOUD = ("gcloud", "ai", "custom-jobs", "create", "--region=us-central1", "--display-name=taxi",
          "--args=--title,a b", "--worker-pool-spec=machine-type=n1-standard-4")  # fmt: skip


@pytest.fixture
def package():
    return TrainerPackage(
        shape=CellShape.TRAIN,
        files={"setup.py": b"", "trainer/task.py": b"import argparse\n", "trainer/model.py": b"# <b>\n\nx = 1\n"},
        digest="cd" * 32,
        flags=(
            Flag(name="epochs", option="--epochs", type="int", default=5, help="passes"),
            Flag(name="kind", option="--kind", type="str", required=True, choices=("a", "b")),
        ),
        notes=("Cell [2]: `%matplotlib inline` was left out.",),
    )


@pytest.fixture
def bundle(package, record):
    command = ("python", "-m", "trainer.task", "--title", "a b")
    return plan_bundle(package, record().spec, command=command, worker_pool_specs=POOLS * 2, gcloud_command=GCLOUD)


def test_the_tree():
    assert tree({"a/b/c.py": b"", "a/d.py": b"12", "z": b""}) == (
        "├── a/\n│   ├── b/\n│   │   └── c.py  (0 B)\n│   └── d.py  (2 B)\n└── z  (0 B)"
    )


def test_both_files_with_line_numbers(bundle):
    assert "trainer/task.py\n1 │ import argparse\n" in bundle[TEXT]
    assert "trainer/model.py\n1 │ # <b>\n2 │\n3 │ x = 1\n" in bundle[TEXT]
    assert "<b>" not in bundle[HTML]
    assert bundle[HTML].count("<details") == 4
    assert bundle[HTML].index("trainer/model.py</summary>") < bundle[HTML].index("trainer/task.py</summary>")


def test_commands_can_be_pasted(bundle):
    assert "  python -m trainer.task --title 'a b'\n" in bundle[TEXT]
    pasted = bundle[TEXT].partition("The same job with gcloud:\n")[2]
    assert tuple(shlex.split(pasted.replace("\\\n", " "), comments=True)) == GCLOUD
    assert "# package. The image has Python 3.10: newer pins need an image of your own.\n" in pasted


def test_worker_pools_are_yaml_without_anchors(bundle):
    text = bundle[TEXT].partition("Worker pools on Vertex AI:\n")[2].partition("\n\n")[0]
    assert yaml.safe_load(text) == {"workerPoolSpecs": POOLS * 2}
    assert "&" not in text


def test_the_file_that_gcloud_takes(package, record):
    pools = [{**POOLS[0], "containerSpec": {"imageUri": "own:1"}}]
    document = {"workerPoolSpecs": pools, "scheduling": {"strategy": "SPOT"}}
    words = ("gcloud", "--config=job.yaml")
    spec = record().spec
    bundle = plan_bundle(
        package, spec, command=("p",), worker_pool_specs=pools, gcloud_command=words, job_document=document
    )
    text = bundle[TEXT].partition("The job on Vertex AI: job.yaml:\n")[2].partition("\n\n")[0]
    assert yaml.safe_load(text) == document
    assert "Worker pools on Vertex AI" not in bundle[TEXT]
    assert "The image has Python 3.10" not in bundle[TEXT]


def test_notes_and_flags(bundle):
    assert "! Cell [2]: `%matplotlib inline` was left out." in bundle[TEXT]
    for text in ("--epochs", "passes", "a | b", "required", "was left out"):
        assert text in bundle[HTML]


def test_nothing_was_started(bundle):
    assert bundle[TEXT].startswith("Dry run: nothing was started.\ntaxi would package a cell with train()")
    assert bundle["application/vnd.mlmagic.plan+json"]["files"]["trainer/task.py"] == 16


def test_a_given_package(package, record):
    given = TrainerPackage(shape=CellShape.GIVEN, module="task", files={"task.py": b"\xff\n"}, digest="0")
    bundle = plan_bundle(given, record().spec, command=("python",), worker_pool_specs=POOLS, gcloud_command=("gcloud",))
    assert "task.py\n1 │ \ufffd\n" in bundle[TEXT]
    assert "Flags of the program" not in bundle[HTML]


@pytest.fixture
def pipeline(record):
    own = {"setup.py": b"", "p/task.py": b"# task\n", "p/cell.py": b"# cell\n", "p/features.json": b"{}\n"}
    vendored = {"p/spec/a.py": b"12", "p/spec/b/c.py": b"3", "p/errors.py": b"4"}
    package = TrainerPackage(shape=CellShape.PREPROCESS, module="p.task", files=own | vendored, digest="0")
    dataflow = (
        "python",
        "-m",
        "p.task",
        "--input",
        "gs://BUCKET/a b.csv",
        "--runner",
        "dataflow",
        "--output",
        "gs://B",
    )
    return preprocessing_plan_bundle(
        package, record().spec, command=("python", "-m", "p.task"), dataflow_command=dataflow, vendored=vendored
    )


def test_modules_of_mlmagic_are_one_line(pipeline):
    assert (
        "├── p/\n│   ├── cell.py  (7 B)\n│   ├── features.json  (3 B)\n"
        "│   ├── spec/, errors.py  (3 files of mlmagic, as they are: 4 B)\n│   └── task.py  (7 B)\n└── setup.py"
    ) in pipeline[TEXT]
    assert pipeline["application/vnd.mlmagic.plan+json"]["vendored"] == ["p/errors.py", "p/spec/a.py", "p/spec/b/c.py"]


def test_a_pipeline_shows_what_came_from_the_cell(pipeline):
    assert "taxi would package a pipeline as p.task: 7 files" in pipeline[TEXT]
    for part in ("p/task.py\n1 │ # task", "p/cell.py\n1 │ # cell", "p/features.json\n1 │ {}"):
        assert part in pipeline[TEXT]
    assert "--input 'gs://BUCKET/a b.csv' \\\n" in pipeline[TEXT].partition("The same pipeline on Dataflow:\n")[2]
    assert pipeline[HTML].index("p/cell.py</summary>") < pipeline[HTML].index("p/task.py</summary>")
