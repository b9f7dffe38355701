from __future__ import annotations

import json

from mlmagic.runtime.cluster import CHIEF, ReplicaId, cluster_variables, replica_ids, told
from mlmagic.spec.job import Placement, ReplicaRole

REPLICAS = replica_ids(Placement(replicas={"worker": 2, "ps": 1, "evaluator": 1, "chief": 1}))
PORTS = {replica: 20000 + number for number, replica in enumerate(REPLICAS)}


def test_replicas_by_role_and_index() -> None:
    assert [replica.name for replica in REPLICAS] == ["chief-0", "worker-0", "worker-1", "ps-0", "evaluator-0"]
    assert replica_ids(None) == replica_ids(Placement()) == (CHIEF,)


def test_tf_config() -> None:
    assert json.loads(cluster_variables(ReplicaId(ReplicaRole.WORKER, 1), PORTS)["TF_CONFIG"]) == {
        "cluster": {
            "chief": ["127.0.0.1:20000"],
            "worker": ["127.0.0.1:20001", "127.0.0.1:20002"],
            "ps": ["127.0.0.1:20003"],
        },
        "environment": "cloud",
        "task": {"type": "worker", "index": 1, "trial": ""},
    }


def test_cluster_spec() -> None:
    spec = json.loads(cluster_variables(ReplicaId(ReplicaRole.PS, 0), PORTS)["CLUSTER_SPEC"])
    assert list(spec["cluster"]) == ["workerpool0", "workerpool1", "workerpool2", "workerpool3"]
    assert spec["task"] == {"type": "workerpool2", "index": 0, "trial": ""}


def test_an_evaluator_has_a_task_but_no_place_in_tensorflows_cluster() -> None:
    variables = cluster_variables(ReplicaId(ReplicaRole.EVALUATOR, 0), PORTS)
    config = json.loads(variables["TF_CONFIG"])
    assert config["task"]["type"] == "evaluator"
    assert "evaluator" not in config["cluster"]
    assert json.loads(variables["CLUSTER_SPEC"])["task"]["type"] == "workerpool3"


def test_in_words() -> None:
    assert told(REPLICAS) == "chief, 2 workers, 1 ps, 1 evaluator"
    assert told(replica_ids(Placement(replicas={"chief": 1, "worker": 1, "ps": 2}))) == "chief, 1 worker, 2 ps"
