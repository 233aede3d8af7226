"""``finetui sources``: what examples are read from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.cli.common import Progress, common_options, opened, print_json, say, table
from engine.cli.source_words import (
    example_json,
    preview_json,
    print_detection,
    print_examples,
    print_options,
    print_preview,
    print_report,
    print_told,
    report_json,
    settings,
    skips_json,
    source_json,
    where,
)
from engine.errors import FinetuiError, SourceAmbiguous, SourceError, UsageError
from engine.extract.adding import located
from engine.extract.scan import ScanReport, preview, scan
from engine.models import Example, Filter, Source, short_id
from engine.paths import shorten
from engine.sources import (
    KINDS,
    Detection,
    candidates,
    certain,
    check_options,
    detect,
    detect_as,
    is_address,
    reader_of,
    settled,
    told_of,
)
from engine.sources.flags import gathered
from engine.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])


def set_option(function: Command) -> Command:
    """Add ``--set NAME=VALUE``, which arrives as the mapping ``options``."""
    return click.option(
        "--set",
        "options",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_parsed,
        help="Set something about the source; see: finetui sources options. May be repeated.",
    )(function)


def _parsed(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    options: dict[str, str] = {}
    for value in values:
        name, sign, text = value.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"{value} sets nothing", hint="write it as --set NAME=VALUE")
        options[name.strip()] = text.strip()
    return options


@click.group("sources")
def sources() -> None:
    """Add, scan, list, detect and remove sources. A source is only ever read."""


@sources.command("add")
@click.argument("words", nargs=-1, required=True, metavar="[KIND] PATH_OR_URL")
@set_option
@click.option("--no-scan", is_flag=True, help="Add it without reading it.")
@common_options
def add(
    words: tuple[str, ...],
    options: dict[str, str],
    no_scan: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Add a folder, file or address and read it. KIND is detected where it is not named."""
    kind, place = _kind_and_place(words)
    detection = detect_as(kind, place, options) if kind else detect(place)
    options = settled(detection, options)
    _check_choices(detection, options)
    with opened(workspace) as space:
        root = located(space, place)
        source = space.store.add_source(detection.kind, root, options)
        if not no_scan:
            ask_token(source.kind, root)
        if no_scan:
            _print_added(source, detection, None, (), as_json)
            return
        report = scan(
            space.store, source, progress=Progress("reading", quiet=as_json, in_bytes=True)
        )
        first = _first(space, source.id)
    _print_added(source, detection, report, first, as_json)


def _check_choices(detection: Detection, options: dict[str, str]) -> None:
    """See that what was set is there: a column of the file, a collection of the database.

    A path into a column or a rule for splitting a text is not among the choices.
    """
    for name, value in options.items():
        choices = detection.choices.get(name)
        if choices and value not in choices and not set(value) & set(".:[ "):
            raise UsageError(
                f"there is no {value} to set {name} to",
                hint=f"there are: {', '.join(choices[:20])}",
            )


def ask_token(kind: str, place: str) -> None:
    """Ask for the token of an app's export, where there is none and somebody can answer.

    It is held in this process alone.
    """
    from engine.sources.memory.token import VARIABLE, offer, token_for

    if kind != "memory" or not is_address(place) or token_for(place) is not None:
        return
    if sys.stdin.isatty():
        shown = f"Token for {shorten(place, 50)} (not shown; {VARIABLE} saves asking)"
        offer(place, click.prompt(shown, hide_input=True, err=True))


def _kind_and_place(words: tuple[str, ...]) -> tuple[str, str]:
    if len(words) == 1:
        return "", words[0]
    if len(words) == 2:
        return reader_of(words[0]).kind, words[1]
    raise UsageError(
        "sources add takes one path or address, and a kind before it if you like",
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
            "options": dict(source.options),
            "told": list(told_of(source.kind, source.options)),
            "why": detection.why,
            "confidence": detection.confidence,
        }
        if report is not None:
            document |= {"scan": report_json(report), "first": [example_json(e) for e in first]}
        print_json(document)
        return
    say(f"{source.kind}: {shorten(source.root, 70)}  ({detection.why})")
    if source.options:
        say(f"  {settings(source.options)}")
    print_told(told_of(source.kind, source.options))
    if report is None:
        say(
            f"added as {short_id(source.id)}; read it with: "
            f"finetui sources scan {short_id(source.id)}"
        )
        return
    print_report(report, source)
    print_examples(first)


@sources.command("list")
@common_options
def list_sources(workspace: Path | None, as_json: bool) -> None:
    """List the sources with what the last scan found."""
    with opened(workspace) as space:
        found = space.store.sources()
    if as_json:
        print_json([source_json(source) for source in found])
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
@click.option("--again", is_flag=True, help="Read every file, changed or not.")
@common_options
def scan_sources(identifier: str, again: bool, workspace: Path | None, as_json: bool) -> None:
    """Read what changed in one source, or in all of them. Decisions are kept.

    A source that can't be read is named, the others are read all the same, and
    the exit status is 1.
    """
    failed: FinetuiError | None = None
    results: list[dict[str, object]] = []
    with opened(workspace) as space:
        chosen = [space.store.source(identifier)] if identifier else space.store.sources()
        for source in chosen:
            try:
                ask_token(source.kind, source.root)
                progress = Progress(source.kind, quiet=as_json, in_bytes=True)
                report = scan(space.store, source, progress=progress, again=again)
            except (SourceError, UsageError) as error:
                if len(chosen) == 1:
                    raise
                failed = failed or error
                results.append({"id": source.id, "error": error.as_dict()})
                if not as_json:
                    say(f"{source.kind}: {shorten(source.root, 70)}\n  not read: {error.message}")
                continue
            results.append({"id": source.id, "scan": report_json(report)})
            if not as_json:
                say(f"{source.kind}: {shorten(source.root, 70)}")
                print_report(report, source)
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


@sources.command("set")
@click.argument("identifier", metavar="ID")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE...")
@common_options
def set_source(
    identifier: str, values: tuple[str, ...], workspace: Path | None, as_json: bool
) -> None:
    """Set something about a source and read it again. An empty value takes it back."""
    with opened(workspace) as space:
        source = space.store.source(identifier)
        given = _named(values)
        known = {option.name for option in reader_of(source.kind).options}
        # An empty value takes an option back, whatever values it can have.
        check_options(source.kind, {n: v for n, v in given.items() if v or n not in known})
        options = {name: value for name, value in {**source.options, **given}.items() if value}
        source = space.store.add_source(source.kind, source.root, options)
        ask_token(source.kind, source.root)
        report = scan(
            space.store, source, progress=Progress("reading", quiet=as_json, in_bytes=True)
        )
    if as_json:
        print_json({"id": source.id, "options": dict(source.options), "scan": report_json(report)})
        return
    say(f"{source.kind}: {shorten(source.root, 70)}")
    if source.options:
        say(f"  {settings(source.options)}")
    print_told(told_of(source.kind, source.options))
    print_report(report, source)


def _named(values: tuple[str, ...]) -> dict[str, str]:
    return _parsed(click.get_current_context(), click.Option(["--set"]), values)


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
@click.argument("place", metavar="PATH_OR_URL")
@click.option("--as", "kind", default="", metavar="KIND", help="Look at it as this kind.")
@set_option
@common_options
def detect_place(
    place: str, kind: str, options: dict[str, str], workspace: Path | None, as_json: bool
) -> None:
    """Say what a place holds, how sure that is, and what it would give. Nothing is stored."""
    found = (detect_as(kind, place, options),) if kind else candidates(place)
    try:
        best = certain(place, found).kind
    except SourceAmbiguous as error:
        if not as_json:
            for detection in found:
                print_detection(detection)
        raise SourceAmbiguous(
            error.message, hint=f"look at it as one of them with: --as {found[0].kind}"
        ) from error
    ask_token(best, place)
    seen = preview(
        place,
        kind=best,
        options=options,
        progress=Progress("reading", quiet=as_json, in_bytes=True),
    )
    if as_json:
        print_json(preview_json(seen, found[1:]))
        return
    print_preview(seen)
    for other in found[1:]:
        say(f"\nless likely {other.kind} (confidence {other.confidence:.2f}): {other.why}")


@sources.command("options")
@click.argument("kind", default="", metavar="[KIND]")
@common_options
def show_options(kind: str, workspace: Path | None, as_json: bool) -> None:
    """List the kinds of source, and what can be set about each."""
    chosen = [reader_of(kind).kind] if kind else list(KINDS)
    if as_json:
        print_json([_kind_json(name) for name in chosen])
        return
    for name in chosen:
        print_options(name)


def _kind_json(kind: str) -> dict[str, object]:
    reader = reader_of(kind)
    return {
        "kind": reader.kind,
        "label": reader.label,
        "options": [
            {
                "name": option.name,
                "help": option.help,
                "default": option.default,
                "choices": list(option.choices),
            }
            for option in reader.options
        ],
    }


@sources.command("skipped")
@click.argument("identifier", metavar="ID")
@common_options
def skipped(identifier: str, workspace: Path | None, as_json: bool) -> None:
    """List everything that the last scan of a source did not read, and why."""
    with opened(workspace) as space:
        source = space.store.source(identifier)
        found = gathered(space.store.skips(source.id))
    if as_json:
        print_json(skips_json(found))
        return
    if not found:
        say("nothing was skipped")
        return
    table(("where", "code", "reason"), [(where(skip), skip.code, skip.reason) for skip in found])
