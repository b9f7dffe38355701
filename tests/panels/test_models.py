from __future__ import annotations

import pytest

from mlmagic.panels import model_bundle, models_bundle
from mlmagic.panels.sizes import size_text
from mlmagic.spec.model import Model

HTML, TEXT = "text/html", "text/plain"


def test_the_list(model, versions, now):
    empty = Model(name="boats", create_time=now)
    bundle = models_bundle([(model, versions), (empty, ())], now=now)
    assert [line.split() for line in bundle[TEXT].split("\n")] == [
        ["MODEL", "DEFAULT", "LATEST", "VERSIONS", "CHANGED"],
        ["taxi", "taxi@1", "taxi@2", "2", "1", "h", "ago"],
        ["boats", "—", "—", "0", "just", "now"],
    ]
    assert "<strong>taxi</strong>" in bundle[HTML]


def test_an_empty_list_says_what_to_do():
    bundle = models_bundle([])
    assert bundle[TEXT] == "No models yet. A job that writes one makes it: %%train NAME."
    assert "%%train NAME" in bundle[HTML]


def test_the_page(model, versions, now):
    assert model_bundle(model, versions, now=now)[TEXT] == (
        "taxi\n\n"
        "VERSION  ALIASES            MADE     BY JOB                     SIZE\n"
        "taxi@2                      1 h ago  taxi-20261121-092800-ab12  40 KiB\n"
        "taxi@1   default, champion  2 h ago  taxi-20261121-092800-ab12  20 KiB\n\n"
        "Signature of taxi@1\n"
        "         NAME      TYPE\n"
        "takes    distance  float32 (n, 28, ?)\n"
        "returns  delay     float32 (n, 1)\n\n"
        "Next: %predict taxi $data   %models set-default taxi@2"
    )


def test_the_page_in_html(model, versions, now):
    bundle = model_bundle(model, versions, now=now)
    for text in ("default @1", "champion", "float32 (n, 28, ?)", "2 versions"):
        assert text in bundle[HTML]
    assert len(bundle["application/vnd.mlmagic.model+json"]["versions"]) == 2


def test_a_model_without_version_or_signature(model, versions, now):
    assert model_bundle(model, [], now=now)[TEXT] == "taxi: no version yet.\nNext: %jobs"
    assert "It has no version yet." in model_bundle(model, [], now=now)[HTML]
    bare = type(versions[0])(model="taxi", number=1, create_time=now)
    assert "taxi@1 has no signature that could be read." in model_bundle(model, [bare], now=now)[HTML]


@pytest.mark.parametrize(("size", "text"), [(5, "5 B"), (1536, "1.5 KiB"), (20_480, "20 KiB"), (3 << 40, "3.0 TiB")])
def test_sizes(size, text):
    assert size_text(size) == text
