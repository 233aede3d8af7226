"""What a run of the checks found, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.models import FLAG_KINDS, FlagKind
from tui.messages import ChecksEnded
from tui.widgets.frame import Kind
from tui.widgets.words import counted

if TYPE_CHECKING:
    from engine.quality.stage import CheckReport

_NOUNS: dict[FlagKind, tuple[str, str]] = {
    "secret": ("with secrets", "with secrets"),
    "personal": ("with personal data", "with personal data"),
    "safety": ("unsafe", "unsafe"),
    "duplicate": ("near-duplicate", "near-duplicates"),
    "quality": ("of doubtful quality", "of doubtful quality"),
    "app-text": ("with text of an app", "with text of an app"),
    "length": ("of a doubtful length", "of a doubtful length"),
    "language": ("in a doubtful language", "in a doubtful language"),
}


_DUPLICATES = ("exact", "near")
"""Codes of what says the same; others have only the question or the answer in common."""


_OFF_TOPIC = "off-topic"
"""Code of an answer to another question, which embeddings show."""


def checks_words(event: ChecksEnded) -> tuple[str, str, Kind]:
    """Return what is said when checks ended: the sentence, a hint, and its kind.

    Nothing is said of a run that nobody asked for and that found nothing to look at, nor
    of one that followed an edit: the card shows what that found.
    """
    report = event.report
    if report is None:
        return "", "", "done"
    if report.cancelled or (event.near is not None and event.near.cancelled):
        return "the checks were stopped", "what they found is kept; C goes on", "done"
    if report.failed:
        first = report.failed[0]
        words = f"{counted(len(report.failed), 'example')} could not be checked: {first.message}"
        return f"{_found(event, report)}; {words}", first.hint, "error"
    if event.few and not event.by_hand:
        return "", "", "done"
    fresh = report.looked or (event.near is not None and event.near.compared)
    if not fresh and not report.decided:
        if not event.by_hand:
            return "", "", "done"
        return "nothing is new or changed since the last checks", _hint(event, report), "done"
    return _found(event, report), _hint(event, report), "done"


def _found(event: ChecksEnded, report: CheckReport) -> str:
    counts: dict[str, int] = dict(report.flags)
    if event.near is not None:
        counts["duplicate"] = sum(event.near.flags.get(code, 0) for code in _DUPLICATES)
        counts["quality"] = counts.get("quality", 0) + event.near.flags.get(_OFF_TOPIC, 0)
    found = [
        f"{counts[kind]:,} {_NOUNS[kind][counts[kind] != 1]}"
        for kind in FLAG_KINDS
        if counts.get(kind)
    ]
    words = f"checked {counted(report.looked, 'example')}: {', '.join(found) or 'nothing flagged'}"
    decided = sum(report.decided.values())
    return f"{words}; your rules decided {decided:,}" if decided else words


def _hint(event: ChecksEnded, report: CheckReport) -> str:
    if event.by_hand and report.left_out:
        name, reason = next(iter(report.left_out.items()))
        return f"{name} was not checked: {reason}"
    return "f on Curate shows the flagged" if report.flags else ""
