"""What a request wants an object to be like before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from mlmagic.emulator.errors import ApiError, invalid

NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True, kw_only=True)
class Preconditions:
    """Numbers that must, or must not, be the object's; generation 0 means that there is no object."""

    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    def check(self, generation: int, metageneration: int, *, reading: bool = False) -> None:
        """Compare with the object as it is now; both are 0 if there is none.

        Raises:
            ApiError: 412; 304 where a read has what it asked not to have.
        """
        for wanted, found in (
            (self.generation_match, generation),
            (self.metageneration_match, metageneration),
        ):
            if wanted is not None and wanted != found:
                raise _failed(412)
        for unwanted, found in (
            (self.generation_not_match, generation),
            (self.metageneration_not_match, metageneration),
        ):
            if unwanted is not None and unwanted == found:
                raise _failed(NOT_MODIFIED if reading else 412)


def preconditions(query: Mapping[str, str], source: str = "") -> Preconditions:
    """Return what an address's parameters ask for: `ifGenerationMatch`, or with `Source` `ifSourceGenerationMatch`.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    return Preconditions(
        **{field.name: number(query, _parameter(field.name, source)) for field in fields(Preconditions)}
    )


def number(query: Mapping[str, str], name: str) -> int | None:
    """Return a parameter that is a number, None if it is not there.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    try:
        return int(query[name]) if name in query else None
    except ValueError:
        raise invalid(name, f"Invalid value for {name}: '{query[name]}'") from None


def _parameter(field: str, source: str) -> str:
    return f"if{source}" + "".join(word.capitalize() for word in field.split("_"))


def _failed(code: int) -> ApiError:
    return ApiError(
        status="FAILED_PRECONDITION",
        code=code,
        message="At least one of the pre-conditions you specified did not hold.",
    )
