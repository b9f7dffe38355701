from __future__ import annotations

import dataclasses

import pytest

from mlmagic.panels import model_bundle, model_diff_bundle, models_bundle, version_bundle
from mlmagic.panels.models import main_metrics
from mlmagic.panels.signature import signature_text, tensor_text
from mlmagic.panels.sizes import size_text
from mlmagic.spec.model import Model, ModelOrigin, ModelSummary, Signature, TensorSpec
from mlmagic.spec.model_report import (
    ModelDiff,
    ModelPage,
    OutputDifference,
    PredictionDifference,
    RowDifference,
    VersionPage,
)
from mlmagic.spec.report import Difference, FileDifference

HTML, TEXT = "text/html", "text/plain"


@pytest.fixture
def page(model, versions):
    """Make a model's page."""
    return lambda **fields: ModelPage(**{"model": model, "count": 2, "versions": tuple(versions), **fields})


def with_metrics(version, **metrics):
    return dataclasses.replace(version, origin=dataclasses.replace(version.origin, metrics=metrics))


def test_the_list(model, versions, now):
    boats = ModelSummary(
        model=Model(name="boats", create_time=now), versions=1, latest=versions[0], default=None, endpoints=()
    )
    taxi = ModelSummary(model=model, versions=2, latest=versions[1], default=versions[0])
    bundle = models_bundle([taxi, boats], now=now)
    assert [line.split() for line in bundle[TEXT].split("\n")] == [
        ["MODEL", "DEFAULT", "LATEST", "VERSIONS", "CHANGED"],
        ["taxi", "taxi@1", "taxi@2", "2", "1", "h", "ago"],
        ["boats", "—", "taxi@1", "1", "2", "h", "ago"],
    ]
    assert "<strong>taxi</strong>" in bundle[HTML]


def test_the_list_tells_of_metrics_and_endpoints_where_there_are_some(model, versions, now):
    latest = with_metrics(versions[1], loss=2.0, val_mae=1.25)
    taxi = ModelSummary(model=model, versions=2, latest=latest, default=versions[0], endpoints=("web", "app"))
    bundle = models_bundle([taxi], now=now)
    assert "val_mae 1.250  web, app" in bundle[TEXT]
    assert "Metric of latest" in bundle[HTML]


def test_an_empty_list_says_what_to_do():
    bundle = models_bundle([])
    assert bundle[TEXT] == "No models yet. A job that writes one makes it: %%train NAME."
    assert "%%train NAME" in bundle[HTML]


def test_the_page(page, now):
    assert model_bundle(page(), now=now)[TEXT] == (
        "taxi\n\n"
        "VERSION  ALIASES            MADE     BY JOB\n"
        "taxi@2                      1 h ago  taxi-20261121-092800-ab12\n"
        "taxi@1   default, champion  2 h ago  taxi-20261121-092800-ab12\n\n"
        "Signature of taxi@1\n"
        "         NAME      TYPE\n"
        "takes    distance  float32 (n, 28, ?)\n"
        "returns  delay     float32 (n, 1)\n\n"
        "Next: %predict taxi $data   %models diff taxi@1 taxi@2\n"
        "      %models set-default taxi@2"
    )


def test_the_page_in_html(page, now):
    bundle = model_bundle(page(), now=now)
    for text in ("default @1", "champion", "float32 (n, 28, ?)", "2 versions"):
        assert text in bundle[HTML]
    assert len(bundle["application/vnd.mlmagic.model+json"]["versions"]) == 2


def test_the_page_marks_the_best_and_what_is_served(page, versions, now):
    told = tuple(with_metrics(version, val_mae=2.0 / version.number) for version in versions)
    bundle = model_bundle(page(versions=told, count=60, deployed={"taxi@2": ("web",)}), now=now)
    assert "★ 1  web" in bundle[TEXT]
    assert "and 58 older versions" in bundle[TEXT]
    assert "★ 1</strong>" in bundle[HTML]


def test_what_was_imported_says_so(page, versions, now):
    imported = dataclasses.replace(versions[1], origin=ModelOrigin(source="/models/houses.onnx", artifact="onnx"))
    assert "imported from houses.onnx" in model_bundle(page(versions=(imported,)), now=now)[TEXT]
    text = version_bundle(VersionPage(version=imported, default=1, onnx="yes"), now=now)[TEXT]
    assert "Imported from  /models/houses.onnx" in text
    assert "Artifact       ONNX file of tensorflow" in text


def test_a_version_without_a_signature(page, versions, now):
    bare = type(versions[0])(model="taxi", number=1, create_time=now)
    assert "taxi@1 has no signature that could be read." in model_bundle(page(versions=(bare,)), now=now)[HTML]
    assert signature_text(bare) == []


def test_a_wide_signature_is_cut():
    inputs = tuple(TensorSpec(name=f"c{i}", dtype="float32", shape=(None,), optional=i == 0) for i in range(70))
    version = type("V", (), {"signature": Signature(inputs=inputs), "__str__": lambda _: "taxi@1"})()
    lines = signature_text(version)
    assert lines[-1] == "Of 70 inputs and 0 outputs, the first 60 are shown."
    assert tensor_text(inputs[0]) == "float32 (n), may be missing"
    odds = TensorSpec(name="odds", dtype="float32", shape=(None, 6), labels=tuple("abcdef"))
    assert tensor_text(odds) == "float32 (n, 6) of a, b, c, d, e, …"


def test_the_page_of_a_version(versions, now):
    version = with_metrics(versions[1], loss=2.0, val_mae=1.25)
    page = VersionPage(
        version=version, aliases=("champion",), default=1, endpoints=("web",), is_job_gone=True, path="/w/models/taxi/2"
    )
    bundle = version_bundle(page, now=now)
    assert bundle[TEXT].startswith("taxi@2 (champion), 40 KiB, 1 h ago\n\n")
    for text in ("taxi-20261121-092800-ab12 (deleted)", "SavedModel of tensorflow", "Metrics: val_mae 1.250 · loss 2"):
        assert text in bundle[TEXT]
    assert "%deploy taxi@2" in bundle[HTML]
    assert bundle["application/vnd.mlmagic.modelversion+json"]["endpoints"] == ["web"]


def test_metrics_of_held_back_data_come_first():
    assert main_metrics({"loss": 1, "mae": 1, "val_loss": 1, "val_odd": 1, "val_mae": 1}, 4) == [
        "val_mae",
        "val_loss",
        "val_odd",
        "mae",
    ]


@pytest.fixture
def diff():
    """Make a diff of two versions."""
    return lambda **fields: ModelDiff(**{"first": "taxi@1", "second": "taxi@2", **fields})


def test_a_diff(diff):
    found = diff(
        metrics=(Difference(key="val_mae", first="2.000", second="1.000"),),
        flags=(Difference(key="epochs", first="1", second="5"),),
        code=(FileDifference(name="trainer/model.py", text="@@ -1 +1 @@\n-a\n+b\n"),),
    )
    text = model_diff_bundle(found)[TEXT]
    assert text.startswith("- taxi@1\n+ taxi@2\nThe same: signature and origin.\n")
    assert "val_mae  2.000  ★ 1.000" in text
    assert "trainer/model.py" in text
    assert "+1 -1" in model_diff_bundle(found)[HTML]


def test_a_diff_of_predictions(diff):
    output = OutputDifference(name="prediction", first=1.0, second=2.0, mean=1.0, largest=5.0, changed=0.125)
    row = RowDifference(row="7", first="1.0", second="6.0", values={"distance": "3.1"})
    predictions = PredictionDifference(source="the test split of rides@1", rows=1000, outputs=(output,), largest=(row,))
    bundle = model_diff_bundle(diff(predictions=predictions))
    assert "Predictions for 1,000 rows of the test split of rides@1" in bundle[TEXT]
    assert "12.5%" in bundle[TEXT]
    assert "distance=3.1" in bundle[TEXT]
    assert "Row that differs most" in bundle[HTML]


def test_a_diff_where_all_answers_are_alike(diff):
    output = OutputDifference(name="prediction", first=1.0, second=1.0, mean=0.0, largest=0.0)
    predictions = PredictionDifference(source="the given data", rows=1, outputs=(output,))
    assert "They answer all rows alike." in model_diff_bundle(diff(predictions=predictions))[TEXT]
    none = PredictionDifference(source="the given data", rows=1)
    assert "They have no output in common." in model_diff_bundle(diff(predictions=none))[HTML]


def test_a_diff_says_what_is_missing_or_the_same(diff):
    note, silence = "taxi@2 came without its code.", "Predictions were not compared: no rows."
    bundle = model_diff_bundle(diff(code_note=note, silence=silence))
    assert note in bundle[TEXT]
    assert silence in bundle[HTML]
    assert "It is one and the same version." in model_diff_bundle(diff(second="taxi@1"))[TEXT]


@pytest.mark.parametrize(("size", "text"), [(5, "5 B"), (1536, "1.5 KiB"), (20_480, "20 KiB"), (3 << 40, "3.0 TiB")])
def test_sizes(size, text):
    assert size_text(size) == text
