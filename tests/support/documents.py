"""The Markdown documents of the repository: their sections, code blocks, tables and links."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    """Return the text of a document, named from the root of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(text: str, title: str) -> str:
    """Return the text below a heading of the second level."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """Return the rows of the text's table. A bar inside a cell is escaped."""
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [
        [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        for row in rows
    ]


def links(text: str) -> list[str]:
    """Return the targets of links and images that lead to other files of the repository."""
    return re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
