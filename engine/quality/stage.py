"""The check stage: what is new or changed is looked at, and what was found is kept.

Examples stream through in small parcels, over as many processes as there are cores. Each
parcel's findings are stored in one transaction of its own: whatever ends the stage, what
was looked at stays looked at, and the next one goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace

from engine.child import Progress, never, quiet
from engine.errors import FinetuiError
from engine.models import FLAG_KINDS, Card, Filter, Found, example_id
from engine.quality.base import Check
from engine.quality.checks import CheckOptions, make, options_of
from engine.quality.fields import (
    CHECKED_BY,
    fields_are_redacted,
    is_redacted,
    look_at_fields,
)
from engine.spread import can_spread, spread
from engine.workspace import Workspace

PARCEL = 64
_FEW = 4 * PARCEL
_ALL = Filter()
# After the version of a check whose findings in an example's fields a redaction took away.
_REDACTED = "; fields redacted"


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """An example that a check could not look at."""

    example_id: str
    check: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a run of the stage did.

    Args:
        looked: Examples that were looked at.
        current: Examples that had been looked at before, and have not changed.
        flags: Examples by kind of flag, of those that were looked at.
        failed: What could not be looked at.
        left_out: Checks that can't be made here, and why.
        cancelled: Whether it was stopped before the end; what it did is kept.
        decided: Decisions by rules that the person wrote, by action.
    """

    looked: int = 0
    current: int = 0
    flags: Mapping[str, int] = field(default_factory=dict)
    failed: tuple[CheckFailure, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    cancelled: bool = False
    decided: Mapping[str, int] = field(default_factory=dict)

    @property
    def flagged(self) -> int:
        """How many flags of different kinds the looked-at examples have, in sum."""
        return sum(self.flags.values())


@dataclass(frozen=True, slots=True)
class Parcel:
    """Examples that go to a process together: the cards, and which checks they need."""

    rows: tuple[tuple[Card, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a parcel."""

    findings: dict[str, list[Found]]
    failed: list[CheckFailure]


def check(
    workspace: Workspace,
    *,
    names: Sequence[str] = (),
    which: Filter = _ALL,
    example_ids: Sequence[str] | None = None,
    again: bool = False,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> CheckReport:
    """Look at the examples whose text, or whose check, is not the one of the last look.

    Args:
        workspace: Where they are.
        names: The checks that are run; empty means all.
        which: Which examples; all by default.
        example_ids: Only these, by whole id; None leaves it to ``which``.
        again: Look at what is up to date, too.
        progress: Called with examples that are up to date and in total.
        cancelled: Asked between parcels whether to stop.

    Raises:
        UsageError: There is no check of that name.
    """
    options, left_out = options_of(workspace, names)
    store = workspace.store
    if example_ids is not None:
        positions = sorted(store.card(identity).position for identity in example_ids)
    else:
        positions = store.positions(which)
    versions = {name: version for name, (_, version) in _checks(options).items()}
    needs = _needs(workspace, versions, positions, again)
    looked, stopped = 0, False
    flags: Counter[str] = Counter()
    failed: list[CheckFailure] = []
    total = len(positions)
    progress(total - len(needs), total)
    for found in _look_at(_parcels(workspace, needs), options, len(needs)):
        store.write_findings(_settled(workspace, found.findings))
        failed += found.failed
        places = sorted({one.position for some in found.findings.values() for one in some})
        # What other checks found before stands, too.
        for of_one in store.flags_of(places).values():
            flags.update({flag.kind for flag in of_one})
        looked += len(places)
        progress(total - len(needs) + looked, total)
        if cancelled():
            stopped = True
            break
    return CheckReport(
        looked=looked,
        current=total - len(needs),
        flags={kind: flags[kind] for kind in FLAG_KINDS if flags[kind]},
        failed=tuple(failed),
        left_out=left_out,
        cancelled=stopped,
    )


def _settled(
    workspace: Workspace, findings: Mapping[str, Sequence[Found]]
) -> dict[str, list[Found]]:
    """Return findings without those in fields whose redaction stands."""
    return {
        name: [_without_redacted(workspace, one) for one in some] for name, some in findings.items()
    }


def _without_redacted(workspace: Workspace, found: Found) -> Found:
    if not any(flag.place for flag in found.flags):
        return found
    cards = workspace.store.cards_at([found.position])
    if not cards or not fields_are_redacted(workspace.store, cards[0]):
        return found
    left = tuple(flag for flag in found.flags if not flag.place)
    return replace(found, flags=left, version=found.version + _REDACTED)


def _is_current(workspace: Workspace, at: int, seen: str | None, version: str) -> bool:
    """Return whether a check has looked at an example as it is, and its redaction still stands."""
    if seen == version + _REDACTED:
        cards = workspace.store.cards_at([at])
        return bool(cards) and fields_are_redacted(workspace.store, cards[0])
    return seen == version


def _needs(
    workspace: Workspace, versions: Mapping[str, str], positions: Sequence[int], again: bool
) -> dict[int, tuple[str, ...]]:
    """Return which checks each example needs; those that need none are absent."""
    if again:
        return dict.fromkeys(positions, tuple(versions))
    seen = {name: workspace.store.check_versions(name) for name in versions}
    found = {}
    for at in positions:
        missing = tuple(
            name
            for name, version in versions.items()
            if not _is_current(workspace, at, seen[name].get(at), version)
        )
        if missing:
            found[at] = missing
    return found


def _parcels(workspace: Workspace, needs: Mapping[int, tuple[str, ...]]) -> Iterator[Parcel]:
    places = list(needs)
    for start in range(0, len(places), PARCEL):
        cards = workspace.store.cards_at(places[start : start + PARCEL])
        if cards:
            yield Parcel(tuple((_slim(card), needs[card.position]) for card in cards))


def _slim(card: Card) -> Card:
    """Return a card that another process can be given: plain values, without old findings."""
    example = replace(card.example, metadata=dict(card.example.metadata))
    return replace(card, example=example, flags=(), measures={})


def _look_at(parcels: Iterator[Parcel], options: CheckOptions, many: int) -> Iterator[Looked]:
    if many > _FEW and can_spread():
        kept: list[Parcel] = []

        def remembered() -> Iterator[Parcel]:
            for parcel in parcels:
                kept.append(parcel)
                yield parcel

        try:
            for looked in spread(look, remembered(), options):
                kept.pop(0)
                yield looked
            return
        except BrokenProcessPool:
            # A process that the system killed for its memory is no reason to fail: the
            # rest is looked at here, one after the other.
            for parcel in kept:
                yield look(parcel, options)
    for parcel in parcels:
        yield look(parcel, options)


_made: dict[CheckOptions, dict[str, tuple[Check, str]]] = {}


def _checks(options: CheckOptions) -> dict[str, tuple[Check, str]]:
    """Return the checks by name, with their versions, which are slow to tell."""
    if options not in _made:
        _made[options] = {check.name: (check, check.version) for check in make(options)}
    return _made[options]


def look(parcel: Parcel, options: CheckOptions) -> Looked:
    """Look at the examples of a parcel; a check's failure is told by example."""
    checks = _checks(options)
    findings: dict[str, list[Found]] = {}
    failed: list[CheckFailure] = []
    for card, names in parcel.rows:
        position, identity, turns = card.position, card.example.id, card.turns
        text_id = example_id(turns)
        redacted = is_redacted(card)
        for name in names:
            one, version = checks[name]
            try:
                finding = one.look(turns)
                flags = finding.flags
                if name in CHECKED_BY and not redacted:
                    flags += look_at_fields(one, card.example)
            except FinetuiError as error:
                failed.append(CheckFailure(identity, name, error.message, error.hint))
                continue
            except Exception as error:  # a library's fault in one text must not end the rest
                message = f"{type(error).__name__} in the check"
                failed.append(CheckFailure(identity, name, message, "report it with the text"))
                continue
            # A plain dictionary, since this may go from one process to another.
            measures = dict(finding.measures)
            found = Found(position, text_id, version, flags, measures)
            findings.setdefault(name, []).append(found)
    return Looked(findings, failed)
