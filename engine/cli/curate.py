"""Deciding and editing examples without the terminal app."""

from __future__ import annotations

import io
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from engine.cli.common import Progress, common_options, opened, print_json, say, table
from engine.cli.examples import card_json, chosen, filter_options, print_card
from engine.curate import Curator, from_text, pace, progress, to_text
from engine.curate.editor import decode, edit_text, read_text
from engine.errors import FinetuiError, UsageError
from engine.models import Action, Card, Filter, JournalEntry, QueueRow, Turn, short_id
from engine.store import Store
from engine.text import inert
from engine.workspace import Workspace

DECISIONS: tuple[Action, ...] = ("approve", "reject", "skip")
ACTIONS: tuple[Action, ...] = (*DECISIONS, "undo", "redo")
KEYS = "a approve  r reject  e edit  s skip  u undo  y redo  q quit"
BY_KEY: dict[str, Action] = {"a": "approve", "r": "reject", "s": "skip"}


@click.command()
@filter_options
@common_options
def curate(workspace: Path | None, as_json: bool, **options: Any) -> None:
    """Decide examples one by one: a letter and Enter for each.

    The undecided ones (or those of --state) are shown in the order of the queue. Each
    decision is stored before the next example is shown; q or the end of the input leaves.
    """
    with opened(workspace) as space:
        which = chosen(space.store, **options)
        if not which.states:
            which = replace(which, states=("undecided",))
        session = _Session(space, which, quiet=as_json)
        session.run()
        approved, target = progress(space.store, space.settings.curation.target)
        if as_json:
            print_json({"decided": session.decided, "approved": approved, "target": target})


class _Session:
    """The loop of ``finetui curate``."""

    def __init__(self, space: Workspace, which: Filter, *, quiet: bool) -> None:
        self.decided = 0
        self._space = space
        self._which = which
        self._quiet = quiet
        self._curator = Curator(space.store)
        self._after = -1
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # a stray byte is no letter, and no crash

    def run(self) -> None:
        shown = -1
        while (row := self._next()) is not None:
            if row.position != shown:
                self._show(row)
                shown = row.position
            letter = self._ask()
            if letter in ("", "q"):
                return
            try:
                if self._act(letter, row):
                    shown = -1
            except FinetuiError as error:
                self._say(f"{error.message}" + (f" ({error.hint})" if error.hint else ""))
        self._say("nothing is left to decide")

    def _next(self) -> QueueRow | None:
        # What was passed, or undone meanwhile, comes after the end.
        for after in (self._after, -1):
            if rows := self._space.store.queue_page(self._which, after=after, limit=1):
                return rows[0]
        return None

    def _show(self, row: QueueRow) -> None:
        target = self._space.settings.curation.target
        store = self._space.store
        approved, _ = progress(store, target)
        now = pace(store, time.time(), target=target)
        if self._quiet:
            return
        say()
        print_card(store, store.card(row.example_id))
        parts = [f"{approved:,} of {target:,} approved", f"{store.queue_size(self._which):,} left"]
        if now.per_hour:
            parts.append(f"{now.per_hour:,.0f}/h")
        if now.minutes_to_target:
            parts.append(f"{now.minutes_to_target:,.0f} min to go")
        say(f"── {' · '.join(parts)}\n   {KEYS}")

    def _ask(self) -> str:
        """Return the next letter; empty at the end of the input."""
        if sys.stdin.isatty():
            click.echo("> ", nl=False, err=self._quiet)
        for line in sys.stdin:
            if letter := line.strip():
                return letter.lower()
        return ""

    def _act(self, letter: str, row: QueueRow) -> bool:
        """Do what a letter says, and return whether the card is to be shown anew."""
        if letter in BY_KEY:
            card = self._curator.decide(BY_KEY[letter], row.example_id)
            self._after = row.position
            self.decided += 1
            self._say(_outcome(card))
            return True
        if letter == "e":
            card = self._space.store.card(row.example_id)
            self._curator.edit(row.example_id, _in_editor(self._space, card))
            return True
        if letter in ("u", "y"):
            entry = self._curator.undo() if letter == "u" else self._curator.redo()
            if entry is None:
                self._say(f"nothing to {'undo' if letter == 'u' else 'redo'}")
                return False
            card = self._space.store.card(entry.example_id)
            self._after = card.position - 1
            self._say(f"{entry.action}: {_outcome(card)}")
            return True
        self._say(KEYS)
        return False

    def _say(self, text: str) -> None:
        if not self._quiet:
            say(text)


def _outcome(card: Card) -> str:
    edited = ", edited" if card.edited else ""
    return f"{short_id(card.example.id)} is {card.state}{edited}"


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[ID]... ACTION")
@click.option("--all-undecided", "--all", "everything", is_flag=True, help="All undecided ones.")
@click.option("--filter-kind", "kinds", multiple=True, help="With --all: only of this kind.")
@click.option("--filter-tag", "tag", default="", help="With --all: only with this tag.")
@click.option("--filter-source", "source", default="", help="With --all: only of this source.")
@common_options
def decide(
    words: tuple[str, ...],
    everything: bool,
    kinds: tuple[str, ...],
    tag: str,
    source: str,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Approve, reject or skip examples by id; undo or redo.

    ACTION is approve, reject, skip, undo or redo. An undo without an ID takes the latest
    decision of the workspace back; with IDs, the latest of each.
    """
    action = _action(words[-1])
    given = words[:-1]
    _check_call(action, given, everything=everything, narrowed=bool(kinds or tag or source))
    with opened(workspace) as space:
        curator = Curator(space.store)
        if action in ("undo", "redo"):
            cards = _reverted(space, curator, action, given)
        else:
            if everything:
                which = chosen(space.store, kinds=kinds, tag=tag, source=source)
                ids = _undecided(space.store, which)
            else:
                # All of them first: a wrong id decides nothing.
                ids = [space.store.card(prefix).example.id for prefix in given]
            step = Progress(action, quiet=as_json or len(ids) < 200)
            cards = []
            for done, example_id in enumerate(ids, start=1):
                cards.append(curator.decide(action, example_id))
                step(done, len(ids))
        _print_decided(space, cards, as_json=as_json)


def _action(word: str) -> Action:
    for action in ACTIONS:
        if action == word:
            return action
    raise UsageError(
        f"{word} is no decision",
        hint=f"the last word is one of {', '.join(ACTIONS)}: finetui decide ID approve",
    )


def _check_call(
    action: Action, given: tuple[str, ...], *, everything: bool, narrowed: bool
) -> None:
    if everything and (given or action not in DECISIONS):
        raise UsageError("--all goes with approve, reject or skip, and without ids")
    if narrowed and not everything:
        raise UsageError("the filters go with --all", hint="add --all, or name ids")
    if action == "redo" and given:
        raise UsageError("a redo takes no ids", hint="finetui decide redo")
    if action in DECISIONS and not given and not everything:
        raise UsageError("no id was given", hint=f"finetui decide ID {action}, or --all {action}")


def _undecided(store: Store, which: Filter) -> list[str]:
    which = replace(which, states=("undecided",))
    return [row.example_id for row in store.queue_page(which, limit=store.queue_size(which))]


def _reverted(
    space: Workspace, curator: Curator, action: Action, given: tuple[str, ...]
) -> list[Card]:
    ids = [space.store.card(prefix).example.id for prefix in given] or [""]
    cards: list[Card] = []
    for example_id in ids:
        entry = curator.redo() if action == "redo" else curator.undo(example_id)
        if entry is None:
            about = f" on {short_id(example_id)}" if example_id else ""
            raise UsageError(f"there is nothing to {action}{about}")
        cards.append(space.store.card(entry.example_id))
    return cards


def _print_decided(space: Workspace, cards: list[Card], *, as_json: bool) -> None:
    target = space.settings.curation.target
    approved, _ = progress(space.store, target)
    if as_json:
        rows = [{"id": c.example.id, "state": c.state, "edited": c.edited} for c in cards]
        print_json({"decided": rows, "approved": approved, "target": target})
        return
    for card in cards[:20]:
        say(_outcome(card))
    if len(cards) > 20:
        say(f"… and {len(cards) - 20:,} more")
    say(f"{approved:,} of {target:,} approved")


@click.command()
@click.argument("example_id", metavar="ID")
@click.option("--file", "file", default="", help="Take the text from this file; - is stdin.")
@click.option("--print", "show", is_flag=True, help="Print the text in the form it is edited in.")
@common_options
def edit(example_id: str, file: str, show: bool, workspace: Path | None, as_json: bool) -> None:
    """Edit an example's text: in your editor, or from a file.

    The state stays as it is, the extracted text is kept, and an undo takes the edit back.
    """
    with opened(workspace) as space:
        card = space.store.card(example_id)
        if show:
            _print_text(to_text(card.turns))
            return
        if file == "-":
            turns = from_text(decode(sys.stdin.buffer.read()))
        elif file:
            turns = from_text(read_text(Path(file).expanduser()))
        else:
            turns = _in_editor(space, card)
        after = Curator(space.store).edit(card.example.id, turns)
        if as_json:
            print_json(card_json(after))
            return
        changed = "nothing was changed; " if after.turns == card.turns else ""
        say(f"{changed}{_outcome(after)}")


def _in_editor(space: Workspace, card: Card) -> tuple[Turn, ...]:
    text = edit_text(to_text(card.turns), configured=space.settings.curation.editor)
    return from_text(text)


def _print_text(text: str) -> None:
    if sys.stdout.isatty():
        click.echo(inert(text), nl=False)
    else:  # byte for byte, so that --file takes it back
        sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass"))


@click.command()
@click.option("--limit", type=click.IntRange(min=0), default=50, help="At most so many; 0: all.")
@click.option("--id", "example_id", default="", help="Only of this example.")
@common_options
def journal(limit: int, example_id: str, workspace: Path | None, as_json: bool) -> None:
    """List the decisions, newest first."""
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
    when = datetime.fromtimestamp(entry.at).strftime("%Y-%m-%d %H:%M:%S")
    action = f"{entry.action} {entry.target}" if entry.target else entry.action
    return [entry.seq, when, short_id(entry.example_id), action, entry.session[:6]]


def _entry_json(entry: JournalEntry) -> dict[str, Any]:
    value: dict[str, Any] = {
        "seq": entry.seq,
        "id": entry.example_id,
        "action": entry.action,
        "at": entry.at,
        "session": entry.session,
        "target": entry.target or None,
    }
    if entry.turns:
        value["messages"] = [{"role": turn.role, "content": turn.content} for turn in entry.turns]
    return value
