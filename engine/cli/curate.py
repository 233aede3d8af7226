"""Deciding and editing examples without the terminal app."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say
from engine.cli.decided import conflict_json, conflict_words, saving_decisions, when
from engine.cli.examples import card_json, chosen, filter_options, print_card
from engine.curate import Curator, from_text, pace, progress, to_text
from engine.curate.editor import decode, edit_text, read_text
from engine.errors import DiskFull, FinetuiError, UsageError, WorkspaceError, WorkspaceReplaced
from engine.models import (
    Action,
    BulkDecided,
    Card,
    Filter,
    JournalEntry,
    QueueRow,
    Reverted,
    Turn,
    short_id,
)
from engine.store import Store
from engine.store.fold import STATE_AFTER, replaced_by
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
    The exit status is 1 where one could not be stored.
    """
    with opened(workspace) as space:
        which = chosen(space.store, **options)
        if not which.states:
            which = replace(which, states=("undecided",))
        session = _Session(space, which, quiet=as_json)
        with saving_decisions(space):
            session.run()
        approved, target = progress(space.store, space.settings.curation.target)
        if as_json:
            refused = {} if session.refused is None else {"error": session.refused.as_dict()}
            counted = {"decided": session.decided, "approved": approved, "target": target}
            print_json(counted | refused)
    if session.refused is not None:
        raise click.exceptions.Exit(1)


class _Session:
    """The loop of ``finetui curate``."""

    def __init__(self, space: Workspace, which: Filter, *, quiet: bool) -> None:
        self.decided = 0
        self.refused: FinetuiError | None = None
        self._space = space
        self._which = which
        self._quiet = quiet
        self._curator = Curator(space.store)
        self._after = -1
        self._seen = 0
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
            except WorkspaceReplaced:
                raise
            except FinetuiError as error:
                if isinstance(error, WorkspaceError | DiskFull):
                    self.refused = error
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
        card = store.card(row.example_id)
        self._seen = card.seen
        if self._quiet:
            return
        say()
        print_card(store, card)
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
            card = self._curator.decide(BY_KEY[letter], row.example_id, self._seen)
            # What others did meanwhile is shown, and asked about again.
            self._after = row.position - (card.conflict is not None)
            self.decided += 1
            self._say(_outcome(card))
            return True
        if letter == "e":
            card = self._space.store.card(row.example_id)
            turns = _in_editor(self._space, card)
            after = self._curator.edit(row.example_id, turns, card.seen)
            if after.conflict is not None:
                self._say(_outcome(after))
            return True
        if letter in ("u", "y"):
            reverted = self._curator.undo() if letter == "u" else self._curator.redo()
            if reverted is None:
                self._say(f"nothing to {'undo' if letter == 'u' else 'redo'}")
                return False
            card = self._space.store.card(reverted.example_id)
            self._after = card.position - 1
            self._say(f"{reverted.action}: {_outcome(card)}{_reverted_words(reverted)}")
            return True
        self._say(KEYS)
        return False

    def _say(self, text: str) -> None:
        if not self._quiet:
            say(text)


def _outcome(card: Card) -> str:
    edited = ", edited" if card.edited else ""
    words = f"{short_id(card.example.id)} is {card.state}{edited}"
    return words + (f"\n  {conflict_words(card.conflict)}" if card.conflict else "")


def _reverted_words(reverted: Reverted) -> str:
    """Return what else is said of an undo or redo: how many, and whose they were."""
    words = f" and {reverted.examples - 1:,} more" if reverted.examples > 1 else ""
    if reverted.foreign:
        whose = reverted.targets[-1]
        words += f" (decided by session {whose.session[:6]}, {when(whose.at)})"
    return words


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[ID]... ACTION")
@click.option("--all-undecided", "--all", "everything", is_flag=True, help="All undecided ones.")
@click.option("--filter-kind", "kinds", multiple=True, help="With --all: only of this kind.")
@click.option("--filter-tag", "tag", default="", help="With --all: only with this tag.")
@click.option("--filter-source", "source", default="", help="With --all: only of this source.")
@click.option(
    "--seen",
    type=click.IntRange(min=0),
    default=None,
    help="With an ID: the 'seen' of examples show --json. What others did since is a conflict.",
)
@common_options
def decide(
    words: tuple[str, ...],
    everything: bool,
    kinds: tuple[str, ...],
    tag: str,
    source: str,
    seen: int | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Approve, reject or skip examples by id; undo or redo.

    ACTION is approve, reject, skip, undo or redo. All that one call decides is one step for
    an undo. An undo without an ID takes your latest step back, and where this process has
    none, the workspace's; with IDs, the latest decision on each. --all leaves out examples
    that are in conflict.
    """
    action = _action(words[-1])
    given = words[:-1]
    _check_call(action, given, everything=everything, narrowed=bool(kinds or tag or source))
    if seen is not None and (len(given) != 1 or action not in DECISIONS):
        raise UsageError("--seen goes with one id", hint="finetui decide ID approve --seen NUMBER")
    with opened(workspace) as space, saving_decisions(space):
        curator = Curator(space.store)
        if action in ("undo", "redo"):
            _print_reverted(space, _reverted(space, curator, action, given), as_json=as_json)
        elif everything:
            which = replace(
                chosen(space.store, kinds=kinds, tag=tag, source=source), states=("undecided",)
            )
            left_out = space.store.queue_size(replace(which, conflict=True))
            done = curator.decide_filtered(action, replace(which, conflict=False))
            _print_decided(space, done, left_out=left_out, as_json=as_json)
        else:
            # All of them first: a wrong id decides nothing.
            cards = [space.store.card(prefix) for prefix in given]
            pairs = [(card.example.id, card.seen if seen is None else seen) for card in cards]
            done = curator.decide_many(action, pairs)
            _print_decided(space, done, shown=[one for one, _ in pairs], as_json=as_json)


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


def _reverted(
    space: Workspace, curator: Curator, action: Action, given: tuple[str, ...]
) -> list[Reverted]:
    ids = [space.store.card(prefix).example.id for prefix in given] or [""]
    done: list[Reverted] = []
    with space.store.operation():
        for example_id in ids:
            reverted = curator.redo() if action == "redo" else curator.undo(example_id)
            if reverted is None:
                about = f" on {short_id(example_id)}" if example_id else ""
                raise UsageError(f"there is nothing to {action}{about}")
            done.append(reverted)
    return done


def _print_reverted(space: Workspace, done: list[Reverted], *, as_json: bool) -> None:
    approved, target = progress(space.store, space.settings.curation.target)
    ids = list(dict.fromkeys(entry.example_id for one in done for entry in one.entries))
    if as_json:
        whose = {entry.example_id: entry.session for one in done for entry in one.targets}
        print_json(
            {
                "decided": [
                    _row_json(row) | {"decided_by": whose[row.example_id]}
                    for row in space.store.queue_rows(ids)
                ],
                "examples": len(ids),
                "foreign": any(one.foreign for one in done),
                "approved": approved,
                "target": target,
            }
        )
        return
    for one in done:
        card = space.store.card(one.example_id)
        say(f"{one.action}: {_outcome(card)}{_reverted_words(one)}")
    say(f"{approved:,} of {target:,} approved")


def _row_json(row: QueueRow) -> dict[str, Any]:
    return {
        "id": row.example_id,
        "state": row.state,
        "edited": row.edited,
        "in_conflict": row.conflict,
    }


def _print_decided(
    space: Workspace,
    done: BulkDecided,
    *,
    shown: Sequence[str] = (),
    left_out: int = 0,
    as_json: bool,
) -> None:
    """Print what a decision did.

    Args:
        space: The workspace.
        done: What was decided.
        shown: Examples that are shown whether or not something changed, with what was
            replaced; empty for all that changed.
        left_out: How many were left out because they are in conflict.
        as_json: Whether a program reads it.
    """
    store = space.store
    approved, target = progress(store, space.settings.curation.target)
    conflicts = dict(done.conflicts)
    rows = store.queue_rows(shown or done.decided)
    replaced = {one: _replaced(store, one, done) for one in shown if one in done.decided}
    if as_json:
        print_json(
            {
                "decided": [
                    _row_json(row)
                    | {
                        "conflict": conflict_json(conflicts.get(row.example_id)),
                        "replaced": _entry_words(replaced.get(row.example_id)),
                    }
                    for row in rows
                ],
                "operation": done.operation or None,
                "unchanged": done.unchanged,
                "conflicts": len(conflicts),
                "left_out_in_conflict": left_out,
                "approved": approved,
                "target": target,
            }
        )
        return
    for row in rows[:20]:
        before = replaced.get(row.example_id)
        edited = ", edited" if row.edited else ""
        words = f"{short_id(row.example_id)} is {row.state}{edited}"
        if before is not None and STATE_AFTER[before.action] != row.state:
            by = f"by session {before.session[:6]}, {when(before.at)}"
            words += f" (was {STATE_AFTER[before.action]} {by})"
        say(words)
    for conflict in conflicts.values():
        say(f"  {conflict_words(conflict)}")
    if len(rows) > 20:
        say(f"… and {len(rows) - 20:,} more; one undo takes all of them back")
    if left_out:
        say(f"{left_out:,} in conflict left out; see: finetui examples list --conflict")
    say(f"{approved:,} of {target:,} approved")


def _replaced(store: Store, example_id: str, done: BulkDecided) -> JournalEntry | None:
    """Return another session's decision that this one came in the place of."""
    journal = store.journal(example_id=example_id)[::-1]
    mine = next(one for one in journal if one.operation == done.operation)
    before = replaced_by(mine, journal)
    return before if before is not None and before.session != store.session else None


def _entry_words(entry: JournalEntry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {"seq": entry.seq, "action": entry.action, "session": entry.session, "at": entry.at}


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
        with saving_decisions(space):
            after = Curator(space.store).edit(card.example.id, turns, card.seen)
        if as_json:
            print_json(card_json(after))
            return
        changed = "nothing was changed; " if after.seen == card.seen else ""
        say(f"{changed}{_outcome(after)}")


def _in_editor(space: Workspace, card: Card) -> tuple[Turn, ...]:
    text = edit_text(to_text(card.turns), configured=space.settings.curation.editor)
    return from_text(text)


def _print_text(text: str) -> None:
    if sys.stdout.isatty():
        click.echo(inert(text), nl=False)
    else:  # byte for byte, so that --file takes it back
        sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass"))
