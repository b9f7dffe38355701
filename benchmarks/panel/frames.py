"""The frames that a tab paints, and the first of them that has a curve in it."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import FloatRect, Locator, Page

Pixels = npt.NDArray[np.int_]

# Axes, grids and letters are grey, in our charts as in TensorBoard's; a curve has a colour, TensorBoard's a pale one.
_LEAST_CHROMA = 15
_LEAST_PIXELS = 100
# A frame has the curve if so many of its pixels have its colour, or nearly.
_LEAST_SHARE = 0.9
_NEARLY = 40
_PATIENCE_MS = 120_000
_PAUSE_MS = 100
_SETTLED_MS = 1_000


class Frames:
    """What a tab paints from now on, its iframes too."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[tuple[float, bytes]] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)
        self._session.send("Page.startScreencast", {"format": "png"})

    def until_curve(self, chart: Locator) -> float:
        """Return when the first frame was shown that has the curve of a chart: seconds since 1970."""
        for _ in range(_PATIENCE_MS // _PAUSE_MS):
            # Until the chart is there, this waits for it.
            if (box := chart.bounding_box()) and self._has_colour(box):
                # What has a colour there may be what was there before.
                self._page.wait_for_timeout(_SETTLED_MS)
                return self._first_with_curve(chart.bounding_box() or box)
            self._page.wait_for_timeout(_PAUSE_MS)
        raise TimeoutError("no curve was painted")

    def _has_colour(self, box: FloatRect) -> bool:
        return bool(self._frames) and int(_coloured(_part(self._frames[-1][1], box)).sum()) >= _LEAST_PIXELS

    def _first_with_curve(self, box: FloatRect) -> float:
        curve = _part(self._frames[-1][1], box)
        of_curve = _coloured(curve)
        for time, image in self._frames:
            is_near = np.abs(_part(image, box) - curve).max(axis=2) <= _NEARLY
            if is_near[of_curve].mean() >= _LEAST_SHARE:
                return time
        raise AssertionError("the last frame has its own curve")

    def _keep(self, told: dict[str, Any]) -> None:
        self._frames.append((told["metadata"]["timestamp"], base64.b64decode(told["data"])))
        self._session.send("Page.screencastFrameAck", {"sessionId": told["sessionId"]})


def _part(image: bytes, box: FloatRect) -> Pixels:
    """Return the part of a picture: height, width, and red, green and blue."""
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(int)
    left, top, width, height = (round(box[side]) for side in ("x", "y", "width", "height"))
    return pixels[top : top + height, left : left + width]


def _coloured(pixels: Pixels) -> npt.NDArray[np.bool_]:
    chroma: Pixels = np.ptp(pixels, axis=2)
    return chroma > _LEAST_CHROMA
