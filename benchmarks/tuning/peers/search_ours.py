"""mlmagic: `python search_ours.py BAYESIAN|RANDOM TASK TRIALS SEED…`, in our own environment."""

import sys

from measured import measure

from mlmagic.spec.study import Algorithm, Condition, Goal, Parameter, ParameterKind, Scale, StudySpec
from mlmagic.tuning.suggester import make_suggester

KINDS = {"float": ParameterKind.DOUBLE, "int": ParameterKind.INTEGER, "choice": ParameterKind.CATEGORICAL}


def parameter(name, one):
    return Parameter(
        name=name,
        kind=KINDS[one["type"]],
        minimum=one.get("low"),
        maximum=one.get("high"),
        categories=tuple(one.get("choices", ())),
        scale=Scale.LOG if one.get("log") else None,
        condition=Condition(parameter=one["when"][0], values=tuple(one["when"][1])) if one["when"] else None,
    )


def search(objective, space, seed, trials):
    parameters = tuple(parameter(name, one) for name, one in space.items())
    spec = StudySpec(metric="value", goal=Goal.MINIMIZE, parameters=parameters, algorithm=algorithm, seed=seed)
    suggester = make_suggester(spec)
    for number in range(1, trials + 1):
        values = suggester.suggest(number)
        given = {name: int(value) if space[name]["type"] == "int" else value for name, value in values.items()}
        suggester.finished(number, values, objective(given))


algorithm = Algorithm[sys.argv.pop(1)]
measure(search)
