"""Listing, showing and searching examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.cli.decided import conflict_json, conflict_words
from engine.errors import FinetuiError, UsageError
from engine.models import (
    FLAG_KINDS,
    ORIGINS,
    STATES,
    Card,
    Filter,
    Origin,
    QueueRow,
    State,
    short_id,
)
from engine.paths import shorten
from engine.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])

SIGNS: dict[State, str] = {"approved": "✓", "rejected": "✗", "skipped": "»", "undecided": "?"}
TAGS_SHOWN = 20
ORIGIN_WORDS: dict[Origin, str] = {"changed": "its source changed", "gone": "its source is gone"}


def filter_options(function: Command) -> Command:
    """Add the options that choose a part of the queue; see :func:`chosen`."""
    for option in (
        click.option("--state", "states", type=click.Choice(STATES), multiple=True),
        click.option("--kind", "kinds", multiple=True, help="Only this kind; may be repeated."),
        click.option("--tag", default="", help="Only with this tag."),
        click.option("--source", default="", help="Only from this source (a prefix of its id)."),
        click.option(
            "--origin",
            "origins",
            type=click.Choice(ORIGINS),
            multiple=True,
            help="Only decided ones whose source changed, or is gone.",
        ),
        click.option("--edited/--unedited", default=None, help="Only edited ones, or no edited."),
        click.option(
            "--conflict/--no-conflict",
            default=None,
            help="Only those decided without having seen what others did, or none of them.",
        ),
        click.option(
            "--flag", "flags", multiple=True, help="Only with this flag: KIND or KIND:CODE."
        ),
        click.option("--language", "languages", multiple=True, help="Only in this language."),
        click.option(
            "--min-quality", type=click.FloatRange(0, 1), default=None, help="Only this good."
        ),
        click.option(
            "--max-quality", type=click.FloatRange(0, 1), default=None, help="Only this bad."
        ),
    ):
        function = option(function)
    return function


def chosen(
    store: Store,
    *,
    states: tuple[State, ...] = (),
    kinds: tuple[str, ...] = (),
    tag: str = "",
    source: str = "",
    edited: bool | None = None,
    conflict: bool | None = None,
    origins: tuple[Origin, ...] = (),
    text: str = "",
    flags: tuple[str, ...] = (),
    languages: tuple[str, ...] = (),
    min_quality: float | None = None,
    max_quality: float | None = None,
) -> Filter:
    """Return the filter that the options of :func:`filter_options` mean.

    Raises:
        SourceMissing: No source has that id.
        UsageError: There is no such kind of flag.
    """
    for flag in flags:
        kind = flag.partition(":")[0]
        if kind not in FLAG_KINDS:
            raise UsageError(
                f"there is no kind of flag {kind!r}", hint=f"kinds are {', '.join(FLAG_KINDS)}"
            )
    return Filter(
        states=states,
        kinds=kinds,
        tag=tag.removeprefix("#"),
        source_id=store.source(source).id if source else "",
        edited=edited,
        conflict=conflict,
        origins=origins,
        text=text,
        flags=flags,
        languages=languages,
        min_quality=min_quality,
        max_quality=max_quality,
    )


@click.group()
def examples() -> None:
    """List, show and search examples."""


@examples.command("list")
@filter_options
@click.option("--limit", type=click.IntRange(min=0), default=50, help="At most so many; 0: all.")
@common_options
def list_examples(workspace: Path | None, as_json: bool, limit: int, **options: Any) -> None:
    """List examples in the order of the queue."""
    with opened(workspace) as space:
        _print_rows(space.store, chosen(space.store, **options), limit, as_json=as_json)


@examples.command()
@click.argument("text", nargs=-1, required=True)
@filter_options
@click.option("--limit", type=click.IntRange(min=0), default=50, help="At most so many; 0: all.")
@common_options
def search(
    text: tuple[str, ...], workspace: Path | None, as_json: bool, limit: int, **options: Any
) -> None:
    """List examples whose text, heading or title has words that begin with each word of TEXT."""
    with opened(workspace) as space:
        which = chosen(space.store, text=" ".join(text), **options)
        _print_rows(space.store, which, limit, as_json=as_json)


def _print_rows(store: Store, which: Filter, limit: int, *, as_json: bool) -> None:
    total = store.queue_size(which)
    rows = store.queue_page(which, limit=limit or max(total, 1))
    if as_json:
        print_json({"total": total, "examples": [row_json(row) for row in rows]})
        return
    if not rows:
        say(_why_empty(store))
        return
    table(
        ["", "id", "kind", "example"],
        [(_signs(row), short_id(row.example_id), row.kind, row.label) for row in rows],
    )
    if total > len(rows):
        say(f"{len(rows):,} of {total:,}; see all with --limit 0")


def _signs(row: QueueRow) -> str:
    return (
        SIGNS[row.state]
        + ("~" if row.edited else "")
        + ("≠" if row.origin else "")
        + ("!" if row.flagged else "")
        + ("⇄" if row.conflict else "")
    )


def _why_empty(store: Store) -> str:
    if store.queue_size():
        return "no example fits"
    return "there are no examples yet; add a source with: finetui sources add PATH"


@examples.command()
@click.argument("example_id", metavar="ID")
@click.option("--original", is_flag=True, help="Show the text as it was extracted.")
@common_options
def show(example_id: str, original: bool, workspace: Path | None, as_json: bool) -> None:
    """Show an example: where it comes from, its state, and its turns."""
    with opened(workspace) as space:
        card = space.store.card(example_id)
        if as_json:
            print_json(card_json(card))
            return
        print_card(space.store, card, original=original)


@examples.command()
@common_options
def stats(workspace: Path | None, as_json: bool) -> None:
    """Count examples by state, kind, source and tag."""
    with opened(workspace) as space:
        store = space.store
        counts = store.counts()
        by_source = [
            (source, store.counts(Filter(source_id=source.id))) for source in store.sources()
        ]
        if as_json:
            print_json(
                {
                    "total": counts.total,
                    "states": {state: getattr(counts, state) for state in STATES},
                    "edited": counts.edited,
                    "conflicts": counts.conflicts,
                    "target": space.settings.curation.target,
                    "kinds": dict(store.kinds()),
                    "sources": {source.id: number.total for source, number in by_source},
                    "tags": dict(store.tags()),
                    "languages": dict(store.languages()),
                    "flags": {f"{kind}:{code}": n for kind, code, n in store.flag_counts()},
                }
            )
            return
        table(
            ["state", "examples"],
            [(name, getattr(counts, name)) for name in (*STATES, "total", "edited")],
        )
        if counts.conflicts:
            say(f"{counts.conflicts:,} in conflict; see: finetui examples list --conflict")
        say(f"{counts.approved:,} of {space.settings.curation.target:,} wanted are approved")
        _print_table("kind", store.kinds())
        _print_table("source", [(shorten(s.root, 60), c.total) for s, c in by_source])
        _print_table("tag", store.tags()[:TAGS_SHOWN])
        _print_table("language", store.languages())
        _print_table("flag", [(f"{kind}:{code}", n) for kind, code, n in store.flag_counts()])


def _print_table(name: str, rows: list[tuple[str, int]]) -> None:
    if rows:
        say()
        table([name, "examples"], rows)


def row_json(row: QueueRow) -> dict[str, Any]:
    """Return a queue row as ``--json`` prints it."""
    return {
        "id": row.example_id,
        "position": row.position,
        "state": row.state,
        "edited": row.edited,
        "kind": row.kind,
        "label": row.label,
        "origin": row.origin,
        "flagged": row.flagged,
        "in_conflict": row.conflict,
    }


def card_json(card: Card) -> dict[str, Any]:
    """Return a card as ``--json`` prints it."""
    example, where = card.example, card.example.provenance
    return {
        "id": example.id,
        "kind": example.kind,
        "state": card.state,
        "edited": card.edited,
        "origin": card.origin,
        "question_by": card.question_by or None,
        "follows": example.follows or None,
        "position": card.position,
        "decided_at": card.decided_at or None,
        "seen": card.seen,
        "conflict": conflict_json(card.conflict),
        "score": example.score,
        "reason": example.reason,
        "provenance": {
            "source": where.source_id,
            "path": where.path,
            "start_line": where.start_line,
            "end_line": where.end_line,
            "heading": where.heading,
            "title": where.title,
            "tags": list(where.tags),
            "date": where.date,
            "content_hash": where.content_hash,
            "record": where.record,
        },
        "metadata": dict(example.metadata),
        "messages": [{"role": turn.role, "content": turn.content} for turn in card.turns],
        "alternatives": [
            {"turn": other.turn, "content": other.content} for other in example.alternatives
        ],
        "checked": card.checked,
        "flags": [asdict(flag) for flag in card.flags],
        "measures": dict(card.measures),
        "original": [{"role": turn.role, "content": turn.content} for turn in example.turns],
    }


def print_card(store: Store, card: Card, *, original: bool = False) -> None:
    """Print a card for a person."""
    example, where = card.example, card.example.provenance
    state = f"{SIGNS[card.state]} {card.state}" + (", edited" if card.edited else "")
    if card.question_by:
        state += f", question by {card.question_by}"
    if card.origin:
        state += f", {ORIGIN_WORDS[card.origin]}"
    say(f"{example.id}  {example.kind}  {state}")
    lines = f":{where.start_line}-{where.end_line}" if where.start_line else ""
    about = [
        ("source", _root(store, where.source_id)),
        ("from", f"{where.path}{lines}"),
        ("heading", where.heading),
        ("title", where.title),
        ("date", where.date),
        ("tags", " ".join(f"#{tag}" for tag in where.tags)),
        ("score", f"{example.score:.2f}" + (f"  {example.reason}" if example.reason else "")),
        ("checks", _measured(card)),
        ("follows", _older(store, example.follows)),
        *((name, value) for name, value in example.metadata.items()),
    ]
    for name, value in about:
        if value:
            say(f"  {name:8} {value}".replace("\n", " "))
    if card.conflict is not None:
        say(f"  ⇄ {conflict_words(card.conflict)}")
    for flag in card.flags:
        where_in = f", message {flag.turn + 1}" if flag.turn >= 0 else ""
        where_in = f", {flag.place}" if flag.place else where_in
        say(f"  ! {flag.kind}: {flag.code} {flag.score:.2f}{where_in}: {flag.reason}")
    for turn in example.turns if original else card.turns:
        say(turn.role)
        for line in turn.content.split("\n"):
            say(f"  {line}")
    for other in example.alternatives:
        say(f"another answer, to message {other.turn + 1}")
        for line in other.content.split("\n"):
            say(f"  {line}")
    if card.edited and not original:
        say("(edited; the extracted text is shown by --original)")


def _measured(card: Card) -> str:
    """Return what is known of a card besides flags, in a line."""
    if not card.checked:
        return "not checked as it is now; finetui check does it"
    language, quality = card.measures.get("language"), card.measures.get("quality")
    tokens = card.measures.get("tokens")
    parts = [
        str(language) if language else "",
        f"quality {quality:.2f}" if isinstance(quality, float | int) else "",
        f"{tokens:,.0f} tokens" if isinstance(tokens, float | int) else "",
    ]
    return " · ".join(part for part in parts if part)


def _older(store: Store, example_id: str) -> str:
    """Return which example another follows, and what was decided about it."""
    if not example_id:
        return ""
    try:
        return f"{short_id(example_id)}, which is {store.card(example_id).state}"
    except FinetuiError:
        return f"{short_id(example_id)}, which is gone"


def _root(store: Store, source_id: str) -> str:
    try:
        source = store.source(source_id)
    except FinetuiError:
        return "(removed)"
    return f"{shorten(source.root, 60)}  ({source.kind})"
