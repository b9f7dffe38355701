"""The program of a cell with build_model: its flags, its files, and what it asks of the cell."""

from __future__ import annotations

import pytest

from mlmagic.api.program_arguments import check_program_arguments, flag_values
from mlmagic.errors import CellError
from mlmagic.source.features import FeatureFiles
from mlmagic.spec.package import CellShape, Flag

BUCKETS = Flag(name="nbuckets", option="--nbuckets", type="int", default=16)
FILES = {"trainer/features.py": b"from trainer.encoding import Features\n", "trainer/statistics.json": b"{}"}
MODULES = ("input", "packing", "shards", "spill", "training", "loop", "servers", "encoding", "export")


def made(*flags: Flag) -> FeatureFiles:
    return FeatureFiles(files=FILES, flags=flags)


def options(package) -> list[str]:
    return [flag.option for flag in package.flags]


def test_the_package_has_what_its_program_needs(build) -> None:
    package = build("import keras\ndef build_model(features, units=8):\n    pass", features=lambda: made(BUCKETS))
    assert package.shape is CellShape.BUILD_MODEL
    assert package.cold_reason is None
    assert {*FILES, *(f"trainer/{module}.py" for module in MODULES)} <= set(package.files)
    assert package.requirements == (
        "keras==3.15.1",
        "numpy==2.4.6",
        "pyarrow==22.0.0",
        "tensorboard==2.21.0",
        "tensorflow-cpu==2.21.0",
    )


def test_flags_are_the_trainings_the_features_and_the_models(build) -> None:
    package = build("def build_model(features, units=8, *, name='x'):\n    pass", features=lambda: made(BUCKETS))
    training = ["--data", "--epochs", "--batch-size", "--seed", "--sample", "--steps-per-epoch", "--test"]
    assert options(package) == [*training, "--nbuckets", "--units", "--name"]
    task = package.files["trainer/task.py"].decode()
    assert 'FEATURES = ("nbuckets",)' in task
    assert 'MODEL = ("units", "name")' in task


def test_a_flag_of_a_feature_is_typed_as_it_is_tuned(build, run) -> None:
    dotted = Flag(name="fare_buckets", option="--fare.buckets", type="int", default=16, help="of fare")
    package = build("def build_model(features):\n    pass", features=lambda: made(dotted))
    assert "--fare.buckets FARE_BUCKETS" in run(package, "--help").stdout
    assert "argument --fare.buckets: invalid int value: 'x'" in run(package, "--fare.buckets=x").stderr
    check_program_arguments(package, ["--data=d", "--fare.buckets=3"])
    assert flag_values(package, ["--data=d", "--fare.buckets=3"])["fare.buckets"] == "3"


def test_a_parameter_that_is_called_as_a_flag_is_that_flag(build) -> None:
    cell = "def build_model(features, nbuckets=16, batch_size=512, epochs: int = 3, seed=None):\n    pass"
    with pytest.raises(CellError, match="`seed` is str, and --seed is int"):
        build(cell, features=lambda: made(BUCKETS))
    package = build(cell.replace(", seed=None", ""), features=lambda: made(BUCKETS))
    defaults = {flag.name: flag.default for flag in package.flags}
    assert (defaults["batch_size"], defaults["epochs"], defaults["nbuckets"]) == (512, 3, 16)
    assert 'MODEL = ("nbuckets", "batch_size", "epochs")' in package.files["trainer/task.py"].decode()


def test_a_parameter_without_default_takes_the_flags(build) -> None:
    package = build("def build_model(data, epochs, seed):\n    pass", features=made)
    defaults = {flag.name: (flag.default, flag.type) for flag in package.flags}
    assert defaults["epochs"] == (5, "int")
    assert not [note for note in package.notes if "epochs" in note or "--data" in note]


def test_all_disagreements_are_told_at_once(build) -> None:
    parameters = "features, nbuckets=8, epochs=1.5, batch_size: int = os.cpu_count(), test=[None]"
    cell = f"import os\ndef build_model({parameters}):\n    pass"
    with pytest.raises(CellError) as caught:
        build(cell, features=lambda: made(BUCKETS, Flag(name="seed", option="--seed", type="int", default=1)))
    assert str(caught.value) == (
        "`build_model` (Cell [9], line 3) and what it is trained with disagree about flags:\n"
        "  - --seed of the features is a flag of the training: call it differently\n"
        "  - `nbuckets=8`, and the features have nbuckets=16\n"
        "  - `epochs` is float, and --epochs is int\n"
        "  - `batch_size=os.cpu_count()`: --batch-size needs a value that is known before it runs\n"
        "  - `test` has a default that --test cannot have"
    )


@pytest.mark.parametrize("parameters", ["", "*, units=8"])
def test_a_model_is_built_from_features(build, parameters: str) -> None:
    with pytest.raises(CellError) as caught:
        build(f"def build_model({parameters}):\n    pass", features=made)
    assert str(caught.value) == (
        "`build_model` (Cell [9], line 2) takes no features.\n"
        "Write `def build_model(features, units=64): ...`; features.get_inputs() and features.get_encoded_features() "
        "are what the model begins with."
    )


def test_what_cannot_become_a_flag_is_told_of_build_model(build) -> None:
    with pytest.raises(
        CellError, match=r"^`build_model` \(Cell \[9\], line 2\) has parameters that cannot.*\n.*`\*\*hp`"
    ):
        build("def build_model(features, /, **hp):\n    pass", features=made)


def test_features_are_made_for_such_cells_alone(build) -> None:
    def features() -> FeatureFiles:
        raise AssertionError("nobody needs them")

    assert build("def train(data): pass", features=features).shape is CellShape.TRAIN


def test_the_program_explains_its_flags(build, run) -> None:
    cell = 'from pathlib import Path\ndef build_model(features, start=Path("a")):\n    """Learn fares."""'
    package = build(cell, features=lambda: made(BUCKETS))
    told = run(package, "--help")
    assert "Learn fares" in told.stdout
    assert "--start START" in told.stdout
    assert "the following arguments are required: --data" in run(package).stderr
