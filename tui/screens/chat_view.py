"""What the Chat screen says, as lines; nothing here touches a widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from tui.bridge.chat_pair import Choice
from tui.bridge.run_tail import short_run
from tui.screens.chat_round import Round
from tui.widgets.rows import Part
from tui.widgets.words import ago, fit, one_line

if TYPE_CHECKING:
    from engine.errors import FinetuiError
    from engine.evaluate.blind import Position, Tally
    from engine.export.held_out import Prompt
    from engine.models import Vote
    from engine.serve.client import Timing

LETTERS: dict[Position, str] = {"left": "A", "right": "B"}


def side_title(current: Round | None, position: Position) -> str:
    """Return the title of a side: its letter, and its name once that may be known."""
    letter = LETTERS[position]
    if current is None or current.revealed is None:
        return letter
    name = current.revealed.left if position == "left" else current.revealed.right
    won = " ✓" if _won(current, position) else ""
    return f"{letter} · {name}{won}"


def _won(current: Round, position: Position) -> bool:
    vote = current.trial.vote
    if vote is None or current.revealed is None:
        return False
    name = current.revealed.left if position == "left" else current.revealed.right
    return vote.choice == name


def side_subtitle(current: Round | None, position: Position) -> str:
    """Return what stands under a side: sealed, writing, or how fast it was."""
    if current is None:
        return ""
    half = current.halves[position]
    if half.error is not None:
        return "failed"
    if current.sealed:
        if current.cancelled:
            return "stopped"
        return "sealed" if current.complete(position) else "sealed · writing"
    if not half.done:
        return "stopped" if current.cancelled else "writing" if half.text else "reading the prompt"
    return timing_words(half.timing, half.reason)


def timing_words(timing: Timing | None, reason: str) -> str:
    """Return ``132 tokens · first 0.21 s · 21.4 tokens/s``."""
    if timing is None:
        return ""
    words = [
        f"{timing.completion_tokens:,} tokens",
        f"first {timing.ttft_s:.2f} s",
        f"{timing.tokens_per_s:.1f} tokens/s",
    ]
    if reason == "length":
        words[0] += ", cut"
    return " · ".join(words)


def asked_lines(current: Round | None, width: int, most: int) -> list[Content]:
    """Return the question that was asked, wrapped into at most ``most`` lines."""
    if current is None or width < 8:
        return []
    lines = Content(one_line(current.question)).wrap(width - 2)
    if len(lines) > most:
        last = fit(lines[most - 1].plain + " …", width - 2)
        lines = [*lines[: most - 1], Content(last.rstrip() if "…" in last else last[:-2] + " …")]
    return [
        Content.assemble(("› " if index == 0 else "  ", "$text-accent"), (line.plain, "bold"))
        for index, line in enumerate(lines)
    ]


def tally_words(tally: Tally) -> str:
    """Return ``tuned won 18, lost 7, tied 4 · 64-88% at 95%``."""
    words = f"tuned won {tally.tuned}, lost {tally.base}, tied {tally.ties}"
    if tally.both_bad:
        words += f", both bad {tally.both_bad}"
    if tally.share is None:
        return words
    return f"{words} · {100 * tally.low:.0f}-{100 * tally.high:.0f}% at 95%"


def mode_line(choice: Choice | None, *, blind: bool, tally: Tally | None, width: int) -> Content:
    """Return the line under the sides: the pair, the mode, and the votes on the right."""
    if choice is None:
        return Content("")
    mode = ("blind", "$text-accent bold") if blind else ("open", "$text-muted")
    left = Content.assemble(
        ("run ", "$text-muted"), (short_run(choice.run_id), "bold"),
        (" at ", "$text-muted"), (choice.quant, ""), (" · ", "$text-muted"), mode,
    )  # fmt: skip
    right = Content("")
    if tally is not None and tally.total:
        words = tally_words(tally)
        if len(words) + left.cell_length + 2 > width:
            words = words.partition(" · ")[0]
        right = Content(words)
    elif tally is not None and blind:
        right = Content.styled("no votes yet", "$text-muted")
    gap = max(2, width - left.cell_length - right.cell_length)
    return Content.assemble(left, " " * gap, right)


def prompt_words(prompt: Prompt | None, number: int, total: int) -> str:
    """Return ``prompt 7 of 40 · held out``, or nothing for a question of one's own."""
    if prompt is None:
        return ""
    where = "held out" if prompt.held_out else "was trained on"
    return f"prompt {number} of {total} · {where}"


def vote_words(vote: Vote, current: Round) -> str:
    """Return what was voted, without telling more than may be known."""
    if vote.choice == "tie":
        said = "a tie"
    elif vote.choice == "both-bad":
        said = "both bad"
    else:
        said = f"{LETTERS['left' if vote.choice == vote.left else 'right']} is better"
    return said if current.blind else f"{said} (not counted: the sides were open)"


def choice_rows(found: list[Choice], now: float) -> list[list[Part]]:
    """Return the rows of the dialog that chooses a pair."""
    return [
        [
            (fit(short_run(choice.run_id), 6), "strong"),
            (fit(choice.quant, 9), "row"),
            (fit(one_line(choice.base), 26) + " ", "row"),
            (fit(one_line(choice.dataset), 12), "muted"),
            (f"{choice.tuned_bytes / 1e6:>7,.0f} MB", "muted"),
            (f"{ago(choice.at, now):>12}", "muted"),
        ]
        for choice in found
    ]


def not_votable(current: Round) -> str:
    """Return why no vote can be given now."""
    if current.trial.vote is not None:
        return "this question has its vote; n offers the next prompt"
    if current.failed:
        return "both sides have to answer before a vote; R asks again"
    return "both have to answer first"


def not_loaded(loading: bool, failure: FinetuiError | None) -> str:
    """Return why nothing can be asked now."""
    if loading:
        return "the models are still loading"
    return failure.message if failure is not None else "no models are loaded: m chooses a pair"
