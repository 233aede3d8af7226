"""Checking examples: language, length, quality, safety, secrets and personal data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import click

from engine.cli.common import Progress, common_options, opened, print_json, say, table
from engine.curate import Redaction, redact_example
from engine.curate.elsewhere import OFFERED, find_elsewhere, redact_elsewhere, redacted_values
from engine.errors import FinetuiError, WorkspaceReplaced
from engine.models import FLAG_KINDS, Filter, short_id
from engine.quality.checks import CHECKS, make, options_of
from engine.quality.child import check_and_decide
from engine.quality.finder import Value
from engine.quality.stage import CheckReport
from engine.quality.stage import check as look_at
from engine.store import Store
from engine.workspace import Workspace

_MOST_FAILURES = 10
_HIDDEN = ("secrets", "personal")


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--only", "names", type=click.Choice(list(CHECKS)), multiple=True, help="Only this check."
)
@click.option("--again", is_flag=True, help="Look at examples that have not changed, too.")
@common_options
def check(
    ids: tuple[str, ...],
    names: tuple[str, ...],
    again: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Look for what should not be in the data, and measure what is; nothing is decided.

    Looked at are examples that are new, or changed since the last check; with IDs only
    those. Rules of your own ([[check.rules]] in finetui.toml) decide what nobody has.
    """
    with opened(workspace) as space:
        space.store.require_in_place()  # a look takes long, and would be for nothing
        report = check_and_decide(
            space,
            names=names,
            example_ids=[space.store.card(one).example.id for one in ids],
            again=again,
            progress=Progress("checking", quiet=as_json),
        )
        if as_json:
            print_json(
                asdict(report)
                | {"standing": {f"{k}:{c}": n for k, c, n in space.store.flag_counts()}}
            )
            return
        _say_report(report)
        _say_standing(space.store)


def _say_report(report: CheckReport) -> None:
    say(f"looked at {report.looked:,} examples; {report.current:,} had not changed")
    for name, reason in report.left_out.items():
        say(f"  {name} was left out: {reason}")
    for failure in report.failed[:_MOST_FAILURES]:
        say(f"  {short_id(failure.example_id)}: {failure.check}: {failure.message}")
    if len(report.failed) > _MOST_FAILURES:
        say(f"  and {len(report.failed) - _MOST_FAILURES:,} more could not be looked at")
    for action, number in report.decided.items():
        say(f"your rules: {action} {number:,} (finetui journal lists them, undo takes them back)")


def _say_standing(store: Store) -> None:
    counts = sorted(store.flag_counts(), key=lambda one: (FLAG_KINDS.index(one[0]), -one[2]))
    if not counts:
        say("no example has a flag")
        return
    say()
    table(["flag", "which", "examples"], counts)
    say("\nsee them with: finetui examples list --flag KIND:CODE, and why with: examples show ID")


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every example with such a flag.")
@click.option(
    "--everywhere", is_flag=True, help="The same values in all other examples, flagged or not."
)
@common_options
def redact(
    ids: tuple[str, ...],
    everything: bool,
    everywhere: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Put placeholders in the place of secrets and personal data: [EMAIL_1], [PERSON_2].

    It is an edit of your own workspace: the original stays there, undo takes it back, and
    the source is not touched. The same value has the same placeholder everywhere. Titles,
    paths, tags and columns are replaced where they are written: in datasets and exports.
    With --everywhere also other examples that hold one of the values are redacted, such as
    a name that nothing introduces there; what was redacted in ID before counts, too.
    """
    if not ids and not everything:
        raise click.UsageError("name examples, or take --all")
    with opened(workspace) as space, space.store.operation():
        space.store.require_in_place()
        with _saying_what_is_stored(space, "what was to follow is not"):
            wanted = [space.store.card(one).example.id for one in ids]
            look_at(space, names=_HIDDEN, example_ids=None if everything else wanted)
            if everything:
                which = Filter(flags=("secret", "personal"))
                wanted += [card.example.id for card in space.store.cards(which)]
            made = {one: redact_example(space.store, one) for one in dict.fromkeys(wanted)}
            done: dict[str, Mapping[str, int]] = {one: each.replaced for one, each in made.items()}
            values = _values(space, made)
            most = None if everywhere else OFFERED
            others = find_elsewhere(space.store, values, but=list(made), most=most)
            if everywhere:
                done |= redact_elsewhere(space.store, values, others)
        # What was found in the old text is forgotten; the new one is looked at whole.
        with _saying_what_is_stored(space, "the new look at the text is not"):
            look_at(space, example_ids=[one for one, replaced in done.items() if replaced])
    if as_json:
        print_json(done)
        return
    if not done:
        say("no example has a secret or personal data")
    for identity, replaced in done.items():
        words = ", ".join(f"{number} {code}" for code, number in replaced.items())
        if identity in made and made[identity].fields:
            words += f" (also in {', '.join(made[identity].fields)})"
        say(f"{short_id(identity)}: {words or 'nothing to replace'}")
    if others and not everywhere:
        what = "--all" if everything else " ".join(short_id(one) for one in made)
        number = f"{len(others):,} other example{'s' if len(others) > 1 else ''}"
        say(f"the same values stand in {number}: finetui redact {what} --everywhere")


@contextmanager
def _saying_what_is_stored(space: Workspace, rest: str) -> Iterator[None]:
    """Say of a failure how many redactions were stored before it, and what was not."""
    try:
        yield
    except WorkspaceReplaced:
        raise
    except FinetuiError as error:
        stored = 0
        with suppress(FinetuiError):
            stored = space.store.unsaved()
        if not stored:
            raise
        words = "1 redaction is" if stored == 1 else f"{stored:,} redactions are"
        first = f"{error.hint}; then " if error.hint else ""
        raise type(error)(
            f"{words} stored, {rest}: {error.message}",
            hint=f"{first}repeat the command for what is left, and look anew with: finetui check",
            counts={"redacted": stored},
        ) from error


def _values(space: Workspace, made: Mapping[str, Redaction]) -> list[Value]:
    """Return what was redacted in examples, now or before."""
    found = [value for each in made.values() for value in each.values]
    edited = [each.card for each in made.values() if each.card.edited]
    if edited:
        options, _ = options_of(space, _HIDDEN)
        checks = make(options)
        for card in edited:
            found += redacted_values(space.store, card, checks)
    return list(dict.fromkeys(found))
