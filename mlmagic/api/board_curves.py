"""The curves of a board as they are now, read from the event files without TensorBoard."""

from __future__ import annotations

from typing import NamedTuple

from mlmagic.runtime.curve_points import thinned
from mlmagic.runtime.scalars import curves
from mlmagic.spec.board import BoardCurve, BoardCurves, BoardSpec, BoardViewer

MOST_RUNS = 4
"""So many lines in a chart can be told apart."""
_MOST_POINTS = 200


class _Point(NamedTuple):
    step: int
    time: float
    value: float


def read_board_curves(spec: BoardSpec, viewer: BoardViewer, *, url: str | None = None) -> BoardCurves:
    """Return the curves of the first runs that have any.

    Args:
        spec: what the board shows.
        viewer: who looks at it.
        url: where the board itself is, if it runs.

    Raises:
        WorkspaceError: a study's file cannot be read.
    """
    from mlmagic.tensorboards.runs import runs_of

    found: list[BoardCurve] = []
    shown = 0
    runs = runs_of(spec)
    for run, folder in runs.items():
        own = curves(folder) if shown < MOST_RUNS else {}
        shown += bool(own)
        for name, points in own.items():
            kept = [_Point(*point) for point in thinned(points, _MOST_POINTS)]
            steps, values = tuple(point.step for point in kept), tuple(point.value for point in kept)
            found.append(BoardCurve(run=run, name=name, steps=steps, values=values))
    return BoardCurves(spec=spec, front_end=viewer.front_end, curves=tuple(found), runs=len(runs), url=url)
