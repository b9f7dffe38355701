"""The notebook may die: jobs, records and versions outlive the kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.kernels import Kernel

# The program waits for a file, so that the test and not the clock says when training goes on.
TRAIN = """%%train fares
def train(wait_for: str = {go!r}, units: int = 4):
    import time
    from pathlib import Path

    print("training begins", flush=True)
    while not Path(wait_for).exists():
        time.sleep(0.05)
    import keras

    miles = keras.Input((1,), name="miles")
    model = keras.Model(miles, keras.layers.Dense(1, name="fare")(keras.layers.Dense(units)(miles)))
    model.compile("adam", "mse")
    return model
"""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_job_outlives_its_kernel(new_kernel: Callable[[], Kernel], tmp_path: Path) -> None:
    go = tmp_path / "go"
    first = new_kernel()
    assert not first.run(TRAIN.format(go=str(go))).error
    first.kill()
    second = new_kernel()
    assert "fares" in second.run("%jobs").text
    assert not second.value("__import__('mlmagic').job('fares').state.is_final")
    go.touch()
    assert not second.run("%jobs wait fares").error
    assert not second.run("import pandas as pd\nrides = pd.DataFrame({'miles': [1.0, 2.0, 3.0]})").error
    assert not second.run("%predict fares $rides").error
    assert second.value("len(_)") == 3


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_two_kernels_submit_the_same_name_at_once(new_kernel: Callable[[], Kernel], tmp_path: Path) -> None:
    go = tmp_path / "go"
    kernels = [new_kernel(), new_kernel()]
    for kernel in kernels:
        assert not kernel.run(TRAIN.format(go=str(go))).error
    go.touch()
    assert not kernels[0].run("import mlmagic\nended = [mlmagic.job(j.id).wait() for j in mlmagic.jobs()]").error
    assert sorted(kernels[0].value("[job.model_version for job in ended]")) == ["fares@1", "fares@2"]
    assert kernels[1].value("[v.number for v in __import__('mlmagic').model('fares').versions]") == [1, 2]


def test_running_a_cell_again_is_normal(new_kernel: Callable[[], Kernel]) -> None:
    kernel = new_kernel()
    for number in range(5):
        assert not kernel.run(f"%%train again --wait\nNUMBER = {number}\nprint(NUMBER)").error
    summaries = kernel.value("[(j.display_name, str(j.state)) for j in __import__('mlmagic').jobs()]")
    assert summaries == [("again", "SUCCEEDED")] * 5
    assert len(set(kernel.value("[j.id for j in __import__('mlmagic').jobs()]"))) == 5
