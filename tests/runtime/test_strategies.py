"""TensorFlow's own strategies for clusters, in packages that know nothing of mlmagic."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.queued import Jobs

from mlmagic.runtime.replicas import read_replicas
from mlmagic.spec.job import JobRecord, JobState, Placement

Supervise = Callable[..., JobRecord]

WORKERS = """
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    weight = tf.Variable(0.0)

@tf.function
def step():
    def replica():
        everybody = tf.distribute.get_replica_context().all_reduce("sum", tf.constant(1.0))
        weight.assign_add(everybody / strategy.num_replicas_in_sync)
    strategy.run(replica)

for _ in range(10):
    step()
print("weight", weight.numpy(), "replicas", strategy.num_replicas_in_sync)
"""


@pytest.mark.slow
def test_multi_worker_mirrored_strategy(jobs: Jobs, supervise: Supervise) -> None:
    folder = jobs.make(WORKERS, placement=Placement(replicas={"chief": 1, "worker": 1}))
    record = supervise(folder)
    assert record.state is JobState.SUCCEEDED, folder.log().read_text()
    for log in (folder.log(), folder.log("worker")):
        assert "weight 10.0 replicas 2" in log.read_text()


SERVERS = """
import json, os, time
import tensorflow as tf

task = json.loads(os.environ["TF_CONFIG"])["task"]
folder = os.environ["AIP_CHECKPOINT_DIR"]
if task["type"] == "evaluator":
    while not (path := tf.train.latest_checkpoint(folder)):
        time.sleep(0.1)
    print("evaluated", tf.train.load_variable(path, "weight/.ATTRIBUTES/VARIABLE_VALUE"))
    raise SystemExit
resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
if task["type"] in ("worker", "ps"):
    server = tf.distribute.Server(
        resolver.cluster_spec(), job_name=task["type"], task_index=task["index"], protocol="grpc", start=True
    )
    server.join()
strategy = tf.distribute.ParameterServerStrategy(resolver)
coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
with strategy.scope():
    weight = tf.Variable(0.0)

@tf.function
def step():
    weight.assign_add(1.0)

for _ in range(20):
    coordinator.schedule(step)
coordinator.join()
print("weight", weight.numpy(), "on", weight.device)
tf.train.Checkpoint(weight=weight).save(folder + "model")
"""


@pytest.mark.slow
def test_parameter_server_strategy_with_an_evaluator(jobs: Jobs, supervise: Supervise) -> None:
    replicas = {"chief": 1, "worker": 2, "ps": 1, "evaluator": 1}
    folder = jobs.make(SERVERS, placement=Placement(replicas=replicas))
    record = supervise(folder)
    assert record.state is JobState.SUCCEEDED, folder.log().read_text()
    assert "weight 20.0 on /job:ps/replica:0/task:0" in folder.log().read_text()
    assert "evaluated 20.0" in folder.log("evaluator").read_text()
    assert {one.role: one.exit_code for one in read_replicas(folder).replicas}["evaluator"] == 0
