"""The card: one example with its turns, where it comes from, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from engine.curate import other_answers
from engine.models import Card, Flag, Role, Turn, short_id
from tui.widgets.conflict import conflict_blocks, edited_block
from tui.widgets.flags import flags_mark, marked_text
from tui.widgets.queue import STATE_STYLE
from tui.widgets.textpane import BLANK, Block, TextPane, text
from tui.widgets.words import EDITED, ORIGIN_SIGNS, SIGNS, counted, fit, kind_label, one_line

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


def card_head(card: Card, *, draft: bool = False) -> Block:
    """Return a card's one line above its text, cut for any width.

    On the left its state and place, which may be cut; on the right what a decision hangs on:
    the kind, whether it was edited or changed in its source, how many flags it has.
    """
    style = _COLOURS.get(STATE_STYLE[card.state], "$text-muted")
    left = Content.assemble(
        (f"{SIGNS[card.state]} ", f"bold {style}"), (place_words(card), "$text-muted")
    )
    marks: list[tuple[str, str]] = [(kind_label(card.example.kind), "$text-muted")]
    if card.edited:
        marks.append((f"{EDITED} edited", "$text-accent"))
    if draft:
        marks.append((f"{EDITED} draft", "$text-warning"))
    if origin := version_mark(card):
        marks.append((origin, "$text-warning"))
    marks.append(flags_mark(card))
    parts = [part for mark in marks for part in ((" · ", "$text-muted"), mark)][1:]
    return Block(left, right=Content.assemble(*parts), wraps=False)


def place_words(card: Card) -> str:
    """Return where a card comes from, the most telling first: file and lines, heading, tags."""
    where = card.example.provenance
    lines = ""
    if where.start_line:
        lines = f":{where.start_line}"
        if where.end_line > where.start_line:
            lines += f"-{where.end_line}"
    name = where.path.rpartition("/")[2] + lines
    parts = [name, where.heading, " ".join(f"#{tag}" for tag in where.tags)]
    return " · ".join(one_line(part) for part in parts if part)


def version_mark(card: Card) -> str:
    """Return in a word what became of a card in its source, with its sign; empty for nothing."""
    if card.origin:
        return f"{ORIGIN_SIGNS[card.origin]} {card.origin}"
    return f"{ORIGIN_SIGNS['changed']} new version" if card.example.follows else ""


def version_words(card: Card) -> str:
    """Return in a sentence what became of a card in its source, and what it follows."""
    if card.origin == "changed":
        return "it changed in its source since you decided; v shows both versions"
    if card.origin == "gone":
        return "it is gone from its source; what you decided stays"
    if card.example.follows:
        older = short_id(card.example.follows)
        return f"a new version of {older}, which you decided on; v shows both"
    return ""


def provenance_blocks(card: Card, source: str = "") -> list[Block]:
    """Return all that is known of where a card comes from, a line each.

    Args:
        card: The example.
        source: The root of its source.
    """
    where, example = card.example.provenance, card.example
    lines = f", lines {where.start_line} to {where.end_line}" if where.start_line else ""
    known = [
        ("state", f"{SIGNS[card.state]} {card.state}" + (f", {EDITED} edited" * card.edited)),
        ("source", source),
        ("file", where.path + lines),
        ("heading", where.heading),
        ("title", where.title if where.title != where.heading else ""),
        ("tags", " ".join(f"#{tag}" for tag in where.tags)),
        ("date", where.date),
        ("kind", kind_label(example.kind)),
        ("score", f"{example.score:.2f}" + (f" · {example.reason}" if example.reason else "")),
        ("question by", card.question_by),
        ("versions", version_words(card)),
    ]
    return [
        Block(Content.assemble((fit(name, 20), "$text-muted"), one_line(value)))
        for name, value in known
        if value
    ]


def card_label(card: Card) -> str:
    """Return what a card is called on a line: its heading, or how its question begins."""
    where = card.example.provenance
    first = next((turn.content for turn in card.turns if turn.role == "user"), "")
    label = one_line(where.heading or where.title or first[:400])
    return label if len(label) <= 60 else label[:59] + "…"


class CardPane(TextPane):
    """Shows a card, or what to do when there is none."""

    def show_card(
        self,
        card: Card,
        *,
        tokens: Sequence[int] = (),
        draft: bool = False,
        top: bool = True,
        session: str = "",
        edited_at: float = 0.0,
    ) -> None:
        """Show a card.

        Args:
            card: The example.
            tokens: The tokens of each turn, if they are known.
            draft: Whether an edit was begun and not saved.
            top: Scroll to the beginning.
            session: Whose terminal this is.
            edited_at: When its text was changed elsewhere while it was shown; 0 if it was not.
        """
        blocks = [card_head(card, draft=draft)]
        if edited_at:
            blocks.append(edited_block(edited_at))
        if card.conflict is not None:
            blocks += conflict_blocks(card.conflict, session)
        blocks += turn_blocks(card.turns, tokens, card.flags)
        if answers := len(other_answers(card)):
            words = f"── {counted(answers, 'other answer')} · o shows, and takes one instead"
            blocks.append(Block(text(words, "$text-muted")))
        self.show(blocks, top=top)

    def show_words(self, *lines: str) -> None:
        """Show lines of finetui's own, for a queue that is empty."""
        self.show([Block(text(line, "" if index else "bold")) for index, line in enumerate(lines)])
