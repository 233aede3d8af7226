"""What checks found in an example, in words and as marks in its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Literal

from textual.content import Content

from engine.models import FLAG_KINDS, Card, Flag, FlagKind
from engine.text import inert
from tui.widgets.textpane import Block, text
from tui.widgets.words import bar, fit, marked_pieces, one_line, plain, without_tabs

Severity = Literal["severe", "warning", "note"]

SEVERITY: Mapping[FlagKind, Severity] = {
    "secret": "severe",
    "personal": "warning",
    "safety": "severe",
    "duplicate": "warning",
    "quality": "warning",
    "app-text": "warning",
    "length": "note",
    "language": "note",
}

SEVERITY_SIGNS: Mapping[Severity, str] = {"severe": "!!", "warning": "!", "note": "·"}

_WORD_STYLE: Mapping[Severity, str] = {
    "severe": "bold $text-error",
    "warning": "$text-warning",
    "note": "$text-muted",
}
# Shown by more than colour: each level has a line of its own under the text.
_MARK_STYLE: Mapping[Severity, str] = {
    "severe": "bold reverse $text-error",
    "warning": "underline $text-warning",
    "note": "italic underline",
}
_RANK: Mapping[FlagKind, int] = {kind: rank for rank, kind in enumerate(FLAG_KINDS)}

_CODE_LABELS = {"email": "e-mail", "jwt": "JSON web token", "iban": "IBAN", "cnp": "CNP"}

MOST_MARKS = 400
"""Flags of a turn that are marked in it; with more, nobody reads the marks."""

EXCERPT = 60
"""Characters of an excerpt on each side of what it is about."""


def code_label(code: str) -> str:
    """Return what a flag's code is called on the screen."""
    return _CODE_LABELS.get(code, one_line(code.replace("-", " ").replace("_", " ")))


def by_severity(flags: Iterable[Flag]) -> list[Flag]:
    """Return flags with those that matter most first, then as they stand in the text."""
    return sorted(flags, key=lambda flag: (_RANK[flag.kind], flag.turn, flag.start))


def flag_style(flag: Flag) -> str:
    """Return the style that a flag is written in."""
    return _WORD_STYLE[SEVERITY[flag.kind]]


def flags_mark(card: Card) -> tuple[str, str]:
    """Return a card's flags in two words and their style: ``!! 3 flags``, ``not checked``."""
    if card.flags:
        worst = min((SEVERITY[flag.kind] for flag in card.flags), key=list(_WORD_STYLE).index)
        count = len(card.flags)
        words = f"{SEVERITY_SIGNS[worst]} {count:,} flag{'s' * (count > 1)}"
        return words, _WORD_STYLE[worst]
    return "no flags" if card.checked else "not checked", "$text-muted"


# -- marks in the text ------------------------------------------------------------------


def marked_text(content: str, flags: Iterable[Flag]) -> Content:
    """Return a turn's text, inert, with what flags point at marked.

    Where flags overlap the most severe decides; what lies outside the text is left out.

    Args:
        content: The text, or its beginning.
        flags: The flags of this turn; those about the whole turn mark nothing.
    """
    spans = [
        (max(flag.start, 0), min(flag.end, len(content)), _RANK[flag.kind], flag.kind)
        for flag in flags
    ][:MOST_MARKS]
    spans = [span for span in spans if span[0] < span[1]]
    if not spans:
        return plain(content)
    ends = {at for span in spans for at in span[:2]}
    edges = sorted({0, len(content), *(_beside_hidden(content, at) for at in ends)})
    pieces: list[tuple[str, str]] = []
    for start, end in pairwise(edges):
        over = [span for span in spans if span[0] <= start < span[1]]
        kind = min(over, key=lambda span: span[2])[3] if over else None
        style = _MARK_STYLE[SEVERITY[kind]] if kind else ""
        pieces += marked_pieces(content[start:end], style)
    return Content.assemble(*without_tabs(pieces))


def _beside_hidden(content: str, at: int) -> int:
    """Return the next place that parts no hidden character from what stands beside it.

    How one is shown, and whether at all, depends on its neighbours.
    """
    if content.isascii():  # controls are shown each for itself
        return at
    from engine.invisible import hidden

    while 0 < at < len(content) and (hidden(content[at - 1]) or hidden(content[at])):
        at += 1
    return at


# -- why --------------------------------------------------------------------------------


def masked(secret: str) -> str:
    """Return a secret with only its first two and last two characters."""
    if len(secret) <= 8:
        return "•" * len(secret)
    return secret[:2] + "•" * (len(secret) - 4) + secret[-2:]


def excerpt(content: str, flag: Flag, flags: Iterable[Flag]) -> Content:
    """Return the text around what a flag points at, on one line, secrets masked.

    Args:
        content: The turn's text.
        flag: The flag.
        flags: All flags of the turn: any secret that shows is masked.
    """
    shown = list(content)
    for other in flags:
        if other.kind == "secret":
            start, end = max(other.start, 0), min(other.end, len(content))
            if start < end:
                shown[start:end] = masked(content[start:end])
    start, end = max(0, min(flag.start, len(shown))), max(0, min(flag.end, len(shown)))
    if start >= end:
        begin = _flat("".join(shown[: 2 * EXCERPT]))
        return Content.assemble((begin + ("…" if len(shown) > 2 * EXCERPT else ""), ""))
    before = ("…" if start > EXCERPT else "") + _flat(
        "".join(shown[max(0, start - EXCERPT) : start])
    )
    after = _flat("".join(shown[end : end + EXCERPT])) + ("…" if end + EXCERPT < len(shown) else "")
    middle = _flat("".join(shown[start:end]))
    if len(middle) > 4 * EXCERPT:
        middle = f"{middle[: 2 * EXCERPT]} … {middle[-2 * EXCERPT :]}"
    return Content.assemble(before, (middle, _MARK_STYLE[SEVERITY[flag.kind]]), after)


def _flat(piece: str) -> str:
    return re.sub(r"\s+", " ", inert(piece))


def why_blocks(card: Card, flag: Flag) -> list[Block]:
    """Return what is known of a flag: where it is, why, and the text around it."""
    severity = SEVERITY_SIGNS[SEVERITY[flag.kind]]
    head = Content.assemble(
        (f"{severity} {flag.kind} · {code_label(flag.code)}", flag_style(flag)),
        (f" · score {flag.score:.2f} · {where_words(card, flag)}", "$text-muted"),
    )
    blocks = [Block(head), Block(Content(one_line(flag.reason)), indent=2)]
    if 0 <= flag.turn < len(card.turns):
        same = [other for other in card.flags if other.turn == flag.turn]
        shown = excerpt(card.turns[flag.turn].content, flag, same)
        blocks.append(Block(shown, indent=2))
    return blocks


def where_words(card: Card, flag: Flag) -> str:
    """Return where a flag is: ``turn 2, assistant``, ``title``, ``column author``."""
    if flag.place:
        return one_line(flag.place)
    if not 0 <= flag.turn < len(card.turns):
        return "the whole example"
    return f"turn {flag.turn + 1}, {card.turns[flag.turn].role}"


def measure_blocks(measures: Mapping[str, float | str], *, width: int = 20) -> list[Block]:
    """Return what was measured; shares from 0 to 1 of the quality as bars."""
    blocks: list[Block] = []
    for name, value in measures.items():
        whole, _, part = name.partition(".")
        # The parts of a measure stand under it.
        label = f"  {one_line(part)}" if part and whole in measures else one_line(name)
        if whole == "quality" and isinstance(value, int | float):
            parts = [(fit(label, 20), "$text-muted"), (f"{value:5.2f} ▕", "")]
            parts += [(bar(value, 1.0, width), "$primary"), ("▏", "")]
            blocks.append(Block(Content.assemble(*parts)))
        elif value != "":
            number = isinstance(value, int | float)
            shown = f"{value:,g}" if number else one_line(str(value))
            blocks.append(Block(Content.assemble((fit(label, 20), "$text-muted"), f"{shown:>5}")))
    return blocks


def flag_heading(words: str) -> Block:
    """Return a heading between findings."""
    return Block(text(words, "bold $text-primary"))
