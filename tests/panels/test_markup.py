from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlmagic.panels.markup import Html, element, escape, join


def test_content_is_escaped_and_markup_is_not():
    assert element("p", "a < b", element("b", "&")) == "<p>a &lt; b<b>&amp;</b></p>"
    assert isinstance(element("p"), Html)


def test_attributes():
    assert element("td", class_="x", data_id='"1"', hidden=True, title=None) == (
        '<td class="x" data-id="&quot;1&quot;" hidden></td>'
    )
    assert element("hr", style={"color": "red", "margin": "0"}) == '<hr style="color:red;margin:0">'


def test_joining_leaves_out_what_is_none():
    assert join(["a", None, "<"], "&") == "a&amp;&lt;"


@given(st.text())
def test_no_text_becomes_markup(text):
    assert not set("<>\"'") & set(escape(text))
    assert escape(escape(text)) == escape(text)
