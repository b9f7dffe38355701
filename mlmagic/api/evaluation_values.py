"""A column that is read part by part, kept as one small number for each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlmagic.evaluation import slices

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, np.dtype[Any]]

MISSING = -1


class Values:
    """Numbers and times as floats, where missing ones are NaN; all else as codes of texts, missing ones -1.

    Times count in seconds since 1970.
    """

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._numbers: list[Array] = []
        self._coded: list[Array] = []
        self.is_bool = False
        self.is_time = False

    @property
    def is_text(self) -> bool:
        """Whether texts were seen."""
        return bool(self._codes)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts by their codes."""
        return tuple(self._codes)

    def numbers(self) -> Array:
        """Return the numbers of all parts."""
        return _joined(self._numbers, float)

    def codes(self) -> Array:
        """Return the codes of all parts."""
        return _joined(self._coded, int)

    def add(self, series: pd.Series[Any]) -> None:
        """Take a part."""
        import numpy as np
        import pandas as pd

        kind = series.dtype
        if isinstance(kind, pd.DatetimeTZDtype) or getattr(kind, "kind", "") == "M":
            self.is_time = True
            naive = series.dt.tz_convert("UTC").dt.tz_localize(None) if isinstance(kind, pd.DatetimeTZDtype) else series
            moments = naive.to_numpy().astype("datetime64[us]")
            numbers = np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1e6)
        elif pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind):
            self.is_bool = self.is_bool or pd.api.types.is_bool_dtype(kind)
            numbers = series.to_numpy(dtype="float64", na_value=np.nan)
        else:
            self._add_texts(series)
            return
        self._numbers.append(numbers)

    def _add_texts(self, series: pd.Series[Any]) -> None:
        import pandas as pd

        numbers, found = pd.factorize(series.astype(object), use_na_sentinel=True)
        # The empty text counts as missing.
        own = [MISSING if text == "" else self._codes.setdefault(text, len(self._codes)) for text in map(plain, found)]
        self._coded.append(_lookup([*own, MISSING])[numbers])

    def renamed(self, names: Mapping[str, str]) -> Values:
        """Return the same with other texts."""
        other = Values()
        other._codes = {names[text]: code for text, code in self._codes.items()}
        other._coded = self._coded
        return other

    def parts(self) -> list[slices.Part]:
        """Return the places of rows that have a value, or a range of numbers, in common."""
        if self._coded:
            return slices.by_value(self.codes(), self.texts)
        return slices.by_number(self.numbers(), self.told)

    def told(self, number: float) -> str:
        """Return a number as it is shown."""
        if self.is_bool:
            return str(bool(number))
        if self.is_time:
            import datetime as dt

            moment = dt.datetime.fromtimestamp(number, dt.UTC)
            return f"{moment:%Y-%m-%d}" if number % 86_400 == 0 else f"{moment:%Y-%m-%d %H:%M}"
        return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.4g}"


def is_present(series: pd.Series[Any]) -> pd.Series[bool]:
    """Return which values are not missing; the empty text is."""
    return series.notna() & (series.astype(object) != "")


def plain(value: object) -> str:
    """Return a class or a value as text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _lookup(codes: list[int]) -> Array:
    import numpy as np

    return np.array(codes, dtype=np.int64)


def _joined(parts: list[Array], kind: type) -> Array:
    import numpy as np

    return np.concatenate(parts) if parts else np.zeros(0, kind)
