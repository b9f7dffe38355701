"""The generated programs, run as they would be on any machine."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from mlmagic.api.program_arguments import check_program_arguments, flag_values
from mlmagic.errors import UsageError
from mlmagic.source.task import literal, quote

TRAIN = '''
from pathlib import Path

def train(epochs=5, learning_rate: float = 0.1, units=(8, 4), shuffle=True, name: str | None = None, data=Path("d")):
    """Fit 100 % of it."""
    print(f"{epochs=} {learning_rate=} {units=} {shuffle=} {name=} {data=}")
    return {"loss": 0.25, "accuracy": 1}
'''


def test_help_tells_flags_and_defaults(build, run) -> None:
    told = run(build(TRAIN), "--help")
    assert told.returncode == 0, told.stderr
    assert "Fit 100 % of it." in told.stdout
    # Python 3.13 writes the value once.
    assert re.search("--learning-rate( LEARNING_RATE)?, --learning_rate LEARNING_RATE", told.stdout)
    assert "default: (8, 4)" in told.stdout


def test_defaults_are_those_of_the_function(build, run) -> None:
    told = run(build(TRAIN))
    assert "epochs=5 learning_rate=0.1 units=(8, 4) shuffle=True name=None data=PosixPath('d')" in told.stdout
    assert told.stdout.endswith("Final metrics: loss=0.25 accuracy=1\n".replace(" accuracy", ", accuracy"))


def test_flags_become_arguments_of_their_type(build, run) -> None:
    args = ["--epochs", "2", "--learning_rate=1e-2", "--units", "1", "--no-shuffle", "--name=x", "--data", "e/f"]
    told = run(build(TRAIN), *args)
    assert "epochs=2 learning_rate=0.01 units=(1,) shuffle=False name='x' data=PosixPath('e/f')" in told.stdout


@pytest.mark.parametrize("args", [["--epoch", "2"], ["--epochs", "two"], ["stray"]])
def test_a_wrong_flag_is_told_before_the_program_is_loaded(build, run, args: list[str]) -> None:
    told = run(build("print('loaded')\ndef train(epochs=5): pass"), *args)
    assert told.returncode == 2
    assert "usage: python -m trainer.task" in told.stderr
    assert "loaded" not in told.stdout


SWITCHES = "def train(bias=True, *, no_op: bool, use_bias=False):\n    print(bias, no_op, use_bias)"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--no-op"], "True True False"),
        (["--no-no-op", "--no-bias", "--use-bias"], "False False True"),
        (["--no_op=false", "--bias=0", "--use_bias=True"], "False False True"),
        (["--no-op", "1", "--bias", "false", "--use-bias=1"], "False True True"),
        (["--no-op=TRUE", "--no-use_bias", "--bias=true", "--no-bias"], "False True False"),
    ],
)
def test_what_is_on_or_off_may_be_said_as_tuning_does(build, run, args: list[str], told: str) -> None:
    package = build(SWITCHES)
    assert run(package, *args).stdout == f"{told}\n"
    check_program_arguments(package, args)
    assert " ".join(flag_values(package, args).values()) == told.lower()


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("--bias=yes", "invalid value: 'yes' (choose from true, false)"),
        ("--bias=", "invalid value: '' (choose from true, false)"),
        ("--no-bias=true", "--no-bias takes no value: 'true'"),
    ],
)
def test_what_is_neither_on_nor_off_is_told(build, run, word: str, told: str) -> None:
    package = build(SWITCHES)
    assert run(package, "--no-op", word).stderr.endswith(f"error: argument --bias/--no-bias: {told}\n")
    with pytest.raises(UsageError) as caught:
        check_program_arguments(package, ["--no-op", word])
    assert str(caught.value).startswith(f"the program cannot take this value for --bias: {told}.")


def test_a_default_that_only_the_program_knows_holds(build, run) -> None:
    package = build("def train(n: int = len('four')):\n    print('n =', n)")
    assert run(package).stdout == "n = 4\n"
    assert run(package, "--n", "7").stdout == "n = 7\n"
    assert (
        "(default: len('four'))" in run(build("def train(n: int = len('four')):\n    ':param n: count'"), "-h").stdout
    )


def test_choices_and_required_flags_are_checked(build, run) -> None:
    package = build(
        "def train(*, seed: int, opt: Literal['adam', 'sgd'] = 'adam'):\n    print(seed, opt)".replace(
            "Literal['adam', 'sgd']", "\"Literal['adam', 'sgd']\""
        )
    )
    assert "the following arguments are required: --seed" in run(package).stderr
    assert "invalid choice: 'x'" in run(package, "--seed", "1", "--opt", "x").stderr
    assert run(package, "--seed", "1", "--opt", "sgd").stdout == "1 sgd\n"


def scalars(path: Path) -> dict[str, float]:
    """The values in an event file: records of length, checksum, event, checksum."""
    from tensorboard.compat.proto.event_pb2 import Event

    content, values, start = path.read_bytes(), {}, 0
    while start < len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        event = Event.FromString(content[start + 12 : start + 12 + length])
        values |= {value.tag: value.simple_value for value in event.summary.value}
        start += length + 16
    return values


def test_metrics_are_scalars_and_tuning_metrics(build, run, tmp_path: Path) -> None:
    metric_file, logs = tmp_path / "h" / "output.metrics", tmp_path / "logs"
    environment = {
        "AIP_TENSORBOARD_LOG_DIR": f"{logs}/",
        "CLOUD_ML_HP_METRIC_FILE": str(metric_file),
        "CLOUD_ML_TRIAL_ID": "3",
    }
    told = run(build("def train():\n    return {'loss': 0.25, 'note': 'x', 7: float('nan')}"), env=environment)
    assert told.stdout == "Final metrics: loss=0.25, 7=nan\n"
    first, _ = [json.loads(line) for line in metric_file.read_text().splitlines()]
    assert {**first, "timestamp": 0} == {
        "checkpoint_path": "",
        "global_step": "0",
        "loss": "0.25",
        "timestamp": 0,
        "trial": "3",
    }
    (event_file,) = logs.iterdir()
    assert scalars(event_file)["loss"] == 0.25


def test_a_history_gives_its_last_epoch(build, run) -> None:
    cell = "class History:\n    history = {'loss': [2.0, 1.0]}\n\ndef train():\n    return None, History()"
    assert run(build(cell)).stdout == "Final metrics: loss=1\n"


FAKE_KERAS = """
import sys, types
keras = types.ModuleType("keras")
class Model:
    history = {"ignored": [1.0]}
    def export(self, path, verbose):
        print("exported to", path)
keras.Model = Model
sys.modules["keras"] = keras

def train():
    return Model(), {"loss": 1.5}
"""


def test_a_returned_model_is_exported_once(build, run, tmp_path: Path) -> None:
    package, folder = build(FAKE_KERAS), tmp_path / "model"
    assert (
        run(package, env={"AIP_MODEL_DIR": f"{folder}/"}).stdout == f"exported to {folder}/\nFinal metrics: loss=1.5\n"
    )
    folder.mkdir()
    (folder / "saved_model.pb").write_text("the user's own")
    assert run(package, env={"AIP_MODEL_DIR": f"{folder}/"}).stdout == "Final metrics: loss=1.5\n"
    assert run(package).stdout == "Final metrics: loss=1.5\n"


def test_a_model_tells_what_its_last_fit_measured(build, run) -> None:
    fitted = "class History:\n    history = {'loss': [2.0, 1.0], 'val_loss': [3.0, 2.5], 'none': []}\n"
    cell = fitted + FAKE_KERAS.replace('history = {"ignored": [1.0]}', "history = History()")
    assert run(build(cell)).stdout == "Final metrics: loss=1.5, val_loss=2.5\n"
    alone = cell.replace('return Model(), {"loss": 1.5}', "return Model()")
    assert run(build(alone)).stdout == "Final metrics: loss=1, val_loss=2.5\n"


def test_a_history_may_hold_arrays(build, run) -> None:
    history = "import numpy as np\nclass History:\n    history = {'loss': np.array([2.0, 1.0])}\n"
    cell = f"{history}\ndef train():\n    return History()"
    assert run(build(cell)).stdout == "Final metrics: loss=1\n"


KERAS = """
import keras
import numpy as np

def train(epochs=2):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((40, 2)), np.ones(40), validation_split=0.5, epochs=epochs, verbose=0)
    return model
"""


@pytest.mark.slow
def test_a_model_of_keras_tells_what_its_fit_measured(build, run) -> None:
    told = run(build(KERAS)).stdout.splitlines()[-1]
    assert re.fullmatch(r"Final metrics: loss=\S+, val_loss=\S+", told)


SCRIPT = """
from dataclasses import dataclass
import pickle
EPOCHS = 5  # passes over the data
RATE: float = 0.5
UNITS = [8, 4]
PAIR = (1, 2)
NAME = "it's"
FAST = False

@dataclass
class Point:
    x: int

assert pickle.loads(pickle.dumps(Point(1))) == Point(1)
if __name__ == "__main__":
    print(EPOCHS, RATE, UNITS, PAIR, NAME, FAST)
"""


def test_a_script_runs_with_its_constants(build, run) -> None:
    package = build(SCRIPT)
    assert run(package).stdout == "5 0.5 [8, 4] (1, 2) it's False\n"
    args = ["--epochs", "9", "--rate", "inf", "--units", "1", "2", "--pair", "3", "--name", "b", "--fast"]
    assert run(package, *args).stdout == "9 inf [1, 2] (3,) b True\n"
    assert "passes over the data (default: 5)" in run(package, "--help").stdout


def test_a_constant_of_an_earlier_cell_is_a_flag_too(build, run) -> None:
    package = build("EPOCHS = 5\nUNUSED = 1", "print(EPOCHS * 2)")
    assert [flag.name for flag in package.flags] == ["EPOCHS"]
    assert run(package, "--epochs", "4").stdout == "8\n"


@pytest.mark.parametrize(
    "cell", ["import sys\nN = 1\nprint(sys.argv[1:])", "N = 1\nfrom sys import argv\nprint(argv[1:])"]
)
def test_a_script_that_looks_at_its_words_gets_them(build, run, cell: str) -> None:
    assert run(build(cell), "a", "--b").stdout == "['a', '--b']\n"


def test_a_script_that_reads_its_arguments_gets_them(build, run) -> None:
    parser = "parser = argparse.ArgumentParser()\nparser.add_argument('--m')"
    cell = f"import argparse\nN = 1\n{parser}\nprint(parser.parse_args().m, N)"
    package = build(cell)
    assert package.flags == ()
    assert package.notes == ("the cell reads its arguments itself, so its constants are not flags",)
    assert run(package, "--m", "x").stdout == "x 1\n"


@pytest.mark.parametrize("value", ["a", "it's", 'say "x"', "both ' and \"", "back\\slash", "n\nl", "ü", ""])
def test_quoted_text_reads_back(value: str) -> None:
    assert eval(quote(value)) == value  # noqa: S307 - what was just written
    assert eval(literal([(value,), 1.5, None])) == [(value,), 1.5, None]  # noqa: S307


@pytest.mark.parametrize(
    ("task", "counts"),
    [
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "chief", "index": 0}}, True),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}, False),
        ({"cluster": {"chief": ["a:1"]}, "task": {"type": "evaluator", "index": 0}}, False),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}, True),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, False),
        ({}, True),
    ],
)
def test_only_the_chief_exports_and_reports(build, run, tmp_path: Path, task: dict, counts: bool) -> None:
    folder = tmp_path / "model"
    told = run(build(FAKE_KERAS), env={"AIP_MODEL_DIR": str(folder), "TF_CONFIG": json.dumps(task)})
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == (f"exported to {folder}\nFinal metrics: loss=1.5\n" if counts else "")


def test_a_history_does_not_hide_the_curves_that_it_is_the_end_of(build, run, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    (logs / "train").mkdir(parents=True)
    cell = "class History:\n    history = {'loss': [2.0, 1.0]}\n\ndef train():\n    return History(), {'rmse': 0.5}"
    told = run(build(cell), env={"AIP_TENSORBOARD_LOG_DIR": f"{logs}/"})
    assert told.stdout == "Final metrics: loss=1, rmse=0.5\n"
    (event_file,) = logs.glob("events.*")
    assert "loss" not in scalars(event_file)
    assert scalars(event_file)["rmse"] == 0.5
