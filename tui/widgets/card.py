"""The card: one example with its turns, where it comes from, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from engine.models import Card, Flag, Role, Turn, short_id
from tui.bridge.curation import other_answers
from tui.widgets.flags import flags_block, marked_text
from tui.widgets.queue import STATE_STYLE
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import EDITED, ORIGIN_SIGNS, SIGNS, counted, kind_label, one_line

LONGEST = 20_000
"""Characters of a turn that are shown; nobody reads further on a card."""

_ROLE_STYLE = {
    "system": "bold $text-secondary",
    "user": "bold $text-primary",
    "assistant": "bold $text-success",
    "tool": "bold $text-secondary",
}
_COLOURS = {"success": "$text-success", "error": "$text-error", "accent": "$text-accent"}


def role_block(role: Role, right: Content | None = None) -> Block:
    """Return the line above a turn's text."""
    return Block(text(role, _ROLE_STYLE[role]), right=right)


def turn_blocks(
    turns: Sequence[Turn], tokens: Sequence[int] = (), flags: Sequence[Flag] = ()
) -> list[Block]:
    """Return turns as blocks: the role, the tokens at the right, the text with its flags marked."""
    blocks: list[Block] = []
    for index, turn in enumerate(turns):
        right = None
        if index < len(tokens):
            right = text(counted(tokens[index], "token"), "$text-muted")
        blocks.append(role_block(turn.role, right))
        shown = turn.content[:LONGEST].rstrip("\n")
        here = [flag for flag in flags if flag.turn == index]
        blocks.append(Block(marked_text(shown, here), indent=2))
        if len(turn.content) > LONGEST:
            more = f"… {len(turn.content) - LONGEST:,} more characters"
            blocks.append(Block(text(more, "$text-muted italic"), indent=2))
        blocks.append(BLANK)
    return blocks


def state_words(card: Card) -> Content:
    """Return a card's state with sign and colour: ``✓ approved ~ edited``."""
    style = _COLOURS.get(STATE_STYLE[card.state], "$text-muted")
    edited = f"  {EDITED} edited" if card.edited else ""
    return Content.assemble((f"{SIGNS[card.state]} {card.state}", f"bold {style}"), (edited, style))


def provenance_words(card: Card) -> str:
    """Return where a card comes from: path and lines, heading, tags, date."""
    where = card.example.provenance
    lines = ""
    if where.start_line:
        lines = f":{where.start_line}"
        if where.end_line > where.start_line:
            lines += f"-{where.end_line}"
    parts = [where.path + lines, where.heading, " ".join(f"#{tag}" for tag in where.tags)]
    if where.date and where.date not in where.path:
        parts.append(where.date)
    return " · ".join(one_line(part) for part in parts if part)


def version_blocks(card: Card) -> list[Block]:
    """Return in words what became of an example in its source, and what it follows."""
    words = ""
    if card.origin == "changed":
        words = "it changed in its source since you decided; v shows both versions"
    elif card.origin == "gone":
        words = "it is gone from its source; what you decided stays"
    elif card.example.follows:
        older = short_id(card.example.follows)
        words = f"a new version of {older}, which you decided on; v shows both"
    sign = ORIGIN_SIGNS[card.origin] if card.origin else ORIGIN_SIGNS["changed"]
    return [Block(text(f"{sign} {words}", "$text-warning"))] if words else []


def card_label(card: Card) -> str:
    """Return what a card is called on a line: its heading, or how its question begins."""
    where = card.example.provenance
    first = next((turn.content for turn in card.turns if turn.role == "user"), "")
    label = one_line(where.heading or where.title or first[:400])
    return label if len(label) <= 60 else label[:59] + "…"


class CardPane(TextPane):
    """Shows a card, or what to do when there is none."""

    def show_card(
        self, card: Card, *, tokens: Sequence[int] = (), draft: bool = False, top: bool = True
    ) -> None:
        """Show a card.

        Args:
            card: The example.
            tokens: The tokens of each turn, if they are known.
            draft: Whether an edit was begun and not saved.
            top: Scroll to the beginning.
        """
        example = card.example
        why = f"{kind_label(example.kind)} · score {example.score:.2f}"
        if example.reason:
            why += f" · {one_line(example.reason)}"
        blocks = [
            Block(state_words(card), right=text(short_id(example.id), "$text-muted")),
            Block(text(provenance_words(card), "$text-muted")),
            Block(text(why, "$text-muted")),
            *version_blocks(card),
            # Above the text: below a long one nobody would see it.
            flags_block(card),
            BLANK,
            *turn_blocks(card.turns, tokens, card.flags),
        ]
        if answers := len(other_answers(card)):
            words = f"── {counted(answers, 'other answer')} · o shows, and takes one instead"
            blocks.append(Block(text(words, "$text-muted")))
        if draft:
            words = "~ an edit was begun and is kept; e goes on with it"
            blocks.append(Block(text(words, "$text-warning")))
        self.show(blocks, top=top)

    def show_words(self, *lines: str) -> None:
        """Show lines of finetui's own, for a queue that is empty."""
        self.show([Block(text(line, "" if index else "bold")) for index, line in enumerate(lines)])
