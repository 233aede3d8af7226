"""What a person should know about a dataset before trusting its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.dataset.gate import Checked
from engine.dataset.groups import Grouping
from engine.dataset.metadata import Tally
from engine.dataset.options import DatasetOptions
from engine.dataset.split import Side
from engine.similarity.levels import level_words

FEW_HELD_OUT = 20
"""With fewer held-out rows, a share of one half is known to no better than ± 20 points."""

FEW_TO_TRAIN = 50
"""Half of what curation aims at by default."""

HALF = 0.5
_OFF = 0.05
_Z = 1.959964  # 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know; ``code`` is stable.

    Codes: "few-held-out", "few-to-train", "share", "large-group", "absent", "template",
    "same-question", "near-duplicates", "paraphrases", "trained-before", "personal", "unchecked",
    "truncated", "leak", "holdout", "metadata", "conflict".
    """

    code: str
    message: str


def half_width(rows: int) -> float:
    """Return how far a share of one half among some rows may be off, at 95 %, in both directions.

    Half the width of Wilson's interval (E. B. Wilson, 1927) for half of the rows.
    """
    if rows == 0:
        return 0.5
    return _Z / (2 * math.sqrt(rows + _Z * _Z))


def counted(rows: int, what: str = "") -> str:
    """Return a number of rows in words."""
    return f"{rows:,} {what}{' ' if what else ''}row{'s' if rows != 1 else ''}"


def about_sizes(
    options: DatasetOptions, sides: Mapping[Side, Sequence[Checked]], grouping: Grouping
) -> Iterator[Notice]:
    """Yield what is too few, too large, or not as asked for."""
    counts = {side: len(rows) for side, rows in sides.items()}
    total = sum(counts.values())
    held_out: tuple[Side, ...] = ("validation", "test")
    for side in held_out:
        rows = counts.get(side, 0)
        if 0 < rows < FEW_HELD_OUT:
            yield Notice(
                "few-held-out",
                f"{counted(rows, side)}: a share of one half among them is "
                f"known to ± {half_width(rows):.0%} (with 100 to ± {half_width(100):.0%})",
            )
    if counts["train"] < FEW_TO_TRAIN:
        yield Notice(
            "few-to-train", f"{counted(counts['train'])} to train on; {FEW_TO_TRAIN} are advised"
        )
    asked: dict[Side, float] = {
        "validation": options.validation_fraction,
        "test": options.test_fraction,
    }
    if options.holdout:
        # The files' rows are as many as they are.
        total -= counts.get("test", 0)
        del asked["test"]
    for side, share in asked.items():
        has = counts.get(side, 0) / total
        if share and abs(has - share) > max(_OFF, 1 / total):
            yield Notice(
                "share",
                f"{has:.0%} of the rows are for {side}, not {share:.0%}: groups stay whole, and "
                "rows stay where earlier datasets had them",
            )
    grouped = sum(map(len, grouping.groups))
    if grouping.largest > HALF * grouped and len(grouping.groups) > 1:
        yield Notice(
            "large-group",
            f"{grouping.largest:,} of {grouped:,} rows belong together, by a document, a question "
            "or near-duplicates: they are all on one side",
        )


def about_paraphrases(threshold: float, level: str) -> Notice:
    """Return what a threshold above paraphrases leaves open; ``level`` is its name, if any."""
    return Notice(
        "paraphrases",
        f"rows that say the same in other words may be on both sides: near-duplicates are "
        f"{level_words(threshold, level)}; the level paraphrases keeps more of them together",
    )


def about_groups(grouping: Grouping) -> Iterator[Notice]:
    """Yield questions that could not join their rows."""
    for template in grouping.templates[:3]:
        yield Notice(
            "template",
            f"{template.rows:,} rows ask {_short(template.question)}: so common a question does "
            "not keep them on one side",
        )
    if len(grouping.templates) > 3:
        yield Notice(
            "template", f"{len(grouping.templates) - 3:,} more questions are as common as that"
        )
    if not grouping.same_question:
        yield Notice(
            "same-question",
            "rows of one question are on both sides: kept together they would be all rows",
        )


def about_labels(sides: Mapping[Side, Sequence[Checked]], share: float) -> Iterator[Notice]:
    """Yield languages and kinds that are trained on and not held out, though there are enough."""
    for what, label in (("language", _language), ("kind", _kind)):
        counts = {side: Counter(label(one) for one in rows) for side, rows in sides.items()}
        train, held_out = counts["train"], counts["validation"]
        for name, rows in sorted(train.items()):
            if name and not held_out[name] and rows >= 1 / share:
                yield Notice("absent", f"{what} {name}: {counted(rows)} to train on, none held out")
        for name, rows in sorted(held_out.items()):
            if name and not train[name]:
                yield Notice("absent", f"{what} {name}: {counted(rows)} held out, none to train on")


def about_conflicts(number: int) -> Iterator[Notice]:
    """Yield how many approved examples were decided without having seen what others did."""
    if number:
        yield Notice(
            "conflict",
            f"{number:,} approved example{'s are' if number > 1 else ' is'} in conflict, decided "
            "without having seen what others did; see: finetui examples list --conflict "
            "--state approved",
        )


def about_contents(rows: Sequence[Checked]) -> Iterator[Notice]:
    """Yield what checks and the tokenizer say of all rows."""
    unchecked = sum(not one.checked for one in rows)
    if unchecked:
        yield Notice(
            "unchecked",
            f"language, quality and personal data were never looked for in {unchecked:,} of "
            f"{counted(len(rows))}: finetui check",
        )
    personal = sum(any(flag.startswith("personal:") for flag in one.flags) for one in rows)
    if personal:
        yield Notice("personal", f"what looks like personal data is in {counted(personal)}")
    cut = [one for one in rows if one.truncated]
    if cut:
        lost, trained = sum(one.lost for one in cut), sum(one.trained + one.lost for one in rows)
        yield Notice(
            "truncated",
            f"{counted(len(cut))} of {len(rows):,} cut off, and with that {lost:,} of {trained:,} "
            f"trained tokens ({lost / max(trained, 1):.1%})",
        )


def about_metadata(tally: Tally) -> Iterator[Notice]:
    """Yield what was replaced or left out in titles, paths, tags and columns."""
    if tally.rows:
        yield Notice(
            "metadata",
            "secrets and personal data in titles, paths, tags or columns of "
            f"{counted(tally.rows)} are written as placeholders",
        )
    for name, rows in sorted(tally.columns.items()):
        yield Notice("metadata", f"{name} of {counted(rows)} is not written: it names a secret")


def _language(one: Checked) -> str:
    return one.language


def _kind(one: Checked) -> str:
    return str(one.row.metadata.get("kind", ""))


def _short(question: str, most: int = 60) -> str:
    return f"“{question[:most]}{'…' if len(question) > most else ''}”"
