"""What Beam says of itself: only what its user has to know."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_import(*, is_local: bool) -> Iterator[None]:
    """Import Beam within, for a run on this machine or elsewhere; from then on it logs what that one needs."""
    # On import, Beam warns of parts of Google's that are not installed and that nobody has asked for.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
        # Here, what it says of errors is said again by us, shorter; elsewhere, it tells how the job is doing.
        logging.basicConfig(format="%(message)s")
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL if is_local else logging.INFO)
