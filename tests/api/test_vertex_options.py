"""What is asked of Vertex AI alone: kept in the job, refused where it would mean nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mlmagic.api.training import plan_training
from mlmagic.api.tuning import plan_tuning
from mlmagic.api.vertex_options import read_vertex_options
from mlmagic.errors import UsageError
from mlmagic.spec.vertex import VertexOptions

SOURCE = "def train(epochs: int = 1):\n    pass\n"
NETWORK = "projects/123/global/networks/default"


def test_this_machine_refuses_them() -> None:
    with pytest.raises(UsageError, match="train") as raised:
        plan_training("taxi", source=SOURCE, spot=True, image="python:3.11", priority="x")  # type: ignore[arg-type]
    told = " ".join(raised.value.problems)
    assert "--spot, --image are for jobs on Vertex AI, and this one would run on 'local'." in told
    assert "priority" in told


def test_a_study_passes_them_on() -> None:
    with pytest.raises(UsageError, match="--network is for jobs on Vertex AI"):
        plan_tuning("taxi", metric="val_loss", space="epochs=1..3", source=SOURCE, network=NETWORK)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"service_account": "me"}, "service account 'me' is no address"),
        ({"network": "default"}, "network 'default' is not of the form projects/NUMBER/global/networks/NAME"),
        ({"image": "a b"}, "image 'a b' is no container image's address"),
        ({"persistent_resource": "Pool"}, "persistent resource 'Pool' is no id"),
        ({"image": 3}, "image must be a text, not int 3"),
    ],
)
def test_what_cannot_be_right_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_vertex_options(VertexOptions(**given), "google")
    assert told in raised.value.message


def test_what_may_be_right_is_taken() -> None:
    options = VertexOptions(
        spot=True,
        service_account="t@p.iam.gserviceaccount.com",
        network=NETWORK,
        image="us-docker.pkg.dev/p/r/image:latest",
        persistent_resource="pool-1",
    )
    assert read_vertex_options(options, "emulator") == options
    assert options.flags == ("--spot", "--service-account", "--network", "--image", "--persistent-resource")
