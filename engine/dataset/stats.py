"""Numbers about a dataset, frozen or as it would be frozen now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.bases import Base
from engine.dataset.draft import Cut, DatasetOptions, Draft, Progress, cuts_of, draft, quiet
from engine.dataset.figures import (
    average,
    counted,
    headings,
    kind_of,
    source_of,
    tags_of,
    tenths,
)
from engine.dataset.frozen import Frozen, load
from engine.dataset.gate import Checked, check
from engine.dataset.leak import LeakSummary
from engine.dataset.notices import Notice
from engine.dataset.split import Side
from engine.models import Turn
from engine.tokens import Tokenizer
from engine.workspace import Workspace

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar of a histogram: how many rows are from ``low`` to below ``high`` long."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, slots=True)
class DatasetStats:
    """Numbers about a dataset. Tokens are those of one base; without a base they are 0.

    Args:
        name: The dataset's name; empty for the approved examples as they are.
        train: Rows to train on.
        validation: Rows held out.
        duplicates: Copies that were left out.
        refused: Rows that the gate refused, by code.
        turns: Messages in all rows.
        question_chars: Average length of a question, in characters.
        answer_chars: Average length of an answer, in characters.
        row_tokens: Average length of a row, in tokens.
        longest_tokens: The longest row, in tokens.
        trained_tokens: Tokens that carry loss, in the rows to train on.
        held_out_tokens: The same in the held-out rows.
        truncated: Rows that are cut at the longest length.
        kinds: Rows by kind of example, the commonest first.
        tags: Rows by tag, the commonest first.
        histogram: Rows by length.
        unit: What the histogram counts: "tokens" or "characters".
        test: Rows held out for the end.
        left_out: Rows that filters left out, by filter.
        truncated_tokens: Tokens that are cut off.
        lost_tokens: Those of them that would have carried loss.
        languages: Rows by language, the commonest first; "" where it is not known.
        headings: Rows by the heading that they stand under, the commonest first.
        sources: Rows by the kind of their source.
        quality: Rows by quality in hundredths, as far as they were scored.
        flags: Rows by "kind:code" of their flags, the commonest first.
        unchecked: Rows that no check has looked at.
        cuts: Rows that are cut off, those that lose the most trained tokens first.
        notices: What to know before trusting the numbers.
        leak: How near each held-out side is to what is trained on, where it was measured.
        groups: How many groups of rows stay whole; 0 where it is not known.
        largest_group: How many rows the largest has.
    """

    name: str
    train: int
    validation: int
    duplicates: int
    refused: Mapping[str, int]
    turns: int
    question_chars: float
    answer_chars: float
    row_tokens: float
    longest_tokens: int
    trained_tokens: int
    held_out_tokens: int
    truncated: int
    kinds: Mapping[str, int]
    tags: Mapping[str, int]
    histogram: tuple[Bin, ...]
    unit: str
    test: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    truncated_tokens: int = 0
    lost_tokens: int = 0
    languages: Mapping[str, int] = field(default_factory=dict)
    headings: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    quality: tuple[Bin, ...] = ()
    flags: Mapping[str, int] = field(default_factory=dict)
    unchecked: int = 0
    cuts: tuple[Cut, ...] = ()
    notices: tuple[Notice, ...] = ()
    leak: tuple[LeakSummary, ...] = ()
    groups: int = 0
    largest_group: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.train + self.validation + self.test


def stats(
    workspace: Workspace,
    name: str = "",
    *,
    base: Base | None = None,
    options: DatasetOptions | None = None,
    progress: Progress = quiet,
) -> DatasetStats:
    """Return numbers about a frozen dataset, or about the approved examples.

    Args:
        workspace: Where they are.
        name: The dataset; empty means the approved examples as a freeze would take them now.
        base: The base to count tokens for.
        options: For approved examples: the freeze's options; the settings' by default.
            For a frozen dataset only ``max_length`` counts, and its own holds by default.
        progress: Called with rows looked at and in total.

    Raises:
        DatasetMissing: There is no such dataset.
        NothingApproved: No example is approved.
        DatasetRefused: The dataset was changed after the freeze, or can't be divided.
    """
    if not name:
        made = draft(
            workspace, base=base, options=options or default_options(workspace), progress=progress
        )
        return stats_of(made)
    frozen = load(workspace, name)
    max_length = options.max_length if options else frozen.manifest["settings"]["max_length"]
    tokenizer = Tokenizer.load(base.directory) if base else None
    sides = {"train": frozen.train_rows(), "validation": frozen.validation_rows()}
    sides |= {"test": frozen.test_rows()}
    total = sum(map(len, sides.values()))
    checked: dict[str, list[Checked]] = {side: [] for side in sides}
    for side, rows in sides.items():
        for row in rows:
            checked[side].append(check(row, tokenizer, max_length, None))
            progress(sum(map(len, checked.values())), total)
    counts = frozen.manifest["counts"]
    found = summarise(
        checked["train"],
        checked["validation"],
        test=checked["test"],
        name=name,
        duplicates=counts["duplicates"],
        refused=counts["refused"],
        unit="tokens" if base else "characters",
    )
    return replace(found, **_recorded(frozen))


def _recorded(frozen: Frozen) -> dict[str, Any]:
    """Return what the manifest says that the rows alone don't; nothing for an old one."""
    known, groups = frozen.manifest.get("statistics"), frozen.manifest.get("groups")
    if not known or not groups:
        return {}
    return {
        "left_out": frozen.manifest["counts"].get("left_out", {}),
        "languages": _added(known["languages"].values()),
        "sources": known["sources"],
        "quality": _hundredths(known["quality"]["tenths"]),
        "flags": known["flags"],
        "unchecked": frozen.train + frozen.validation + frozen.test - known["checked"],
        "notices": frozen.notices,
        "leak": frozen.leak,
        "groups": groups["count"],
        "largest_group": groups["largest"],
    }


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))


def _hundredths(tenths: Sequence[int]) -> tuple[Bin, ...]:
    if not any(tenths):
        return ()
    return tuple(Bin(10 * at, 10 * at + 10, count) for at, count in enumerate(tenths))


def stats_of(made: Draft) -> DatasetStats:
    """Return numbers about a draft."""
    found = summarise(
        made.train,
        made.validation,
        test=made.test,
        duplicates=made.duplicates,
        refused=made.refused_by_code,
        unit="tokens" if made.base else "characters",
        sources=made.sources,
    )
    return replace(
        found,
        left_out=made.left_out,
        notices=made.notices,
        groups=len(made.grouping.groups),
        largest_group=made.grouping.largest,
    )


def default_options(workspace: Workspace) -> DatasetOptions:
    """Return the options of a freeze as the workspace's settings have them."""
    settings, checks = workspace.settings.dataset, workspace.settings.check
    return DatasetOptions(
        validation_fraction=settings.validation_fraction,
        seed=settings.seed,
        system_prompt=settings.system_prompt,
        max_length=None,
        threshold=checks.duplicate_threshold,
        model=checks.embedding_model,
    )


def summarise(
    train: Sequence[Checked],
    validation: Sequence[Checked],
    *,
    test: Sequence[Checked] = (),
    name: str = "",
    duplicates: int = 0,
    refused: Mapping[str, int],
    unit: str,
    sources: Mapping[str, str] | None = None,
) -> DatasetStats:
    """Return numbers about rows that were looked at.

    Args:
        train: Rows to train on.
        validation: Rows held out.
        test: Rows held out for the end.
        name: The dataset's name, if it has one.
        duplicates: Copies that were left out before.
        refused: Rows that were left out before, by code.
        unit: "tokens" where tokens were counted, else "characters".
        sources: The kind of each source, by id.
    """
    sides: dict[Side, Sequence[Checked]] = {"train": train, "validation": validation, "test": test}
    rows = [one for side in sides.values() for one in side]
    turns = [turn for one in rows for turn in one.row.turns]
    lengths = [one.tokens if unit == "tokens" else _chars(one.row.turns) for one in rows]
    scored = [one.quality for one in rows if one.quality is not None]
    return DatasetStats(
        name=name,
        train=len(train),
        validation=len(validation),
        test=len(test),
        duplicates=duplicates,
        refused=refused,
        turns=len(turns),
        question_chars=average([len(turn.content) for turn in turns if turn.role == "user"]),
        answer_chars=average([len(turn.content) for turn in turns if turn.role == "assistant"]),
        row_tokens=average([one.tokens for one in rows]),
        longest_tokens=max((one.tokens for one in rows), default=0),
        trained_tokens=sum(one.trained for one in train),
        held_out_tokens=sum(one.trained for one in (*validation, *test)),
        truncated=sum(one.truncated > 0 for one in rows),
        truncated_tokens=sum(one.truncated for one in rows),
        lost_tokens=sum(one.lost for one in rows),
        kinds=counted(kind_of(one) for one in rows),
        tags=counted(tag for one in rows for tag in tags_of(one)),
        headings=counted(headings(rows)),
        languages=counted(one.language for one in rows),
        sources=counted(source_of(sources or {})(one) for one in rows),
        quality=_hundredths(tenths(scored)),
        flags=counted(flag for one in rows for flag in one.flags),
        unchecked=sum(not one.checked for one in rows),
        cuts=cuts_of(sides),
        histogram=histogram(lengths),
        unit=unit,
    )


def _chars(turns: Sequence[Turn]) -> int:
    return sum(len(turn.content) for turn in turns)


def histogram(values: Sequence[int], bins: int = BINS) -> tuple[Bin, ...]:
    """Count values in up to ``bins`` bars of one width, a round number, from the least up."""
    if not values:
        return ()
    spread = max(values) - min(values) + 1
    width = _round_width(-(-spread // bins))
    first = min(values) // width
    counts = Counter(value // width for value in values)
    return tuple(
        Bin(bar * width, (bar + 1) * width, counts[bar])
        for bar in range(first, max(values) // width + 1)
    )


def _round_width(least: int) -> int:
    """Return the least of 1, 2, 5, 10, 20, 50, … that is not below ``least``."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= least:
                return step * power
        power *= 10
