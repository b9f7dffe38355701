"""Search spaces, and a strategy that makes any."""

from __future__ import annotations

from hypothesis import strategies as st

from mlmagic.spec.study import Algorithm, Condition, Goal, Parameter, ParameterKind, Scale, StudySpec

LR = Parameter(name="lr", kind=ParameterKind.DOUBLE, minimum=1e-4, maximum=1e-1, scale=Scale.LOG)
UNITS = Parameter(name="units", kind=ParameterKind.INTEGER, minimum=16, maximum=256)
OPTIMIZER = Parameter(name="optimizer", kind=ParameterKind.CATEGORICAL, categories=("adam", "sgd", "rmsprop"))
BATCH = Parameter(name="batch", kind=ParameterKind.DISCRETE, numbers=(32.0, 64.0, 128.0))
MOMENTUM = Parameter(
    name="momentum",
    kind=ParameterKind.DOUBLE,
    minimum=0.0,
    maximum=0.99,
    condition=Condition(parameter="optimizer", values=("sgd", "rmsprop")),
)
NESTEROV = Parameter(
    name="nesterov",
    kind=ParameterKind.CATEGORICAL,
    categories=("true", "false"),
    condition=Condition(parameter="optimizer", values=("sgd",)),
)
EVERYTHING = (LR, UNITS, OPTIMIZER, BATCH, MOMENTUM, NESTEROV)
COUNTABLE = (BATCH, OPTIMIZER, NESTEROV)
"""12 points: 3 batches of adam and rmsprop each, and 6 of sgd."""


def study_of(
    *parameters: Parameter, algorithm: Algorithm = Algorithm.BAYESIAN, goal: Goal = Goal.MINIMIZE, seed: int = 0
) -> StudySpec:
    """Return a study that searches some parameters."""
    return StudySpec(metric="loss", goal=goal, parameters=parameters, algorithm=algorithm, seed=seed)


@st.composite
def _parameter(draw: st.DrawFn, name: str) -> Parameter:
    kind = draw(st.sampled_from(ParameterKind))
    if kind is ParameterKind.CATEGORICAL:
        texts = st.text("abc -.=", min_size=1, max_size=4)
        return Parameter(
            name=name, kind=kind, categories=tuple(draw(st.lists(texts, min_size=1, unique=True, max_size=4)))
        )
    scale = draw(st.sampled_from([None, *Scale]))
    least = 1 if kind is ParameterKind.INTEGER else 1e-6
    low = least if scale in {Scale.LOG, Scale.REVERSE_LOG} else -1000
    number = st.integers(int(low), 1000) if kind is ParameterKind.INTEGER else st.floats(low, 1000)
    numbers = sorted(draw(st.sets(number, min_size=2, max_size=5)))
    if kind is ParameterKind.DISCRETE:
        return Parameter(name=name, kind=kind, numbers=tuple(numbers), scale=scale)
    return Parameter(name=name, kind=kind, minimum=numbers[0], maximum=numbers[-1], scale=scale)


@st.composite
def spaces(draw: st.DrawFn) -> tuple[Parameter, ...]:
    """Make one to four parameters of any kind; one may depend on a categorical one."""
    parameters = [draw(_parameter(f"p{number}")) for number in range(draw(st.integers(1, 4)))]
    parents = [one for one in parameters if one.kind is ParameterKind.CATEGORICAL]
    if parents and draw(st.booleans()):
        parent = draw(st.sampled_from(parents))
        child = draw(_parameter("child"))
        values = tuple(draw(st.lists(st.sampled_from(parent.categories), min_size=1, unique=True)))
        condition = Condition(parameter=parent.name, values=values)
        fields = {
            name: getattr(child, name) for name in ("kind", "minimum", "maximum", "categories", "numbers", "scale")
        }
        parameters.append(Parameter(name="child", condition=condition, **fields))
    return tuple(parameters)
