"""A small HTML builder: whatever is not markup already is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_VOID = frozenset({"br", "col", "hr"})
# Control characters say nothing in HTML; line ends and tabs do, in a <pre>.
_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_ESCAPES = _CONTROLS | {
    ord(c): f"&{name};" for c, name in zip("&<>\"'", ("amp", "lt", "gt", "quot", "#x27"), strict=True)
}


class Html(str):
    """Text that is markup. Only this module makes it; a plain `str` is content, whoever wrote it."""

    __slots__ = ()


def escape(text: str) -> Html:
    """Return the text as markup that shows it."""
    return text if isinstance(text, Html) else Html(text.translate(_ESCAPES))


def join(parts: Iterable[str | None], separator: str = "") -> Html:
    """Return the parts one after the other, without those that are None."""
    return Html(escape(separator).join(escape(part) for part in parts if part is not None))


def element(
    tag: str, *children: str | None, style: str | Mapping[str, str] | None = None, **attributes: str | bool | None
) -> Html:
    """Return an element. Attributes that are None or False are left out; `class_` means `class`."""
    if style:
        attributes = {"style": style if isinstance(style, str) else css(style), **attributes}
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(children)}</{tag}>")


def css(style: Mapping[str, str]) -> str:
    """Return declarations as the text of a style attribute."""
    return ";".join(f"{name}:{value}" for name, value in style.items())


def _attribute(name: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(value)}"'
