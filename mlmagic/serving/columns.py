"""A column of values to the array that an input takes.

Typed arrays are checked and converted as a whole; everything else value by value, so that each one that does not fit
is told with its path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlmagic.serving.problems import EnoughError, Problems
from mlmagic.serving.values import Converter, MisfitError, converter, integer_range, is_text, plain, told
from mlmagic.spec.model import TensorSpec

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Path = Callable[[int], str]
"""What errors call the value at a position."""
ItemShape = tuple[int | None, ...]
"""The shape of one instance's value."""


def to_array(values: Any, spec: TensorSpec, path: Path, problems: Problems, *, is_frame: bool = False) -> Array | None:
    """Return the column as the input takes it, or None after noting what does not fit.

    Args:
        values: an array, or a sequence with one value for each instance.
        spec: the input.
        path: what errors call the value at a position.
        problems: where misfits are noted.
        is_frame: the values come from a DataFrame, where missing numbers are NaN.
    """
    item_shape = spec.shape[1:]
    before = len(problems)
    try:
        if len(item_shape) == 0 or item_shape == (1,):
            column = _scalars(values, spec, path, problems, is_frame=is_frame)
        else:
            column = _tensors(values, spec.dtype, item_shape, path, problems)
    except EnoughError:
        return None
    if column is None or len(problems) > before:
        return None
    return column.reshape(-1, 1) if item_shape == (1,) else column


def _scalars(values: Any, spec: TensorSpec, path: Path, problems: Problems, *, is_frame: bool) -> Array | None:
    import numpy as np

    dtype = spec.dtype
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    typed = values if isinstance(values, np.ndarray) and values.ndim == 1 else _typed(values)
    if spec.optional and "int" in dtype and getattr(typed, "dtype", np.dtype("O")).kind == "f":
        typed = None  # pandas keeps whole numbers with missing ones between them as floats
    if typed is not None and (array := _convert_typed(typed, dtype, path, problems)) is not None:
        return array
    if dtype == "string" and set(map(type, values)) <= {str, bytes} and _are_texts(values):
        return _array_of(list(values), dtype)
    convert = converter(dtype, missing_is_nan=is_frame, optional=spec.optional)
    before = len(problems)
    converted = [_convert(convert, _unwrapped(value), path(i), problems) for i, value in enumerate(values)]
    return _array_of(converted, dtype) if len(problems) == before else None


def _are_texts(values: Sequence[Any]) -> bool:
    return is_text("".join(value for value in values if isinstance(value, str)))


def _unwrapped(value: Any) -> Any:
    """The value of `[5]`: instances of a model whose input is one column wide may be written so."""
    value = plain(value)
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _convert(convert: Converter, value: Any, path: str, problems: Problems) -> Any:
    try:
        return convert(value)
    except MisfitError as misfit:
        problems.add(f"{path}: {misfit}")
        return None


def _typed(values: Sequence[Any]) -> Array | None:
    """Plain numbers as an array; None where a value needs a closer look."""
    import numpy as np

    if not set(map(type, values)) <= {int, float, bool}:
        return None
    try:
        array = np.asarray(values)
    except OverflowError:
        return None
    return array if array.dtype.kind in "iufb" else None


def _convert_typed(array: Array, dtype: str, path: Path, problems: Problems) -> Array | None:
    """Convert a whole array; None where its type needs a look at each value."""
    if array.dtype.kind not in "iufb":
        return None
    if dtype.startswith(("float", "bfloat")):
        return _to_floats(array, dtype, path, problems)
    if "int" in dtype:
        return _to_integers(array, dtype, path, problems)
    return array if dtype == "bool" and array.dtype.kind == "b" else None


def _to_floats(array: Array, dtype: str, path: Path, problems: Problems) -> Array:
    import numpy as np

    with np.errstate(over="ignore"):
        converted = array.astype(_numpy_name(dtype))
    if array.dtype.kind == "f":
        for i in np.flatnonzero(np.isinf(converted) & np.isfinite(array)).tolist():
            problems.add(f"{path(i)}: {told(array.flat[i])} is out of the range of {dtype}")
    return converted


def _to_integers(array: Array, dtype: str, path: Path, problems: Problems) -> Array:
    import numpy as np

    flat = array.ravel()
    wrong = np.zeros(len(flat), dtype=bool)
    if array.dtype.kind == "f":
        wrong = ~np.isfinite(flat) | (flat != np.trunc(flat))
        for i in np.flatnonzero(wrong).tolist():
            problems.add(f"{path(i)}: expected a whole number, got {told(flat[i])}")
    if array.dtype.kind != "b":
        low, high = integer_range(dtype)
        for i in np.flatnonzero(~wrong & ((flat < low) | (flat > high))).tolist():
            problems.add(f"{path(i)}: {told(flat[i])} is out of the range of {dtype}")
    with np.errstate(invalid="ignore"):
        return array.astype(dtype)


def _tensors(values: Any, dtype: str, shape: ItemShape, path: Path, problems: Problems) -> Array | None:
    block = _block(values, dtype, shape)
    if block is not None:
        converted = _convert_typed(block, dtype, _element_path(path, block.shape[1:]), problems)
        if converted is not None:
            return converted
    flat = _Flattening(converter(dtype, missing_is_nan=False), problems)
    shapes = [flat.add(value, shape, path(i)) for i, value in enumerate(values)]
    if any(found is None for found in shapes):
        return None
    distinct = sorted({found for found in shapes if found is not None})
    if len(distinct) > 1:
        problems.add(f"{path(shapes.index(distinct[1]))}: its shape {list(distinct[1])} is not that of the others")
        return None
    item_shape = distinct[0] if distinct else tuple(size or 0 for size in shape)
    return _array_of(flat.items, dtype).reshape(len(shapes), *item_shape)


def _block(values: Any, dtype: str, shape: ItemShape) -> Array | None:
    """Numbers in rectangular form that fit the shape, as one array; None for anything else."""
    import numpy as np

    if dtype == "string" or len(values) == 0:
        return None
    try:
        block = values if isinstance(values, np.ndarray) else np.asarray(list(values))
    except (ValueError, OverflowError):
        return None
    if block.dtype.kind not in "iufb" or block.ndim != len(shape) + 1:
        return None
    fits = all(size in {None, actual} for size, actual in zip(shape, block.shape[1:], strict=True))
    return block if fits else None


def _element_path(path: Path, item_shape: tuple[int, ...]) -> Path:
    """Paths such as `instances[3].pixels[0][2]` for positions in the flattened block."""

    def element(position: int) -> str:
        import numpy as np

        instance, *indices = np.unravel_index(position, (position // max(1, int(np.prod(item_shape))) + 1, *item_shape))
        return path(int(instance)) + "".join(f"[{index}]" for index in indices)

    return element


class _Flattening:
    """Nested lists to one list of converted items."""

    def __init__(self, convert: Converter, problems: Problems) -> None:
        self.items: list[Any] = []
        self._convert = convert
        self._problems = problems

    def add(self, value: Any, shape: ItemShape, path: str) -> tuple[int, ...] | None:
        """Append a value's items, and return its shape; None after noting what does not fit."""
        if not shape:
            before = len(self._problems)
            self.items.append(_convert(self._convert, value, path, self._problems))
            return () if len(self._problems) == before else None
        value = plain(value)
        if not isinstance(value, list | tuple) or shape[0] not in {None, len(value)}:
            expected = "a list" if shape[0] is None else f"a list of {shape[0]}"
            self._problems.add(f"{path}: expected {expected}, got {told(value)}")
            return None
        inner = {self.add(item, shape[1:], f"{path}[{i}]") for i, item in enumerate(value)}
        if None in inner:
            return None
        if len(inner) > 1:
            self._problems.add(f"{path}: its lists have different lengths")
            return None
        return (len(value), *(inner.pop() or () if inner else (size or 0 for size in shape[1:])))


def _array_of(values: list[Any], dtype: str) -> Array:
    import numpy as np

    if dtype != "string":
        return np.asarray(values, dtype=_numpy_name(dtype))
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _numpy_name(dtype: str) -> str:
    # numpy has no bfloat16: such a column travels as float32.
    return "float32" if dtype == "bfloat16" else dtype
