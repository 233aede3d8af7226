"""What the Chat stage says, as texts and lines; nothing here touches a widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from textual.content import Content

from tui.bridge.chat_pair import Choice
from tui.bridge.run_tail import short_run
from tui.parts.chat_conditions import Said, beside_words
from tui.parts.chat_round import Round
from tui.parts.chat_talk import Talk
from tui.widgets.rows import Part
from tui.widgets.words import ago, counted, fit, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.errors import FinetuiError
    from engine.evaluate.blind import Position
    from engine.evaluate.tally import Tally
    from engine.export.held_out import Prompt
    from engine.models import Vote
    from engine.serve.client import Timing

LETTERS: dict[Position, str] = {"left": "A", "right": "B"}


class Reading(Protocol):
    """How far an answer was read."""

    @property
    def below(self) -> int:
        """Lines below the view."""

    @property
    def unseen(self) -> int:
        """Lines that have never been on the screen."""

    @property
    def unseen_above(self) -> bool:
        """Whether one of them stands above the view."""


# -- the two sides --------------------------------------------------------------------


def side_title(talk: Talk | None, position: Position) -> str:
    """Return the title of a side: its letter, and its name once that may be known."""
    letter = LETTERS[position]
    if talk is None or not (name := talk.name(position)):
        return letter
    vote = talk.current.trial.vote
    won = " ✓" if vote is not None and vote.choice == name else ""
    return f"{letter} · {name}{won}"


def side_state(current: Round | None, position: Position, *, short: bool = False) -> str:
    """Return how a side is: sealed, writing, failed, or how fast it was.

    Args:
        current: The turn.
        position: The side.
        short: Whether there is little room.
    """
    if current is None:
        return ""
    half = current.halves[position]
    if half.error is not None:
        return "failed"
    if current.sealed:
        if current.stopped:
            return "sealed · stopped"
        return "sealed" if current.complete(position) else "sealed · writing"
    if not half.done:
        return "writing" if half.text else "reading the prompt"
    return timing_words(half.timing, half.reason, short=short)


def timing_words(timing: Timing | None, reason: str, *, short: bool = False) -> str:
    """Return ``132 tokens · first 0.21 s · 21.4 tokens/s``; a short form leaves the first out."""
    if timing is None:
        return reason
    cut = ", cut" if reason == "length" else ""
    first = "" if short else f"first {timing.ttft_s:.2f} s · "
    words = f"{timing.completion_tokens:,} tokens{cut} · {first}{timing.tokens_per_s:.1f} tokens/s"
    if timing.threads is not None and timing.threads.beside:
        words += f" · {counted(timing.threads.now, 'thread')}"
    return words


def reading_words(current: Round | None, position: Position, reading: Reading) -> str:
    """Return ``12 more lines ↓``, ``3 lines ↑ not shown``, ``seen``, or nothing."""
    if current is None or not current.halves[position].text:
        return ""
    if reading.below:
        return f"{counted(reading.below, 'more line')} ↓"
    if reading.unseen_above:
        return f"{counted(reading.unseen, 'line')} ↑ not shown"
    return "seen" if current.votable and not reading.unseen else ""


def asked_lines(talk: Talk | None, width: int, most: int) -> list[Content]:
    """Return the question that was asked last, wrapped into at most ``most`` lines."""
    if talk is None or width < 8:
        return []
    turn = f"turn {talk.number} · " if talk.number > 1 else ""
    lines = Content(turn + one_line(talk.current.question)).wrap(width - 2)
    if len(lines) > most:
        last = fit(lines[most - 1].plain + " …", width - 2)
        lines = [*lines[: most - 1], Content(last.rstrip() if "…" in last else last[:-2] + " …")]
    shown = [line.stylize("bold") for line in lines]
    if turn and shown:
        shown[0] = lines[0].stylize("bold", len(turn)).stylize("$text-muted", 0, len(turn))
    return [
        Content.assemble(("› " if index == 0 else "  ", "$text-accent"), line)
        for index, line in enumerate(shown)
    ]


# -- the line to write in, the models, the votes --------------------------------------


def line_words(talk: Talk | None, *, blind: bool, fresh: bool) -> str:
    """Return what the line's text would be: ``new conversation · blind``, ``turn 3 · open``.

    Args:
        talk: The conversation that goes on, if there is one.
        blind: Whether a new conversation hides the sides.
        fresh: Whether the text starts a new conversation.
    """
    if talk is None or fresh:
        return f"new conversation · {'blind' if blind else 'open'}"
    mode = "blind" if talk.sealed else "open"
    return " · ".join(filter(None, [f"turn {talk.next_number}", mode, beside_words(talk.current)]))


def prompt_words(prompt: Prompt | None, number: int, total: int) -> str:
    """Return ``prompt 7 of 40 · held out``, or nothing for a question of one's own."""
    if prompt is None:
        return ""
    where = "held out" if prompt.held_out else "was trained on"
    return f"prompt {number} of {total} · {where}"


def tally_words(tally: Tally) -> str:
    """Return ``tuned won 18, lost 7, tied 4 · 64-88% at 95%``."""
    words = f"tuned won {tally.tuned}, lost {tally.base}, tied {tally.ties}"
    if tally.both_bad:
        words += f", both bad {tally.both_bad}"
    if tally.share is None:
        return words
    return f"{words} · {100 * tally.low:.0f}-{100 * tally.high:.0f}% at 95%"


def score_line(tally: Tally | None, *, blind: bool, width: int) -> Content:
    """Return the score at the right end of ``width`` columns."""
    if tally is None or not (tally.total or blind):
        return Content("")
    words = tally_words(tally) if tally.total else "no votes yet"
    if len(words) > width:
        words = words.partition(" · ")[0]
    style = "" if tally.total else "$text-muted"
    return Content.assemble(" " * max(0, width - len(words)), (words, style))


def choice_rows(found: list[Choice], now: float) -> list[list[Part]]:
    """Return the rows of the dialog that chooses a pair."""
    return [
        [
            (fit(short_run(choice.run_id), 6), "strong"),
            (fit(choice.quant, 9), "row"),
            (fit(one_line(choice.base), 22) + " ", "row"),
            (fit(one_line(choice.dataset), 12), "muted"),
            (f"{choice.tuned_bytes / 1e6:>7,.0f} MB", "muted"),
            (f"{ago(choice.at, now):>12}", "muted"),
        ]
        for choice in found
    ]


# -- what is said ---------------------------------------------------------------------


def vote_words(vote: Vote) -> str:
    """Return what was voted, by the sides' letters alone."""
    if vote.choice == "tie":
        return "a tie"
    if vote.choice == "both-bad":
        return "both bad"
    return f"{LETTERS['left' if vote.choice == vote.left else 'right']} is better"


def given_words(vote: Vote, *, sealed: bool) -> Said:
    """Return which vote was given, and what can be done then."""
    said = vote_words(vote) + ("" if vote.blind else " (not counted: the sides were open)")
    then = "space shows which is which" if sealed else "n offers the next prompt"
    return said, f"{then}, u takes it back"


def revealed_words(talk: Talk | None) -> Said:
    """Return which side is which, and what a vote means from now on."""
    if talk is None or talk.revealed is None:
        return "", ""
    names = f"A is {talk.revealed.left}, B is {talk.revealed.right}"
    voted = talk.current.trial.vote is not None
    hint = "n offers the next prompt" if voted else "a vote now is kept, but not counted as blind"
    return names, hint


def taken_back_words(vote: Vote, talk: Talk | None) -> Said:
    """Return which vote was taken back, without telling more than may be known."""
    here = talk is not None and any(trial.id == vote.metadata.get("trial") for trial in talk.trials)
    if here and talk is not None:
        said = vote_words(vote)
        if talk.current.trial.id == vote.metadata.get("trial"):
            return f"taken back: {said}", "vote again, or u for the one before"
    elif vote.choice in ("base", "tuned"):
        said = f"{vote.choice} won"
    else:
        said = vote_words(vote)
    prompt = fit(one_line(vote.prompt), 30).rstrip()
    return f"taken back: {said} on “{prompt}”", "u for the one before"


def not_votable(current: Round | None, readings: Mapping[Position, Reading]) -> Said | None:
    """Return why no vote can be given now; None where one can.

    Args:
        current: The turn.
        readings: How far each answer was read.
    """
    if current is None:
        return "there is nothing to vote on yet", "n offers a prompt"
    if current.trial.vote is not None:
        return "this question has its vote", "u takes it back, n offers the next prompt"
    if not current.uncovered:
        return "both have to answer first", "escape stops them"
    if current.failed:
        return "both sides have to answer before a vote", "R asks again"
    if not current.whole:
        return "it was stopped before both had said something", "R asks again"
    unseen = [
        f"{LETTERS[position]} has {counted(reading.unseen, 'line')}"
        for position, reading in readings.items()
        if reading.unseen
    ]
    if not unseen:
        return None
    above = not any(reading.below for reading in readings.values() if reading.unseen)
    were = "was" if len(unseen) == 1 and unseen[0].endswith(" line") else "were"
    return f"{' and '.join(unseen)} that {were} not shown: {'pgup' if above else 'pgdn'}", ""


def reading_hint(current: Round | None, *, all_seen: bool) -> Said | None:
    """Return what to do with two whole answers: read them through, then vote."""
    if current is None or not current.votable:
        return None
    if not all_seen:
        return "a vote counts when both were on the screen", "pgdn reads on"
    return "← A better · → B better · ↑ tie · ↓ both bad", ""


def failed_words(talk: Talk) -> Said | None:
    """Return which side failed and why, by its letter alone while the sides are sealed."""
    for position, half in talk.current.halves.items():
        if half.error is not None:
            side = side_title(talk, position)
            hint = "R asks again, and starts a worker anew that ended"
            return f"{side}: {half.error.message}", half.error.hint or hint
    return None


class Loading(Protocol):
    """Which pair of models there is, or why there is none."""

    @property
    def choice(self) -> Choice | None:
        """The pair that is loaded, or being loaded."""

    @property
    def is_loading(self) -> bool:
        """Whether it is still being loaded."""

    @property
    def failure(self) -> FinetuiError | None:
        """Why it can't be loaded."""

    @property
    def exports(self) -> int | None:
        """How many pairs there are; None while that is not known."""


def not_loaded(models: Loading) -> Said:
    """Return why nothing can be asked now."""
    if models.is_loading:
        return "the models are still loading", ""
    if models.failure is not None:
        return models.failure.message, models.failure.hint or "m chooses another pair"
    if models.exports == 0:
        return "there is no exported model yet", "4 goes to Train; e exports a finished run there"
    if models.exports is None:
        return "the exports are being looked for", ""
    return "no models are loaded", "m chooses a pair"


def teaching(models: Loading) -> tuple[Content, Content]:
    """Return what stands in the two panes before anything was asked."""
    if (failure := models.failure) is not None:
        hint = f"\n\n{failure.hint}" if failure.hint else ""
        told = Content.assemble(
            (failure.message, "$text-error"),
            (hint, ""),
            ("\n\nm chooses another pair.", "$text-muted"),
        )
        return told, Content("")
    lines = ["", ""]
    if models.choice is not None and models.is_loading:
        lines = [f"loading {side} at {models.choice.quant} …" for side in ("base", "tuned")]
    elif models.choice is not None:
        lines = [
            "n offers a prompt that training never saw,\nenter asks both.",
            "b hides which side is which,\nso that you judge the words alone.",
        ]
    elif models.exports == 0:
        lines = [
            "There is no exported model yet.\n\n4 goes to Train; e exports a finished run there.",
            "Here base and tuned will answer side by side,\nat the same quantisation.",
        ]
    first, second = (Content.styled(text, "$text-muted") for text in lines)
    return first, second


def blind_words(*, blind: bool, begun: bool) -> Said:
    """Return from when on the sides are hidden, or shown."""
    how, hint = "blind" if blind else "open", "n or ctrl+l starts one" if begun else ""
    return f"{how} from the {'next' if begun else 'first'} conversation on", hint


def note_of(current: Round, position: Position) -> Content:
    """Return what stands in the pane of a side that has said nothing."""
    half = current.halves[position]
    if half.error is not None:
        return Content.styled(half.error.message, "$text-error")
    if current.stopped:
        return Content.styled("stopped before it said anything", "$text-muted")
    silent = half.done and current.uncovered
    return Content.styled("it said nothing" if silent else "", "$text-muted")


def earlier_of(talk: Talk, position: Position) -> Sequence[tuple[str, str]]:
    """Return question and answer of each earlier turn, as a side gave it."""
    return [(one.question, one.halves[position].text) for one in talk.earlier]
