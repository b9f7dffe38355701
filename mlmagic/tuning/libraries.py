"""What Bayesian search needs, told without importing it: a kernel that plans a study has no use for it itself."""

from __future__ import annotations

from importlib.util import find_spec

from mlmagic.errors import MissingDependencyError


def check_libraries() -> None:
    """Check, without importing them, that the libraries of Bayesian search are there.

    Raises:
        MissingDependencyError: one of them is not.
    """
    missing = [name for name in ("numpy", "scipy", "threadpoolctl") if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"Bayesian search needs what is not installed: {', '.join(missing)}.",
            hint='Install it with `pip install "mlmagic[tune]"`, or search with `--algorithm random`.',
        )
