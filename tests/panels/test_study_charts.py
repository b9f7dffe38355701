"""Charts of a study: what is drawn, as a picture and as a specification."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from mlmagic.panels import study_plots
from mlmagic.panels.study_axes import ParameterAxis, ResultAxis, powers, result_axis, round_numbers
from mlmagic.panels.study_charts import History, Importance, Parallel, PlotKind, Slice, charts_of
from mlmagic.panels.study_svg import chart_svg, charts_picture
from mlmagic.spec.study import Goal, Parameter, ParameterKind, Scale

SVG, VEGA = "{http://www.w3.org/2000/svg}", "application/vnd.vegalite.v5+json"
IMPORTANCE = {"lr": 0.7, "units": 0.2, "optimizer": 0.1, "momentum": 0.0, "batch": 0.0}


def only(report, kind):
    return charts_of(report, [kind])[0]


def number_axis(scale, minimum=0.001, maximum=0.1):
    return ParameterAxis(
        parameter=Parameter(name="x", kind=ParameterKind.DOUBLE, minimum=minimum, maximum=maximum, scale=scale)
    )


@pytest.mark.parametrize(
    ("scale", "value", "place"),
    [
        (None, "0.0505", 0.5),
        (Scale.LINEAR, "0.001", 0.0),
        (Scale.LOG, "0.01", 0.5),
        (Scale.LOG, "0.1", 1.0),
        (Scale.REVERSE_LOG, "0.091", 0.5),
        (Scale.REVERSE_LOG, "0.1", 1.0),
        (Scale.LOG, "0.2", None),
        (Scale.LOG, "-1", None),
        (None, "relu", None),
        (None, "nan", None),
    ],
)
def test_numbers_lie_where_they_are_searched(scale, value, place):
    assert number_axis(scale).place(value) == (None if place is None else pytest.approx(place))


def test_words_and_single_numbers_lie_evenly():
    words = ParameterAxis(parameter=Parameter(name="x", kind=ParameterKind.CATEGORICAL, categories=("a", "b", "c")))
    assert [words.place(text) for text in ("a", "b", "c", "d")] == [0.0, 0.5, 1.0, None]
    numbers = ParameterAxis(parameter=Parameter(name="x", kind=ParameterKind.DISCRETE, numbers=(1.0, 10.0, 500.0)))
    assert [numbers.place(text) for text in ("1", "10", "500", "7")] == [0.0, 0.5, 1.0, None]
    assert numbers.ticks(9) == [(0.0, "1"), (0.5, "10"), (1.0, "500")]


def test_axes_are_told_by_powers_or_by_round_numbers_between_their_ends():
    assert [text for _, text in number_axis(Scale.LOG).ticks(9)] == ["0.001", "0.01", "0.1"]
    assert [text for _, text in number_axis(None, 3, 17).ticks(9)] == ["3", "5", "10", "15", "17"]
    assert [text for _, text in number_axis(None, 5, 5).ticks(9)] == ["5"]
    assert round_numbers(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert powers(1e-12, 1.0) == [1e-12, 1e-9, 1e-6, 1e-3, 1.0]
    assert powers(2.0, 5.0) == [2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("minimum", "maximum", "scale", "told"),
    [
        (1, 3, None, ["1", "2", "3"]),
        (1, 2, None, ["1", "2"]),
        (5, 5, None, ["5"]),
        (2, 5, Scale.LOG, ["2", "3", "4", "5"]),
        (1, 1048576, Scale.LOG, ["1", "100", "10000", "1048576"]),
    ],
)
def test_whole_numbers_are_told_by_whole_numbers_in_full(minimum, maximum, scale, told):
    axis = ParameterAxis(
        parameter=Parameter(name="x", kind=ParameterKind.INTEGER, minimum=minimum, maximum=maximum, scale=scale)
    )
    assert [text for _, text in axis.ticks(9)] == told


def test_of_many_words_as_many_are_told_as_find_room():
    names = tuple(f"category {at}" for at in range(30))
    axis = ParameterAxis(parameter=Parameter(name="x", kind=ParameterKind.CATEGORICAL, categories=names))
    assert [text for _, text in axis.ticks(10)] == [names[at] for at in range(0, 30, 3)]
    assert [text for _, text in axis.ticks_across(36)] == [names[at] for at in (0, 10, 20)]
    few = ParameterAxis(parameter=replace(axis.parameter, categories=names[:6]))
    assert [text for _, text in few.ticks_across(36)] == list(names[:6])
    sizes = ParameterAxis(
        parameter=Parameter(name="x", kind=ParameterKind.DISCRETE, numbers=tuple(2.0**at for at in range(10, 22)))
    )
    assert [text for _, text in sizes.ticks_across(34)] == ["1024", "8192", "65536", "524288"]
    assert [text for _, text in number_axis(None, 0, 2**21).ticks_across(34)] == ["0", "2097152"]


def test_numbers_that_are_alike_to_six_digits_stay_apart(study):
    space = (Parameter(name="x", kind=ParameterKind.DISCRETE, numbers=(1048576.0, 1048577.0)),)
    report = study(0.2, 0.3, parameters=space)
    values = ("1048576", "1048577")
    trials = tuple(
        replace(trial, parameters={"x": value}) for trial, value in zip(report.study.trials, values, strict=True)
    )
    (row,) = study_plots(replace(report, study=replace(report.study, trials=trials)), [PlotKind.SLICES])[VEGA][
        "vconcat"
    ]
    (panel,) = row["concat"]
    assert sorted(value["is"] for value in panel["data"]["values"]) == list(values)
    assert panel["encoding"]["x"]["scale"]["domain"] == list(values)


def test_the_order_of_words_holds_those_that_are_not_told(study):
    names = [f"category {at}" for at in range(30)]
    space = (Parameter(name="x", kind=ParameterKind.CATEGORICAL, categories=tuple(names)),)
    report = study(0.2, 0.3, parameters=space)
    values = ("category 29", "gone")
    trials = tuple(
        replace(trial, parameters={"x": value}) for trial, value in zip(report.study.trials, values, strict=True)
    )
    (row,) = study_plots(replace(report, study=replace(report.study, trials=trials)), [PlotKind.SLICES])[VEGA][
        "vconcat"
    ]
    x = row["concat"][0]["encoding"]["x"]
    assert x["scale"]["domain"] == names
    assert x["axis"]["values"] == [names[0], names[15]]
    # What is not in the space has no place.
    assert [value["is"] for value in row["concat"][0]["data"]["values"]] == ["category 29"]


def test_the_title_leaves_room_for_the_signs(study):
    report = study(0.2, "early", "failed", "active", metric="val_root_mean_squared_error")
    shapes = ET.fromstring(chart_svg(only(report, PlotKind.HISTORY)))  # noqa: S314 - our own
    title = next(shape for shape in shapes.iter("text") if (shape.text or "").startswith("val_root"))
    signs = next(shape for shape in shapes.iter("text") if "stopped early" in (shape.text or ""))
    assert float(title.get("x")) + 7.4 * len(title.text) < float(signs.get("x")) - 6.2 * len(signs.text)
    assert "val_root_mean_squared_error by trial, and the best so far" in chart_svg(only(report, PlotKind.HISTORY))


def test_results_far_worse_than_the_rest_lie_beyond_the_axis():
    values = [-0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1e6]
    axis = result_axis(values, Goal.MINIMIZE)
    assert axis.is_beyond(1e6)
    assert axis.place(1e6) == 1.0
    # Of a study that maximizes it is the best, and is seen.
    assert not result_axis(values, Goal.MAXIMIZE).is_beyond(1e6)


def test_results_of_several_sizes_are_drawn_by_powers_of_ten():
    axis = result_axis([0.001, 0.1, 10.0, float("nan")], Goal.MINIMIZE)
    assert axis.is_log
    assert axis.place(0.1) == pytest.approx(0.5)
    assert [text for _, text in axis.ticks] == ["0.001", "0.01", "0.1", "1", "10"]


@pytest.mark.parametrize("values", [[], [0.0], [3.0, 3.0], [-2.0]])
def test_results_that_do_not_differ_lie_in_the_middle(values):
    axis = result_axis(values, Goal.MINIMIZE)
    assert [axis.place(value) for value in values] == [pytest.approx(0.5) for _ in values]
    assert ResultAxis(low=1.0, high=1.0).place(1.0) == 0.5


def test_the_history_has_results_and_the_best_so_far(study):
    chart = only(study(0.4, "failed", 0.5, 0.2, "early", "active", trials=10), PlotKind.HISTORY)
    assert isinstance(chart, History)
    assert chart.best == ((1, 0.4), (4, 0.2))
    assert (chart.failed, chart.last) == ((2,), 10)
    assert [(dot.number, dot.is_final, dot.is_early, dot.is_best) for dot in chart.dots] == [
        (1, True, False, False),
        (3, True, False, False),
        (5, True, True, False),
        (6, False, False, False),
        (4, True, False, True),
    ]
    assert chart.dots[0].told == "trial 1: val_loss 0.4000 · lr=0.00017 units=16 optimizer=sgd momentum=0.9 batch=64"
    assert "so far" in chart.dots[-2].told


def test_lines_across_all_parameters_end_with_the_best(study):
    chart = only(study(0.4, 0.2, 0.3, "failed"), PlotKind.PARALLEL)
    assert isinstance(chart, Parallel)
    assert [(line.number, line.rank) for line in chart.lines] == [(1, 1.0), (3, 0.5), (2, 0.0)]
    assert [axis.parameter.name for axis in chart.axes] == ["lr", "units", "optimizer", "momentum", "batch"]
    assert chart.lines[-1].values[2:4] == ("adam", None)


def test_slices_come_in_the_order_in_which_parameters_mattered(study):
    charts = charts_of(study(0.4, 0.2, importance={"units": 0.9, "lr": 0.1}), [PlotKind.SLICES])
    assert [chart.axis.parameter.name for chart in charts] == ["units", "lr", "optimizer", "momentum", "batch"]
    momentum = charts[3]
    assert isinstance(momentum, Slice)
    assert [value for value, _ in momentum.dots] == ["0.9"]


def test_of_many_parameters_those_are_drawn_that_mattered_most(study):
    space = tuple(Parameter(name=f"p{at}", kind=ParameterKind.DOUBLE, minimum=0.0, maximum=1.0) for at in range(30))
    report = study(0.4, 0.2, parameters=space, importance={"p29": 0.6, "p3": 0.4})
    chart = only(report, PlotKind.PARALLEL)
    assert [axis.parameter.name for axis in chart.axes] == [*(f"p{at}" for at in range(9)), "p29"]
    assert len(charts_of(report, [PlotKind.SLICES])) == 12


@pytest.mark.parametrize("trials", [(), ("failed",), ("waiting",)])
def test_without_a_result_nothing_is_drawn(study, trials):
    bundle = study_plots(study(*trials))
    assert bundle == {"text/plain": "No trial of flights has a result yet: there is nothing to draw."}


@pytest.mark.parametrize(
    ("trials", "kinds", "told"),
    [
        ((0.2, 0.3), "importance", ["importance needs 8 trials with a result; there are 2."]),
        ((0.2, "failed"), "parallel", ["parallel needs 2 trials with a result; there is 1."]),
        ([0.2] * 8, "importance", ["importance: no parameter seems to have mattered."]),
    ],
)
def test_why_a_chart_cannot_be_drawn_is_told(study, trials, kinds, told):
    assert study_plots(study(*trials), [PlotKind(kinds)])["text/plain"].split("\n") == told


def test_why_some_charts_are_missing_is_told_with_the_others(study):
    bundle = study_plots(study(0.2, "active"))
    told = [
        "importance needs 8 trials with a result; there is 1.",
        "parallel needs 2 trials with a result; there is 1.",
    ]
    assert bundle["text/plain"].split("\n")[-2:] == told
    assert bundle[VEGA]["title"]["text"] == told
    texts = [element.text for element in ET.fromstring(bundle["image/svg+xml"]).iter(f"{SVG}text")]  # noqa: S314 - our own
    assert texts[-2:] == told
    assert study_plots(study("active"), [PlotKind.HISTORY, PlotKind.SLICES])["text/plain"].endswith(
        "slices needs 1 trial with a result; there are none."
    )


def test_what_importance_needs_is_told_where_it_is_missing(study, monkeypatch):
    monkeypatch.setattr("mlmagic.tuning.libraries.find_spec", lambda name: None if name == "threadpoolctl" else name)
    bundle = study_plots(study(*[0.2] * 8), [PlotKind.IMPORTANCE])
    assert bundle["text/plain"] == 'importance needs threadpoolctl: pip install "mlmagic[tune]".'


def test_one_result_is_drawn_alone(study):
    assert [type(chart) for chart in charts_of(study(0.2))] == [History, *[Slice] * 5]
    assert charts_of(study(0.2), [PlotKind.PARALLEL, PlotKind.IMPORTANCE]) == []


def test_charts_are_a_picture_and_a_specification(study):
    bundle = study_plots(study(0.4, 0.2, "failed", 0.3, "early", "active", importance=IMPORTANCE))
    spec = json.loads(json.dumps(bundle[VEGA], allow_nan=False))
    titles = ["val_loss by trial, and the best so far", "What mattered", "Parameters and val_loss of all trials",
              *(f"val_loss by {name}" for name in IMPORTANCE)]  # fmt: skip
    first, wide, slices = spec["vconcat"]
    assert [panel["title"]["text"] for panel in [*first["hconcat"], wide, *slices["concat"]]] == titles
    assert bundle["text/plain"] == "\n".join(["Charts:", *(f"  {title}" for title in titles)])
    assert "title" not in spec
    texts = {element.text for element in ET.fromstring(bundle["image/svg+xml"]).iter(f"{SVG}text")}  # noqa: S314 - our own
    assert {"lr", "0.0001", "sgd", "trial", "val_loss", "70%"} <= texts


def test_some_kinds_can_be_drawn_alone(study):
    bundle = study_plots(study(0.4, 0.2, importance=IMPORTANCE), [PlotKind.IMPORTANCE])
    (row,) = bundle[VEGA]["vconcat"]
    assert [panel["title"]["text"] for panel in row["hconcat"]] == ["What mattered"]
    assert [type(chart) for chart in charts_of(study(0.4, importance=IMPORTANCE), [PlotKind.IMPORTANCE])] == [
        Importance
    ]


def test_names_of_the_user_stand_in_no_expression(study):
    name = "'x' + \"y\" <&>"
    space = (Parameter(name=name, kind=ParameterKind.CATEGORICAL, categories=(name, "b")),)
    report = study(0.4, 0.2, parameters=space, metric=name, importance={name: 1.0})
    trials = tuple(replace(trial, parameters={name: name}) for trial in report.study.trials)
    report = replace(report, study=replace(report.study, trials=trials))
    bundle = study_plots(report)
    assert set(expressions(bundle[VEGA])) <= {
        "slice(datum.label, indexof(datum.label, ':') + 1)",
        "datum.rank == 1",
        *(
            "x",
            "y",
            "trial",
            "result",
            "kind",
            "told",
            "is",
            "axis",
            "at",
            "rank",
            "text",
            "share",
            "name",
            "low",
            "high",
        ),
    }
    ET.fromstring(bundle["image/svg+xml"])  # noqa: S314 - our own


def expressions(spec):
    """Find what Vega reads as an expression or as the name of a field."""
    if isinstance(spec, list):
        return [found for each in spec for found in expressions(each)]
    if not isinstance(spec, dict):
        return []
    own = [spec[key] for key in ("labelExpr", "test", "field") if key in spec]
    return own + [found for key, value in spec.items() if key != "values" for found in expressions(value)]


def test_a_chart_of_two_hundred_trials_is_small(study):
    report = study(*[0.1 + number / 1000 for number in range(200)])
    assert all(len(chart_svg(chart)) < 80_000 for chart in charts_of(report))
    assert len(charts_picture(charts_of(report))) < 400_000


def test_what_lies_beyond_points_to_where_it_would_lie(study):
    chart = only(study(*[-0.1 * number for number in range(9)], 1e6), PlotKind.HISTORY)
    beyond = [shape for shape in ET.fromstring(chart_svg(chart)).iter("path") if shape.get("d", "").endswith("z")]  # noqa: S314 - our own
    assert len(beyond) == 1
    assert "trial 10" in beyond[0][0].text


def test_layers_on_one_axis_agree_whether_it_is_there(study):
    (panel,) = study_plots(study(0.4, 0.2), [PlotKind.PARALLEL])[VEGA]["vconcat"]
    assert [layer["encoding"]["y"]["axis"] for layer in panel["layer"]] == [None] * 3
