"""Tracebacks of a job, told in notebook cells."""

from __future__ import annotations

from collections.abc import Mapping

from mlmagic.spec.package import SourceMap


def translate(traceback_text: str, source_map: SourceMap, sources: Mapping[str, str]) -> str:
    """Rewrite the frames within the package to `Cell [5], line 3`.

    Args:
        traceback_text: one traceback as Python prints it, chained exceptions and all.
        source_map: of the package.
        sources: texts of the package's files by path, for source lines that Python did not print.
    """
    raise TypeError(traceback_text, source_map, sources)
