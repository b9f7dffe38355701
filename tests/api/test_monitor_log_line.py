"""What `%monitor` says to type where an endpoint keeps no requests: that must not change who answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmagic.api.deployment_arguments import read_wish
from mlmagic.api.deployment_edit import next_spec
from mlmagic.api.monitor_log_line import log_line
from mlmagic.spec.endpoint import DeployedVersion, EndpointSpec
from mlmagic.spec.model import ModelVersion

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shares", "follows", "line"),
    [
        ({1: 100}, "default", "taxi --endpoint rides"),
        ({1: 100}, "champion", "taxi@champion --endpoint rides"),
        ({1: 100}, None, "taxi@1 --endpoint rides"),
        ({1: 100, 2: 0}, None, "taxi@1 --endpoint rides"),
        ({1: 20, 2: 80}, None, "taxi@2 --endpoint rides --traffic 80"),
        ({1: 33, 2: 33, 3: 34}, None, "taxi@3 --endpoint rides --traffic 34"),
    ],
)
def test_the_same_versions_answer_as_before(shares, follows, line):
    deployed = tuple(DeployedVersion(number=number, traffic=share) for number, share in shares.items())
    times = {"create_time": NOW, "update_time": NOW}
    spec = EndpointSpec(name="rides", model="taxi", deployed=deployed, follows=follows, port=1, **times)
    assert log_line(spec, "0.1") == f"%deploy {line} --log-sample 0.1"
    reference, _, _, *traffic = line.split()
    wish = read_wish(reference, endpoint="rides", traffic=int(traffic[1]) if traffic else None, log_sample=0.1)
    number = max(shares, key=shares.__getitem__)
    after = next_spec(spec, wish, ModelVersion(model="taxi", number=number, create_time=NOW))
    assert (after.deployed, after.follows, after.log is not None) == (deployed, follows, True)
