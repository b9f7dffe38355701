"""Which shape a cell has."""

from __future__ import annotations

import pytest

from mlmagic.errors import CellError
from mlmagic.spec.package import CellShape


def error_of(build, *cells: str) -> str:
    with pytest.raises(CellError) as caught:
        build(*cells)
    return str(caught.value)


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        ("def train(epochs=5): pass", CellShape.TRAIN),
        ("X = 1\n\ndef helper(): pass\n\ndef train(): helper()", CellShape.TRAIN),
        ("import functools\n@functools.cache\ndef train(n=1): pass", CellShape.TRAIN),
        ("print(1)", CellShape.SCRIPT),
        ("def main(): pass\nmain()", CellShape.SCRIPT),
        ("train = list('ab')\nprint(train)", CellShape.SCRIPT),
        ("train, test = 'ab'\nprint(train)", CellShape.SCRIPT),
        ("if True:\n    def train(): pass\n    train()", CellShape.SCRIPT),
        ("x = len('a')", CellShape.SCRIPT),
    ],
)
def test_the_shape_is_told_by_what_is_defined(build, cell: str, shape: CellShape) -> None:
    assert build(cell).shape is shape


def test_build_model_needs_a_dataset(build) -> None:
    assert error_of(build, "def build_model(features, units=8): pass") == (
        "a cell with `def build_model(features, ...)` trains on a dataset, and none is given.\n"
        "Name one that %%preprocess has made: `%%train NAME --data DATASET`; %datasets lists them. Without a dataset, "
        "`def train(epochs=5): ...` reads its data itself."
    )


def test_two_ways_to_train_are_one_too_many(build) -> None:
    assert error_of(build, "def build_model(features): pass\n\ndef train(): pass") == (
        "the cell defines both `build_model` (Cell [9], line 2) and `train` (Cell [9], line 4), which are two ways "
        "to train.\nKeep `train`; a helper that builds the model can have any other name, such as `make_model`."
    )


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("async def train(): pass", "`async def train`"),
        ("class train: pass", "`class train`"),
        ("train = lambda epochs=5: None", "`train = lambda ...`"),
    ],
)
def test_train_is_a_plain_function(build, cell: str, what: str) -> None:
    assert error_of(build, cell) == (
        f"Cell [9], line 2 has {what}; the job calls a plain function.\nWrite `def train(...):`."
    )


@pytest.mark.parametrize("call", ["train(epochs=1)", "model = train()", "print(train())"])
def test_the_cell_does_not_call_train_itself(build, call: str) -> None:
    assert error_of(build, f"def train(epochs=5): pass\n\n{call}") == (
        "Cell [9], line 4 calls `train`, which the job does itself: it would train twice.\n"
        "Take the call out; values for its parameters go behind `--`, such as `-- --epochs 5`."
    )


def test_the_cell_does_not_build_the_model_itself(build) -> None:
    assert error_of(build, "def build_model(features): pass\n\nmodel = build_model(None)").startswith(
        "Cell [9], line 4 calls `build_model`, which the job does itself: it would train twice.\n"
    )


def test_a_call_for_the_main_module_alone_is_fine(build) -> None:
    assert build("def train(): pass\n\nif __name__ == '__main__':\n    train()").shape is CellShape.TRAIN


@pytest.mark.parametrize("cell", ["", "# a comment", "%matplotlib inline"])
def test_a_cell_without_python_is_refused(build, cell: str) -> None:
    assert error_of(build, cell).startswith("the cell holds no Python, so that the job would do nothing.\nDefine")


def test_what_the_kernel_has_warned_of_is_no_news(build) -> None:
    assert build(r"print('\d')").files["trainer/model.py"].endswith(b"print('\\d')\n")


@pytest.mark.parametrize("cell", ["def main(): pass", "import os\nX = 1", "'text'", "class A: pass", "x: int"])
def test_a_cell_in_which_nothing_runs_is_refused(build, cell: str) -> None:
    assert error_of(build, cell) == (
        "the cell only defines things, so that the job would do nothing.\n"
        "Define `def train(epochs=5): ...`, which the job calls, or write the calls into the cell."
    )


@pytest.mark.parametrize(
    ("cell", "where"), [("x = 1\nreturn x", "Cell [9], line 3"), ("def train():\n    break", "Cell [9], line 3")]
)
def test_what_only_the_compiler_finds_is_placed(build, cell: str, where: str) -> None:
    text = error_of(build, cell)
    assert text.startswith(f"{where}: '")
    assert "outside" in text
