"""What trials give to the program: their parameters as flags, behind the arguments of the study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlmagic.api.program_arguments import flag_values
from mlmagic.spec.study_jobs import trial_flags

if TYPE_CHECKING:
    from mlmagic.spec.package import TrainerPackage
    from mlmagic.spec.study import StudySpec


def sample_flags(study: StudySpec | None) -> tuple[str, ...]:
    """Return the words that a trial from the middle of the space gets; none where nothing is searched."""
    from mlmagic.tuning.space import Space

    if study is None:
        return ()
    values = Space(study.parameters).point([0.5] * len(study.parameters))
    return trial_flags({name: study.parameter(name).text(value) for name, value in values.items()})


def trial_flag_values(package: TrainerPackage, words: Sequence[str], study: StudySpec | None) -> dict[str, str]:
    """Return what the program's flags are set to in every trial; those that are tuned are not among them."""
    values = flag_values(package, (*words, *sample_flags(study)))
    tuned = {parameter.name.replace("-", "_") for parameter in study.parameters} if study is not None else set()
    return {name: value for name, value in values.items() if name not in tuned}
