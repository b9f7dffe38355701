"""Arguments that the program will not take are told before it starts."""

from __future__ import annotations

import pytest

from mlmagic.api.training import plan_training
from mlmagic.errors import UsageError
from mlmagic.session import Session

TRAIN = """
from typing import Literal
def train(units: list[int], epochs: int = 2, fast: bool = False, kind: Literal["a", "b"] = "a"):
    pass
"""
FLAGS = "Its flags, after --: --units INT…, --epochs INT, --fast or --no-fast, --kind a | b"


def submit(session: Session, source: str, *args: str) -> None:
    plan_training("taxi", source=source, args=args, session=session).submit()


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "the program needs a value for --units: it has no default."),
        (("--units", "1", "--epoch", "5"), "the program does not take --epoch 5. Did you mean --epochs?"),
        (("--units", "1", "more"), "the program cannot take this value for --units: invalid int value: 'more'."),
        (
            ("--units", "1", "--epochs", "ten"),
            "the program cannot take this value for --epochs: invalid int value: 'ten'.",
        ),
        (("--units", "--kind", "c"), "the program cannot take this value for --kind: invalid choice: 'c'"),
    ],
)
def test_what_the_program_does_not_take(session: Session, args: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        submit(session, TRAIN, *args)
    assert str(caught.value).startswith(told)
    assert caught.value.hint == FLAGS
    assert len(session.backend().list()) == 0


@pytest.mark.parametrize("args", [("--units", "1", "2", "--no-fast"), ("--units=1", "--kind", "b"), ("--help",)])
def test_what_it_takes(session: Session, args: tuple[str, ...]) -> None:
    submit(session, TRAIN, *args)
    assert len(session.backend().list()) == 1


def test_a_function_without_parameters_has_no_flags(session: Session) -> None:
    with pytest.raises(UsageError, match=r"does not take --epochs 5\.\nIt has no flags: parameters of `train`"):
        submit(session, "def train():\n    pass\n", "--epochs", "5")


def test_a_script_that_reads_its_arguments_itself_gets_them_all(session: Session) -> None:
    submit(session, "import sys\nprint(sys.argv)\n", "--whatever", "5")
    assert len(session.backend().list()) == 1
