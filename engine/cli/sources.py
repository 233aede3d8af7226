"""``finetui sources``: what examples are read from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from engine.cli.common import Progress, common_options, opened, print_json, say, table
from engine.errors import FinetuiError, SourceError, UsageError
from engine.extract.scan import Preview, ScanReport, preview, scan
from engine.models import Example, Filter, Skipped, Source, short_id
from engine.paths import shorten
from engine.sources import KINDS, Detection, detect, locate, reader_of
from engine.workspace import Workspace

_SHOWN_CHARACTERS = 160
_NOTHING = {
    "vault": "no section reflects, decides or learns; "
    "tag one #reflection, #decision or #learning to have it taken",
}


@click.group("sources")
def sources() -> None:
    """Add, scan, list, detect and remove sources. A source is only ever read."""


@sources.command("add")
@click.argument("words", nargs=-1, required=True, metavar="[KIND] PATH")
@click.option("--no-scan", is_flag=True, help="Add it without reading it.")
@common_options
def add(words: tuple[str, ...], no_scan: bool, workspace: Path | None, as_json: bool) -> None:
    """Add a folder or file and read it. KIND is detected where it is not named."""
    kind, path = _kind_and_path(words)
    detection = Detection(reader_of(kind).kind, 1.0, "named by you") if kind else detect(path)
    root = locate(path)
    with opened(workspace) as space:
        source = space.store.add_source(detection.kind, str(root))
        if no_scan:
            _print_added(source, detection, None, (), as_json)
            return
        report = scan(space.store, source, progress=Progress("reading", quiet=as_json))
        first = _first(space, source.id)
    _print_added(source, detection, report, first, as_json)


def _kind_and_path(words: tuple[str, ...]) -> tuple[str, Path]:
    if len(words) == 1:
        return "", Path(words[0])
    if len(words) == 2:
        return reader_of(words[0]).kind, Path(words[1])
    raise UsageError(
        "sources add takes one path, and a kind before it if you like",
        hint=f"quote a path that has spaces; the kinds are: {', '.join(KINDS)}",
    )


def _first(space: Workspace, source_id: str, limit: int = 3) -> tuple[Example, ...]:
    cards = space.store.cards(Filter(source_id=source_id), limit=limit)
    return tuple(card.example for card in cards)


def _print_added(
    source: Source,
    detection: Detection,
    report: ScanReport | None,
    first: tuple[Example, ...],
    as_json: bool,
) -> None:
    if as_json:
        document: dict[str, object] = {
            "id": source.id,
            "kind": source.kind,
            "root": source.root,
            "why": detection.why,
            "confidence": detection.confidence,
        }
        if report is not None:
            document |= {"scan": _report_json(report), "first": [_example_json(e) for e in first]}
        print_json(document)
        return
    say(f"{source.kind}: {shorten(source.root, 70)}  ({detection.why})")
    if report is None:
        say(
            f"added as {short_id(source.id)}; read it with: "
            f"finetui sources scan {short_id(source.id)}"
        )
        return
    _print_report(report, source)
    _print_examples(first)


@sources.command("list")
@common_options
def list_sources(workspace: Path | None, as_json: bool) -> None:
    """List the sources with what the last scan found."""
    with opened(workspace) as space:
        found = space.store.sources()
    if as_json:
        print_json([_source_json(source) for source in found])
        return
    if not found:
        say("no sources yet; add one with: finetui sources add PATH")
        return
    rows = [
        (
            short_id(source.id),
            source.kind,
            source.documents,
            source.examples,
            source.skipped,
            shorten(source.root, 48),
        )
        for source in found
    ]
    table(("id", "kind", "documents", "examples", "skipped", "path"), rows)


@sources.command("scan")
@click.argument("identifier", metavar="[ID]", default="")
@common_options
def scan_sources(identifier: str, workspace: Path | None, as_json: bool) -> None:
    """Read one source again, or all of them. Decisions are kept.

    A source that can't be read is named, the others are read all the same, and
    the exit status is 1.
    """
    failed: FinetuiError | None = None
    results: list[dict[str, object]] = []
    with opened(workspace) as space:
        chosen = [space.store.source(identifier)] if identifier else space.store.sources()
        for source in chosen:
            try:
                report = scan(space.store, source, progress=Progress(source.kind, quiet=as_json))
            except SourceError as error:
                if len(chosen) == 1:
                    raise
                failed = failed or error
                results.append({"id": source.id, "error": error.as_dict()})
                if not as_json:
                    say(f"{source.kind}: {shorten(source.root, 70)}\n  not read: {error.message}")
                continue
            results.append({"id": source.id, "scan": _report_json(report)})
            if not as_json:
                say(f"{source.kind}: {shorten(source.root, 70)}")
                _print_report(report, source)
    if as_json and failed is None:
        print_json(results)
    if failed is not None:
        _fail(results, failed, as_json)
    if not results and not as_json:
        say("no sources yet; add one with: finetui sources add PATH")


def _fail(results: list[dict[str, object]], error: FinetuiError, as_json: bool) -> None:
    """End with status 1 after all sources were tried; what was read stays read."""
    if as_json:
        print_json(results)
        raise click.exceptions.Exit(1)
    raise error


@sources.command("remove")
@click.argument("identifier", metavar="ID")
@common_options
def remove(identifier: str, workspace: Path | None, as_json: bool) -> None:
    """Remove a source. Its undecided examples leave the queue; decided ones stay."""
    with opened(workspace) as space:
        source = space.store.source(identifier)
        removed = space.store.remove_source(source.id)
    if as_json:
        print_json({"id": source.id, "examples_removed": removed})
        return
    say(
        f"removed {source.kind} {shorten(source.root, 60)}; "
        f"undecided examples that went: {removed:,}"
    )


@sources.command("detect")
@click.argument("path", type=click.Path(path_type=Path))
@common_options
def detect_path(path: Path, workspace: Path | None, as_json: bool) -> None:
    """Say what a path holds and what it would give. Nothing is stored."""
    found = preview(path, progress=Progress("reading", quiet=as_json))
    if as_json:
        print_json(_preview_json(found))
        return
    detection = found.detection
    say(f"{detection.kind} (confidence {detection.confidence:.2f}): {detection.why}")
    total = sum(found.examples_by_kind.values())
    counts = f"{_count(found.documents, 'document')}, {_count(total, 'example')}"
    say(f"{counts}{_breakdown(found.examples_by_kind)}")
    if found.skipped_by_code:
        say(f"skipped: {_listed(found.skipped_by_code)}")
    _print_examples(found.first)


@sources.command("skipped")
@click.argument("identifier", metavar="ID")
@common_options
def skipped(identifier: str, workspace: Path | None, as_json: bool) -> None:
    """List everything that the last scan of a source did not read, and why."""
    with opened(workspace) as space:
        source = space.store.source(identifier)
        found = space.store.skips(source.id)
    if as_json:
        print_json(
            [
                {"path": skip.path, "line": skip.line, "code": skip.code, "reason": skip.reason}
                for skip in found
            ]
        )
        return
    if not found:
        say("nothing was skipped")
        return
    table(("where", "code", "reason"), [(_where(skip), skip.code, skip.reason) for skip in found])


def _where(skip: Skipped) -> str:
    return f"{skip.path}:{skip.line}" if skip.line else skip.path


def _print_report(report: ScanReport, source: Source) -> None:
    found = f"{_count(report.documents, 'document')}, {_count(report.examples, 'example')}"
    changes = f"new: {report.new:,}, gone: {report.vanished:,}"
    say(f"  {found}{_breakdown(report.kinds)}; {changes}")
    if report.documents and not report.examples:
        say(f"  {_NOTHING[source.kind]}" if source.kind in _NOTHING else "  nothing to train on")
    if report.skipped:
        codes: dict[str, int] = {}
        for skip in report.skipped:
            codes[skip.code] = codes.get(skip.code, 0) + 1
        say(f"  skipped: {_listed(codes)}")
        say(f"  each with its reason: finetui sources skipped {short_id(source.id)}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _breakdown(kinds: Mapping[str, int]) -> str:
    return f" ({_listed(kinds)})" if kinds else ""


def _listed(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {name}" for name, count in ordered)


def _print_examples(examples: tuple[Example, ...]) -> None:
    for example in examples:
        place = example.provenance
        where = f"{place.path}:{place.start_line}" if place.start_line else place.path
        say(f"\n  {short_id(example.id)}  {example.kind}  {where}")
        say(f"    why: {example.reason}")
        for turn in example.turns[:4]:
            text = " ".join(turn.content.split())
            more = "…" if len(text) > _SHOWN_CHARACTERS else ""
            say(f"    {turn.role}: {text[:_SHOWN_CHARACTERS]}{more}")


def _source_json(source: Source) -> dict[str, object]:
    return {
        "id": source.id,
        "kind": source.kind,
        "root": source.root,
        "added_at": source.added_at,
        "scanned_at": source.scanned_at,
        "documents": source.documents,
        "examples": source.examples,
        "skipped": source.skipped,
    }


def _report_json(report: ScanReport) -> dict[str, object]:
    return {
        "documents": report.documents,
        "examples": report.examples,
        "new": report.new,
        "gone": report.vanished,
        "kinds": dict(report.kinds),
        "skipped": [
            {"path": skip.path, "line": skip.line, "code": skip.code, "reason": skip.reason}
            for skip in report.skipped
        ],
    }


def _preview_json(found: Preview) -> dict[str, object]:
    return {
        "kind": found.detection.kind,
        "confidence": found.detection.confidence,
        "why": found.detection.why,
        "documents": found.documents,
        "examples": dict(found.examples_by_kind),
        "skipped": dict(found.skipped_by_code),
        "first": [_example_json(example) for example in found.first],
    }


def _example_json(example: Example) -> dict[str, object]:
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
