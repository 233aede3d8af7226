"""What a freeze would take now: the numbers that verbs print and the screen shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from engine.bases import Base, resolve
from engine.dataset.candidates import approved
from engine.dataset.draft import Cut, DatasetOptions, Draft, Progress, cuts_of, draft, quiet
from engine.dataset.frozen import datasets, read_frozen
from engine.dataset.gate import Refusal, check, gate
from engine.dataset.manifest import decisions_hash
from engine.dataset.rows import row_of
from engine.dataset.stats import DatasetStats, default_options, stats_of
from engine.errors import BaseMissing, DatasetError, DatasetRefused, NothingApproved
from engine.models import FLAG_KINDS, Counts, Filter, FlagKind
from engine.tokens import Tokenizer
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Truncation:
    """What a max length would cut off.

    Attributes:
        limit: The max length, in tokens.
        cuts: Rows that would be cut off, those that lose the most trained tokens first.
    """

    limit: int
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """What a freeze would take now.

    Attributes:
        counts: The whole queue by state.
        kinds: Approved examples by kind.
        stats: Numbers about the rows that pass; None where none does.
        refusals: What the gate refuses.
        error: Why nothing can be frozen; None where something can.
        base: The name of the base that tokens were counted for; empty without one.
        flags: Kinds of flags, each with how many approved examples have it, and how many
            of the whole queue.
        clusters: How many clusters of near-duplicates the workspace has; None where none
            were looked for.
        truncation: What the max length of the settings would cut off; None without a base.
        draft: What would be frozen; None where nothing can be.
        unchanged: The name of the newest dataset, if just these examples with these texts
            were approved when it was frozen; else empty.
    """

    counts: Counts
    kinds: Mapping[str, int]
    stats: DatasetStats | None = None
    refusals: tuple[Refusal, ...] = ()
    error: DatasetError | None = None
    base: str = ""
    flags: tuple[tuple[FlagKind, int, int], ...] = ()
    clusters: int | None = None
    truncation: Truncation | None = None
    draft: Draft | None = None
    unchanged: str = ""


def ignored(_: BaseMissing) -> None:
    """Tell nobody about a missing base."""


def base_of(
    workspace: Workspace, name: str = "", *, missing: Callable[[BaseMissing], None] = ignored
) -> Base | None:
    """Return the base to count tokens for.

    Args:
        workspace: Whose settings name one.
        name: The base that was asked for, which has to be installed. Where it is empty, that
            of the settings is taken, which may be missing: then no tokens are counted.
        missing: Called with why the base of the settings can't be used.

    Raises:
        BaseError: ``name`` is not installed, or what is installed is damaged.
    """
    if name:
        return resolve(name)
    try:
        return resolve(workspace.settings.training.base)
    except BaseMissing as error:
        missing(error)
        return None


def overview(
    workspace: Workspace,
    *,
    base: Base | None,
    options: DatasetOptions | None = None,
    progress: Progress = quiet,
) -> Overview:
    """Check and measure the approved examples; nothing is written.

    Args:
        workspace: Where they are.
        base: The base to count tokens for; None counts none.
        options: The freeze's options; the settings' by default.
        progress: Called with rows looked at and in total.

    Raises:
        UsageError: The options can't be meant.
    """
    chosen = options or default_options(workspace)
    store = workspace.store
    found = Overview(
        store.counts(),
        _approved_kinds(workspace),
        base=base.name if base else "",
        flags=flag_sizes(workspace),
    )
    try:
        made = draft(workspace, base=base, options=chosen, progress=progress)
    except NothingApproved as error:
        return replace(found, error=error)
    except DatasetRefused as error:
        # What passes can't be divided, or nothing passes: still list what is refused.
        tokenizer = Tokenizer.load(base.directory) if base else None
        cards = store.cards(Filter(states=("approved",)))
        rows = (row_of(card, chosen.system_prompt) for card in cards)
        return replace(
            found,
            refusals=tuple(gate(rows, tokenizer=tokenizer, max_length=chosen.max_length)),
            error=error,
            unchanged=_unchanged(workspace, approved(store, chosen.system_prompt).decisions),
        )
    near = made.near
    limit = chosen.max_length or workspace.settings.check.max_length
    return replace(
        found,
        stats=stats_of(made),
        refusals=made.refusals,
        clusters=len(near.clusters.both) if near is not None and near.space else None,
        truncation=truncation(made, limit),
        draft=made,
        unchanged=_unchanged(workspace, made.decisions),
    )


def flag_sizes(workspace: Workspace) -> tuple[tuple[FlagKind, int, int], ...]:
    """Return kinds of flags with how many approved examples have them, and how many at all."""
    store = workspace.store
    there = {kind for kind, _, _ in store.flag_counts()}
    return tuple(
        (
            kind,
            store.queue_size(Filter(states=("approved",), flags=(kind,))),
            store.queue_size(Filter(flags=(kind,))),
        )
        for kind in FLAG_KINDS
        if kind in there
    )


def truncation(made: Draft, limit: int) -> Truncation | None:
    """Return what a max length would cut off a draft; None where tokens are not known."""
    if made.base is None:
        return None
    if made.options.max_length == limit:
        return Truncation(limit, made.cuts)
    tokenizer = Tokenizer.load(made.base.directory)
    cut = {
        side: [check(one.row, tokenizer, limit, None) for one in rows if one.tokens > limit]
        for side, rows in made.sides.items()
    }
    return Truncation(limit, cuts_of(cut))


def _approved_kinds(workspace: Workspace) -> dict[str, int]:
    store = workspace.store
    sizes = {
        kind: store.queue_size(Filter(states=("approved",), kinds=(kind,)))
        for kind, _ in store.kinds()
    }
    return {kind: size for kind, size in sizes.items() if size}


def _unchanged(workspace: Workspace, decisions: tuple[tuple[str, str], ...]) -> str:
    """Return the name of the newest dataset if it was made from these decisions."""
    frozen = datasets(workspace)
    if not frozen:
        return ""
    newest = read_frozen(frozen[-1].directory)
    # Datasets of version 1 did not record the decisions.
    then = (newest.manifest.get("decisions") or {}).get("hash")
    return newest.name if then == decisions_hash(decisions) else ""
