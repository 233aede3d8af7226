"""What ``finetui sources`` prints of sources, scans and skipped things, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from engine.cli.common import say
from engine.extract.notes import with_sections
from engine.extract.scan import Preview, ScanReport
from engine.extract.unheard import unheard_words
from engine.extract.wire import detection_out
from engine.models import Example, Skipped, Source, apart, short_id
from engine.sources import Detection, reader_of

_SHOWN_CHARACTERS = 160
_NOTHING = {
    "vault": "no section reflects, decides, learns or answers a question; "
    "tag one #reflection, #decision or #learning to have it taken",
}


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(counts: Mapping[str, int]) -> str:
    """Return counts by name, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number:,} {name}" for name, number in ordered)


def settings(options: Mapping[str, str]) -> str:
    """Return options as they are written on the command line."""
    return "  ".join(f"{name}={value}" for name, value in options.items())


def where(skip: Skipped) -> str:
    """Return where something skipped stands."""
    return f"{skip.path}:{skip.line}" if skip.line else skip.path


def print_report(report: ScanReport, source: Source) -> None:
    """Print what a scan found."""
    found = f"{count(report.documents, 'document')}, {count(report.examples, 'example')}"
    changes = [f"new: {report.new:,}"]
    if report.changed:
        changes.append(f"changed: {report.changed:,}")
    changes.append(f"gone: {report.vanished:,}")
    if report.files_kept:
        changes.append(f"unchanged files: {report.files_kept:,}")
    kinds = f" ({listed(report.kinds)})" if report.kinds else ""
    say(f"  {found}{kinds}; {', '.join(changes)}")
    if report.documents and not report.examples:
        say(f"  {_NOTHING.get(source.kind, 'nothing to train on')}")
    if report.sections:
        take = f"take={with_sections(source.options)}"
        what = f"{count(report.sections, 'more section')} on request"
        say(f"  {what}: finetui sources set {short_id(source.id)} {take}")
    if report.skipped:
        codes: dict[str, int] = {}
        for skip in report.skipped:
            codes[skip.code] = codes.get(skip.code, 0) + 1
        print_told(unheard_words(codes))
        for line in _skipped(codes):
            say(f"  {line}")
        say(f"  each with its reason: finetui sources skipped {short_id(source.id)}")


def _skipped(codes: Mapping[str, int]) -> list[str]:
    """Return what was skipped by its reason: what was not read, and what gave no example."""
    unread, left = apart(codes)
    lines = [f"skipped: {listed(unread)}"] if unread else []
    return [*lines, f"read, and left out: {listed(left)}"] if left else lines


def print_preview(found: Preview) -> None:
    """Print what a place holds and would give."""
    print_detection(found.detection)
    print_told(found.told)
    total = sum(found.examples_by_kind.values())
    kinds = f" ({listed(found.examples_by_kind)})" if found.examples_by_kind else ""
    say(f"{count(found.documents, 'document')}, {count(total, 'example')}{kinds}")
    if found.more:
        more = sum(found.more.values())
        say(f"{count(more, 'more section')} on request: --set take=thoughts,qa,sections")
    if found.skipped_by_code:
        for line in _skipped(found.skipped_by_code):
            say(line)
    print_examples(found.first)


def print_told(told: Iterable[str]) -> None:
    """Print what a person is told at once of how a source is read."""
    for words in told:
        say(f"  {words.replace('learn=', '--set learn=').replace('take=', '--set take=')}")


def print_detection(detection: Detection) -> None:
    """Print a kind with its confidence, why, and what was found for its options."""
    say(f"{detection.kind} (confidence {detection.confidence:.2f}): {detection.why}")
    for name, value in detection.options.items():
        others = [choice for choice in detection.choices.get(name, ()) if choice != value]
        more = f"  (or: {', '.join(others[:8])}{', …' if len(others) > 8 else ''})"
        if value:
            say(f"  --set {name}={value}{more if others else ''}")
    rest = [option.name for option in reader_of(detection.kind).options]
    rest = [name for name in rest if not detection.options.get(name)]
    if rest:
        say(f"  can be set too: {', '.join(rest)} (finetui sources options {detection.kind})")


def print_options(kind: str) -> None:
    """Print what can be set about a kind of source."""
    reader = reader_of(kind)
    say(f"{reader.kind}: {reader.label}")
    for option in reader.options:
        choices = f" [{' | '.join(option.choices)}]" if option.choices else ""
        default = f" (default: {option.default})" if option.default else ""
        say(f"  --set {option.name}=…{choices}{default}\n      {option.help}")
    if not reader.options:
        say("  nothing can be set about it")


def print_examples(examples: Iterable[Example]) -> None:
    """Print some examples with the reason that they were taken."""
    for example in examples:
        place = example.provenance
        line = f"{place.path}:{place.start_line}" if place.start_line else place.path
        say(f"\n  {short_id(example.id)}  {example.kind}  {line}")
        say(f"    why: {example.reason} (score {example.score:.2f})")
        for turn in example.turns[:4]:
            text = " ".join(turn.content.split())
            more = "…" if len(text) > _SHOWN_CHARACTERS else ""
            say(f"    {turn.role}: {text[:_SHOWN_CHARACTERS]}{more}")


def source_json(source: Source) -> dict[str, object]:
    """Return a source as ``--json`` prints it."""
    return {
        "id": source.id,
        "kind": source.kind,
        "root": source.root,
        "options": dict(source.options),
        "added_at": source.added_at,
        "scanned_at": source.scanned_at,
        "documents": source.documents,
        "examples": source.examples,
        "skipped": source.skipped,
    }


def skips_json(skipped: Iterable[Skipped]) -> list[dict[str, object]]:
    """Return skipped things as ``--json`` prints them."""
    return [
        {"path": skip.path, "line": skip.line, "code": skip.code, "reason": skip.reason}
        for skip in skipped
    ]


def report_json(report: ScanReport) -> dict[str, object]:
    """Return a scan as ``--json`` prints it."""
    return {
        "documents": report.documents,
        "examples": report.examples,
        "new": report.new,
        "changed": report.changed,
        "gone": report.vanished,
        "files_read": report.files_read,
        "files_unchanged": report.files_kept,
        "kinds": dict(report.kinds),
        "skipped_by_code": dict(Counter(skip.code for skip in report.skipped)),
        "on_demand": {"section": report.sections} if report.sections else {},
        "skipped": skips_json(report.skipped),
    }


def preview_json(found: Preview, others: Sequence[Detection]) -> dict[str, object]:
    """Return a preview as ``--json`` prints it."""
    return {
        **detection_out(found.detection),
        "others": [detection_out(detection) for detection in others],
        "documents": found.documents,
        "examples": dict(found.examples_by_kind),
        "on_demand": dict(found.more),
        "told": list(found.told),
        "skipped": dict(found.skipped_by_code),
        "first": [example_json(example) for example in found.first],
    }


def example_json(example: Example) -> dict[str, object]:
    """Return an example as ``--json`` prints it."""
    place = example.provenance
    return {
        "id": example.id,
        "kind": example.kind,
        "score": example.score,
        "reason": example.reason,
        "path": place.path,
        "line": place.start_line,
        "messages": [{"role": turn.role, "content": turn.content} for turn in example.turns],
    }
