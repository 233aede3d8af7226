"""The numbers of a dataset as blocks of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from engine.models import Counts
from tui.bridge.datasets import Overview
from tui.widgets.numbers import Line, count_lines, histogram
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import SIGNS, counted, kind_label

if TYPE_CHECKING:
    from engine.dataset import DatasetStats

MOST_TAGS = 8


def heading(words: str) -> Block:
    """Return a heading between numbers."""
    return Block(text(words, "bold $text-primary"))


def state_lines(counts: Counts) -> list[Line]:
    """Return the states of the queue as lines with bars."""
    return [
        (f"{SIGNS['approved']} approved", counts.approved, "$success"),
        (f"{SIGNS['rejected']} rejected", counts.rejected, "$error"),
        (f"{SIGNS['undecided']} undecided", counts.undecided, "$accent"),
        (f"{SIGNS['skipped']} skipped", counts.skipped, "$secondary"),
    ]


def now_blocks(now: Overview) -> list[Block]:
    """Return what a freeze would take now."""
    blocks = [heading("Queue"), *count_lines(state_lines(now.counts)), BLANK]
    if now.problem:
        blocks += [
            Block(Content.assemble(("! ", "$text-error"), (now.problem, "bold"))),
            Block(text(now.hint, "$text-muted"), indent=2),
            BLANK,
        ]
    if now.refusals:
        some = counted(len(now.refusals), "approved example")
        blocks += [
            Block(
                Content.assemble(
                    ("! ", "$text-warning"),
                    (f"the gate refuses {some}", "bold"),
                    (": they are listed on the left; enter opens one", "$text-muted"),
                )
            ),
            BLANK,
        ]
    if now.stats is not None:
        blocks += stats_blocks(now.stats, base=now.base)
    elif now.kinds:
        blocks += [heading("Approved by kind"), *count_lines(_lines(_labelled(now.kinds)))]
    return blocks


def _lines(counts: Mapping[str, int], most: int = 20) -> list[Line]:
    return [(name, count, "$primary") for name, count in list(counts.items())[:most]]


def _labelled(kinds: Mapping[str, int]) -> dict[str, int]:
    return {kind_label(kind): count for kind, count in kinds.items()}


def _pair(label: str, value: str, note: str = "") -> Block:
    return Block(
        Content.assemble(
            (f"{label:<15}", "$text-muted"), (f"{value:>10}", "bold"), (f"  {note}", "$text-muted")
        )
    )


def stats_blocks(stats: DatasetStats, *, base: str) -> list[Block]:
    """Return the numbers of a dataset, frozen or not."""
    share = stats.validation / stats.rows if stats.rows else 0.0
    blocks = [
        heading("Rows"),
        _pair("to train on", f"{stats.train:,}"),
        _pair("held out", f"{stats.validation:,}", f"{share:.0%}; no note is on both sides"),
    ]
    if stats.duplicates:
        blocks.append(_pair("copies left out", f"{stats.duplicates:,}"))
    blocks.append(_pair("question", f"{stats.question_chars:,.0f}", "characters on average"))
    blocks.append(_pair("answer", f"{stats.answer_chars:,.0f}", "characters on average"))
    blocks.append(BLANK)
    if stats.unit == "tokens":
        blocks += [
            heading(f"Tokens of {base}"),
            _pair("trained", f"{stats.trained_tokens:,}"),
            _pair("held out", f"{stats.held_out_tokens:,}"),
            _pair("a row", f"{stats.row_tokens:,.0f}", f"longest {stats.longest_tokens:,}"),
        ]
        if stats.truncated:
            blocks.append(_pair("rows cut off", f"{stats.truncated:,}"))
    else:
        words = "Tokens are not counted: the base is not installed. finetui bases add gets it."
        blocks.append(Block(text(words, "$text-muted")))
    blocks.append(BLANK)
    if stats.histogram:
        blocks.append(heading(f"{stats.unit.capitalize()} a row"))
        bins = [(bin.low, bin.count) for bin in stats.histogram]
        blocks += [Block(line) for line in histogram(bins, last=stats.histogram[-1].high)]
        blocks.append(BLANK)
    if stats.kinds:
        blocks += [heading("By kind"), *count_lines(_lines(_labelled(stats.kinds))), BLANK]
    if stats.tags:
        tags = {f"#{tag}": count for tag, count in stats.tags.items()}
        blocks += [heading("By tag"), *count_lines(_lines(tags, MOST_TAGS), label=18), BLANK]
    return blocks
