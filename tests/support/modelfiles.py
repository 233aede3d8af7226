"""Modelfiles read as Ollama reads them, after what its ``parser/parser.go`` does."""

from __future__ import annotations


def read_modelfile(text: str) -> list[tuple[str, str]]:
    """Return the commands of a Modelfile with their arguments, in order.

    A command ends at a line's end, unless a quote is open; a quote is closed where the text so
    far, without white space around, ends with what it began with. Characters that are not
    printable are lost, but for white space inside of quotes.
    """
    found: list[tuple[str, str]] = []
    lines = text.splitlines(keepends=True)
    while lines:
        line = lines.pop(0)
        if not line.strip() or line.startswith("#"):
            continue
        name, _, value = line.partition(" ")
        if name.upper() == "PARAMETER":
            name, _, value = value.partition(" ")
        while _open(value) and lines:
            value += lines.pop(0)
        assert not _open(value), f"a quote is never closed: {value!r}"
        found.append((name.lower(), _unquoted("".join(filter(_kept, value)).strip())))
    return found


def _kept(character: str) -> bool:
    return character.isprintable() or character in "\n\t\r"


def _open(value: str) -> bool:
    value = value.strip()
    for quote in ('"""', '"'):
        if value.startswith(quote):
            return len(value) < 2 * len(quote) or not value.endswith(quote)
    return False


def _unquoted(value: str) -> str:
    for quote in ('"""', '"'):
        if value.startswith(quote):
            return value[len(quote) : -len(quote)]
    return value
