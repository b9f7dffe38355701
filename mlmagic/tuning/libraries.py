"""Which libraries tuning needs, told without importing them: a kernel that plans a study has no use for them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from mlmagic.errors import MissingDependencyError


def missing_for_importance() -> Sequence[str]:
    """Return which libraries are not there that tell which parameters mattered."""
    return _missing("numpy", "threadpoolctl")


def check_libraries() -> None:
    """Check, without importing them, that the libraries of Bayesian search are there.

    Raises:
        MissingDependencyError: one of them is not.
    """
    if missing := _missing("numpy", "scipy", "threadpoolctl"):
        raise MissingDependencyError(
            f"Bayesian search needs what is not installed: {', '.join(missing)}.",
            hint='Install it with `pip install "mlmagic[tune]"`, or search with `--algorithm random`.',
        )


def _missing(*names: str) -> Sequence[str]:
    return [name for name in names if find_spec(name) is None]
