"""Code in a text that an app wrote: where it stands, and how a document becomes some."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from engine.appforms import CODE


def as_block(content: str, *types: str) -> str:
    """Return a document as it stands in an answer: code in a fence, other text as it is.

    Args:
        content: The document.
        types: What its app says that it is: ``code/python``, ``application/vnd.ant.code``
            and the language, ``text/markdown``.
    """
    language = ""
    for name in types:
        last = name.rpartition("/")[2].removeprefix("x-").lower()
        if last in ("markdown", "plain", "document", "text", "md", ""):
            continue
        if last.startswith("vnd.ant."):
            language = language or {"vnd.ant.react": "jsx", "vnd.ant.mermaid": "mermaid"}.get(
                last, language
            )
            code = last in ("vnd.ant.code", "vnd.ant.react", "vnd.ant.mermaid")
            language = language or ("text" if code else "")
        else:
            language = "svg" if last == "svg+xml" else last
    if not language:
        return content
    fence = "```"
    while fence in content:
        fence += "`"
    return f"{fence}{'' if language == 'text' else language}\n{content}\n{fence}"


@lru_cache(maxsize=2)
def _code_spans(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(found.span() for found in CODE.finditer(text))


def within(place: int, code: list[tuple[int, int]]) -> bool:
    """Say whether a place of a text is in its code."""
    at = bisect_right(code, place, key=lambda span: span[0]) - 1
    return at >= 0 and place < code[at][1]


def code_in(text: str) -> list[tuple[int, int]]:
    """Return where the code of a text begins and ends: its blocks and spans."""
    return list(_code_spans(text)) if "`" in text or "~~~" in text else []
