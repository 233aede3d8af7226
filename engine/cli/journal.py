"""The journal of decisions without the terminal app."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.cli.decided import when
from engine.errors import JournalMismatch
from engine.models import JournalEntry, short_id
from engine.store.verify import Verified

_SHOWN = 20


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(min=0), default=50, help="At most so many; 0: all.")
@click.option("--id", "example_id", default="", help="Only of this example.")
@common_options
@click.pass_context
def journal(
    ctx: click.Context, limit: int, example_id: str, workspace: Path | None, as_json: bool
) -> None:
    """List the decisions, newest first; verify them, or take over saved ones."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = workspace
        return
    with opened(workspace) as space:
        whole = space.store.card(example_id).example.id if example_id else ""
        entries = space.store.journal(limit or None, whole)
        if as_json:
            print_json([_entry_json(entry) for entry in entries])
            return
        if not entries:
            say("nothing is decided yet; start with: finetui curate")
            return
        table(["seq", "when", "id", "action", "session"], [_entry_row(entry) for entry in entries])


def _entry_row(entry: JournalEntry) -> list[object]:
    action = f"{entry.action} {entry.target}" if entry.target else entry.action
    return [entry.seq, when(entry.at), short_id(entry.example_id), action, entry.session[:6]]


def _entry_json(entry: JournalEntry) -> dict[str, Any]:
    value: dict[str, Any] = {
        "seq": entry.seq,
        "id": entry.example_id,
        "action": entry.action,
        "at": entry.at,
        "session": entry.session,
        "target": entry.target or None,
        "operation": entry.operation or None,
        "seen": entry.seen,
    }
    if entry.turns:
        value["messages"] = [{"role": turn.role, "content": turn.content} for turn in entry.turns]
    return value


@journal.command()
@click.option("--repair", is_flag=True, help="Write anew what differs from the journal.")
@common_options
@click.pass_context
def verify(ctx: click.Context, repair: bool, workspace: Path | None, as_json: bool) -> None:
    """Prove that states and texts are what the journal says.

    Every state, text, label and search entry is compared with what the journal's entries come
    to, and each original text with the id that was made of it. What differs is listed, and the
    exit status is 1. --repair writes it anew from the journal, which itself is never changed.
    """
    with opened(workspace or ctx.obj) as space:
        found = space.store.verify(repair=repair)
        left = space.store.verify() if repair and found.differences else found
    if not as_json:
        _print_differences(found)
    if left.differences:
        error = _mismatch(left, repaired=repair)
        if as_json:
            print_json(_verified_json(found) | {"error": error.as_dict()})
            ctx.exit(1)
        raise error
    if as_json:
        print_json(_verified_json(found))
        return
    if found.repaired or found.differences:
        say(f"repaired; {found.repaired:,} examples are written anew")
    say(f"{found.examples:,} examples are what {found.entries:,} entries of the journal say")


def _mismatch(left: Verified, *, repaired: bool) -> JournalMismatch:
    number = len({one.example_id for one in left.differences})
    return JournalMismatch(
        f"{number:,} of {left.examples:,} examples differ from the journal of decisions",
        hint="what is left can't be computed from the journal; put a backup in its place, "
        "or reject these examples: finetui decide ID --reject"
        if repaired
        else "write them anew from the journal with: finetui journal verify --repair",
    )


def _verified_json(found: Verified) -> dict[str, Any]:
    return {
        "examples": found.examples,
        "entries": found.entries,
        "differences": [asdict(one) for one in found.differences],
        "repaired": found.repaired,
    }


def _print_differences(found: Verified) -> None:
    if found.differences:
        table(
            ["id", "what", "stored", "journal"],
            [
                (short_id(one.example_id), one.what, one.stored, one.journal)
                for one in found.differences[:_SHOWN]
            ],
        )
    if len(found.differences) > _SHOWN:
        say(f"… and {len(found.differences) - _SHOWN:,} more; all with --json")


@journal.command("import")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@common_options
@click.pass_context
def take_over(ctx: click.Context, file: Path, workspace: Path | None, as_json: bool) -> None:
    """Take decisions over from a file that was saved, or from a copy of the database.

    Decisions that are here already are left out, so that it can be done twice. What others
    decided here meanwhile is kept, and shown as a conflict.
    """
    with opened(workspace or ctx.obj) as space:
        done = space.store.take_over_decisions(file.expanduser())
    if as_json:
        print_json(asdict(done))
        return
    say(f"{done.taken:,} decisions taken over; {done.known:,} were here already")
    if done.gone:
        say(f"{done.gone:,} are about examples that are not here; scan their source first")
    if done.conflicts:
        say(f"{len(done.conflicts):,} in conflict; see: finetui examples list --conflict")
