"""The numbers of a dataset as blocks of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from engine.models import Counts, FlagKind
from tui.widgets.flags import SEVERITY, SEVERITY_SIGNS
from tui.widgets.leaks import leak_blocks, notice_blocks
from tui.widgets.numbers import Line, count_lines, histogram
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import SIGNS, counted, kind_label, one_line

if TYPE_CHECKING:
    from engine.dataset import Cut, DatasetStats, LeakSummary, Overview, Truncation

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


def now_blocks(now: Overview, leaks: Sequence[LeakSummary] = ()) -> list[Block]:
    """Return what a freeze would take now.

    Args:
        now: What was measured.
        leaks: The leak meter, where it was asked for.
    """
    blocks = [heading("Queue"), *count_lines(state_lines(now.counts)), BLANK]
    if now.error is not None:
        blocks += [
            Block(Content.assemble(("! ", "$text-error"), (now.error.message, "bold"))),
            Block(text(now.error.hint, "$text-muted"), indent=2),
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
        blocks += stats_blocks(now.stats, base=now.base, leaks=leaks, truncation=now.truncation)
    elif now.kinds:
        blocks += [heading("Approved by kind"), *count_lines(_lines(_labelled(now.kinds))), BLANK]
    if now.flags:
        blocks += [heading("Flagged, of all examples"), *count_lines(flag_lines(now.flags)), BLANK]
    if now.clusters is not None:
        blocks.append(_pair("near-duplicates", f"{now.clusters:,}", "clusters in the workspace"))
    return blocks


def unchanged_blocks(now: Overview) -> list[Block]:
    """Return what stands above a dataset's numbers where a freeze would take just the same."""
    words = f"All that is approved is frozen in {one_line(now.unchanged)}; the texts are the same."
    return [
        heading("Queue"),
        *count_lines(state_lines(now.counts)),
        BLANK,
        Block(Content.assemble(("✓ ", "$text-success"), words)),
        BLANK,
    ]


def flag_lines(flags: Sequence[tuple[FlagKind, int, int]]) -> list[Line]:
    """Return kinds of flags as lines with bars, the worst first."""
    colours = {"severe": "$error", "warning": "$warning", "note": "$secondary"}
    return [
        (f"{SEVERITY_SIGNS[SEVERITY[kind]]:<2} {kind}", total, colours[SEVERITY[kind]])
        for kind, _, total in flags
    ]


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


def stats_blocks(
    stats: DatasetStats,
    *,
    base: str,
    leaks: Sequence[LeakSummary] = (),
    truncation: Truncation | None = None,
) -> list[Block]:
    """Return the numbers of a dataset, frozen or not.

    Args:
        stats: The numbers.
        base: The base that tokens were counted for.
        leaks: The leak meter, where it was measured apart from them.
        truncation: What another longest sequence would cut off.
    """
    blocks = notice_blocks(stats.notices)
    blocks += _split_blocks(stats)
    blocks += leak_blocks(leaks or stats.leak)
    blocks += _token_blocks(stats, base)
    if stats.histogram:
        blocks.append(heading(f"{stats.unit.capitalize()} a row"))
        bins = [(bin.low, bin.count) for bin in stats.histogram]
        blocks += [Block(line) for line in histogram(bins, last=stats.histogram[-1].high)]
        blocks.append(BLANK)
    if truncation is not None and truncation.cuts:
        blocks += _cut_blocks(truncation.cuts, f"At most {truncation.limit:,} tokens a row")
    elif stats.cuts:
        blocks += _cut_blocks(stats.cuts, "Cut off")
    return [*blocks, *_share_blocks(stats)]


def _split_blocks(stats: DatasetStats) -> list[Block]:
    share = stats.validation / stats.rows if stats.rows else 0.0
    groups = "no note is on both sides"
    if stats.groups:
        largest = f", the largest of {stats.largest_group:,}" if stats.largest_group > 1 else ""
        groups = f"{counted(stats.groups, 'group')} stay whole{largest}"
    blocks = [
        heading("Rows"),
        _pair("to train on", f"{stats.train:,}"),
        _pair("held out", f"{stats.validation:,}", f"{share:.0%}; {groups}"),
    ]
    if stats.test:
        blocks.append(_pair("for the end", f"{stats.test:,}", "test rows"))
    if stats.duplicates:
        blocks.append(_pair("copies left out", f"{stats.duplicates:,}"))
    for name, count in stats.left_out.items():
        if count:
            blocks.append(_pair(f"by {name.replace('_', ' ')}", f"{count:,}", "left out"))
    blocks.append(_pair("question", f"{stats.question_chars:,.0f}", "characters on average"))
    blocks.append(_pair("answer", f"{stats.answer_chars:,.0f}", "characters on average"))
    return [*blocks, BLANK]


def _token_blocks(stats: DatasetStats, base: str) -> list[Block]:
    if stats.unit != "tokens":
        words = "Tokens are not counted: the base is not installed. finetui bases add gets it."
        return [Block(text(words, "$text-muted")), BLANK]
    blocks = [
        heading(f"Tokens of {base}"),
        _pair("trained", f"{stats.trained_tokens:,}"),
        _pair("held out", f"{stats.held_out_tokens:,}"),
        _pair("a row", f"{stats.row_tokens:,.0f}", f"longest {stats.longest_tokens:,}"),
    ]
    if stats.truncated:
        lost = f"{stats.lost_tokens:,} trained tokens are lost"
        blocks.append(_pair("rows cut off", f"{stats.truncated:,}", lost))
    return [*blocks, BLANK]


def _cut_blocks(cuts: Sequence[Cut], title: str) -> list[Block]:
    lost = sum(cut.trained for cut in cuts)
    return [
        heading(title),
        _pair("rows cut off", f"{len(cuts):,}", "listed on the left"),
        _pair("tokens lost", f"{sum(cut.tokens for cut in cuts):,}", f"{lost:,} of them trained"),
        BLANK,
    ]


def _share_blocks(stats: DatasetStats) -> list[Block]:
    blocks: list[Block] = []
    if stats.quality:
        qualities = [(f"{bin.low / 100:.1f} to {bin.high / 100:.1f}", bin.count, "$primary")
                     for bin in stats.quality if bin.count]  # fmt: skip
        blocks += [heading("By quality"), *count_lines(qualities), BLANK]
    languages = {name: count for name, count in stats.languages.items() if name}
    if languages:
        blocks += [heading("By language"), *count_lines(_lines(languages, MOST_TAGS)), BLANK]
    if stats.unchecked:
        words = f"{counted(stats.unchecked, 'row')} not checked yet; C checks"
        blocks += [Block(text(words, "$text-warning")), BLANK]
    if stats.kinds:
        blocks += [heading("By kind"), *count_lines(_lines(_labelled(stats.kinds))), BLANK]
    if stats.tags:
        tags = {f"#{tag}": count for tag, count in stats.tags.items()}
        blocks += [heading("By tag"), *count_lines(_lines(tags, MOST_TAGS), label=18), BLANK]
    if stats.flags:
        flags = {name.partition(":")[2].replace("-", " "): n for name, n in stats.flags.items()}
        blocks += [heading("By flag"), *count_lines(_lines(flags, MOST_TAGS), label=18), BLANK]
    return blocks
