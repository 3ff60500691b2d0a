"""The text that commands print: one line for each member, or for each document of a list."""

from collections.abc import Iterable, Mapping
from typing import Any

Document = Mapping[str, Any]
#: Heading → name of the member.
Columns = Mapping[str, str]


def escaped(text: str) -> str:
    """Return the text on one line, its unprintable characters escaped.

    Clients choose names, and a terminal acts on control characters in them.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def encodable(text: str, encoding: str | None) -> str:
    """Return the text with escapes for the characters that the encoding does not have."""
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def members(document: Document) -> str:
    """Return a line for each member of the document."""
    width = max(map(len, document))
    return "\n".join(f"{name:<{width}}  {_value(value)}" for name, value in document.items())


def table(documents: Iterable[Document], columns: Columns, *, heading: bool) -> str:
    """Return a line for each document, in aligned columns. Text of any width comes last."""
    rows = [[_cell(document[name]) for name in columns.values()] for document in documents]
    lines = [list(columns), *rows] if heading and rows else rows
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def short_moment(moment: str | None) -> str | None:
    """Return a moment of a document without its seconds."""
    return moment and f"{moment[:16]}Z"


def _cell(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else _value(value)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_value, value)) or "-"
    if isinstance(value, dict):
        items = (f"{escaped(name)}: {_item(item)}" for name, item in value.items())
        return "; ".join(items) or "-"
    return "-" if value in (None, "") else escaped(str(value))


def _item(item: Any) -> str:
    """Return a change, which is a list of the value before and after, or another item."""
    return " → ".join(map(_value, item)) if isinstance(item, list) else _value(item)
