"""What the Dataset screen asks of the engine, off the event loop.

Counting tokens needs a base's tokenizer; where the settings' base is not installed,
everything is told without tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.child import never
from engine.errors import BaseError, CheckError, DatasetRefused, DependencyMissing, NothingApproved
from engine.models import FLAG_KINDS, Card, Counts, Filter, FlagKind
from engine.workspace import Workspace
from tui.bridge.verbs import run_verb

if TYPE_CHECKING:
    from engine.bases import Base
    from engine.dataset import (
        Cut,
        DatasetStats,
        Draft,
        Frozen,
        FrozenInfo,
        LeakSummary,
        Refusal,
        Row,
    )
    from engine.tokens import Tokenizer

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Truncation:
    """What a longest sequence would cost.

    Attributes:
        limit: The longest sequence, in tokens.
        cuts: Rows that would be cut off, those that lose the most trained tokens first.
    """

    limit: int
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """What would be frozen now.

    Attributes:
        counts: The whole queue by state.
        kinds: Approved examples by kind.
        stats: Numbers about the rows that pass; None where none does.
        refusals: What the gate refuses.
        problem: Why nothing can be frozen, or empty.
        hint: What to do about it.
        base: The base that tokens were counted for; empty without one.
        flags: Kinds of flags, each with how many approved examples have it, and how many
            of the whole queue.
        clusters: How many clusters of near-duplicates the workspace has; None where none
            were looked for.
        truncation: What the setting of the longest sequence would cut off.
        draft: What would be frozen; None where nothing can be.
    """

    counts: Counts
    kinds: Mapping[str, int]
    stats: DatasetStats | None
    refusals: tuple[Refusal, ...] = ()
    problem: str = ""
    hint: str = ""
    base: str = ""
    flags: tuple[tuple[FlagKind, int, int], ...] = ()
    clusters: int | None = None
    truncation: Truncation | None = None
    draft: Draft | None = None


@dataclass(frozen=True, slots=True)
class FreezeOptions:
    """The answers of the freeze dialog."""

    name: str
    base: str
    validation_fraction: float
    seed: int
    system_prompt: str
    max_length: int | None
    drop_refused: bool
    test_fraction: float = 0.0
    min_quality: float | None = None
    min_length: int = 0
    exclude_flags: tuple[str, ...] = ()
    deduplicate: bool = False
    allow_secrets: tuple[str, ...] = ()
    near: str = "now"


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """The answers of the export dialog."""

    format: str
    path: Path
    container: str = "jsonl"
    metadata: bool = False
    system: bool = True
    system_prompt: str = ""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote, in words: rows, and what is to be known about them."""

    rows: int
    notes: tuple[str, ...] = ()


def base_of(workspace: Workspace, name: str = "") -> Base | None:
    """Return the base of the settings, or another, or None where it isn't installed."""
    from engine.bases import resolve

    try:
        return resolve(name or workspace.settings.training.base)
    except BaseError:
        return None


def overview(workspace: Workspace, *, progress: Progress) -> Overview:
    """Check and measure the approved examples; nothing is written."""
    from engine.dataset import default_options, draft, gate, row_of
    from engine.dataset.stats import stats_of

    store = workspace.store
    approved = Filter(states=("approved",))
    kinds = {
        kind: size
        for kind, _ in store.kinds()
        if (size := store.queue_size(Filter(states=("approved",), kinds=(kind,))))
    }
    base = base_of(workspace)
    found = Overview(
        store.counts(), kinds, None, base=base.name if base else "", flags=flag_sizes(workspace)
    )
    options = default_options(workspace)
    try:
        made: Draft = draft(workspace, base=base, options=options, progress=progress)
    except NothingApproved as error:
        return replace(found, problem=error.message, hint=error.hint)
    except DatasetRefused as error:
        # What passes can't be divided, or nothing passes: still list what is refused.
        tokenizer = _tokenizer(base)
        rows = (row_of(card, options.system_prompt) for card in store.cards(approved))
        refusals = tuple(gate(rows, tokenizer=tokenizer, max_length=options.max_length))
        return replace(found, refusals=refusals, problem=error.message, hint=error.hint)
    near = made.near
    return replace(
        found,
        stats=stats_of(made),
        refusals=made.refusals,
        clusters=len(near.clusters.both) if near is not None and near.space else None,
        truncation=truncation(made, workspace.settings.check.max_length),
        draft=made,
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
    """Return what a longest sequence would cut off a draft; None where tokens are not known."""
    from engine.dataset.draft import cuts_of
    from engine.dataset.gate import check

    if made.base is None:
        return None
    tokenizer = _tokenizer(made.base)
    cut = {
        side: [check(one.row, tokenizer, limit, None) for one in rows if one.tokens > limit]
        for side, rows in made.sides.items()
    }
    return Truncation(limit, cuts_of(cut))


def leaks_now(
    workspace: Workspace, made: Draft, *, progress: Progress, cancelled: Callable[[], bool]
) -> tuple[LeakSummary, ...]:
    """Measure how near held-out rows are to those that would be trained on.

    Embeddings are compared in a child process; without a model, texts alone.
    """
    from engine.dataset.leak import summarise
    from engine.dataset.meter import by_text, nearest_rows

    settings = workspace.settings.check
    threshold = settings.duplicate_threshold
    train = [one.row for one in made.train]
    found = []
    for side, checked in made.sides.items():
        if side == "train":
            continue
        rows = [one.row for one in checked]
        measured, reason = True, ""
        try:
            nearest = nearest_rows(
                rows, train, model=settings.embedding_model, progress=progress, cancelled=cancelled
            )
        except (CheckError, DependencyMissing) as error:
            measured, reason, nearest = False, error.message, by_text(rows, train)
        found.append(summarise(side, nearest, threshold, measured=measured, reason=reason))
    return tuple(found)


def leaks_of(
    workspace: Workspace, name: str, *, progress: Progress, cancelled: Callable[[], bool]
) -> tuple[LeakSummary, ...]:
    """Measure the leaks of a frozen dataset; see :func:`engine.dataset.leaks`."""
    from engine.dataset import leaks

    settings = workspace.settings.check
    return leaks(
        workspace,
        name,
        threshold=settings.duplicate_threshold,
        model=settings.embedding_model,
        progress=progress,
        cancelled=cancelled,
    )


def frozen_datasets(workspace: Workspace) -> list[FrozenInfo]:
    """Return the workspace's datasets, newest first."""
    from engine.dataset import datasets

    return datasets(workspace)[::-1]


def frozen_stats(workspace: Workspace, name: str, *, progress: Progress) -> DatasetStats:
    """Return numbers about a frozen dataset.

    Raises:
        DatasetError: It is gone, or was changed after the freeze.
    """
    from engine.dataset import stats

    return stats(workspace, name, base=base_of(workspace), progress=progress)


def freeze_now(
    workspace: Workspace,
    options: FreezeOptions,
    *,
    progress: Progress,
    cancelled: Callable[[], bool] = never,
) -> Frozen:
    """Freeze the approved examples.

    Raises:
        FinetuiError: As :func:`engine.dataset.freeze` and :func:`engine.bases.resolve` say.
    """
    from engine.bases import resolve
    from engine.dataset import default_options, freeze

    return freeze(
        workspace,
        base=resolve(options.base) if options.base else None,
        name=options.name,
        drop_refused=options.drop_refused,
        options=replace(
            default_options(workspace),
            validation_fraction=options.validation_fraction,
            seed=options.seed,
            system_prompt=options.system_prompt,
            max_length=options.max_length,
            test_fraction=options.test_fraction,
            min_quality=options.min_quality,
            min_length=options.min_length,
            exclude_flags=options.exclude_flags,
            deduplicate=options.deduplicate,
            allow_secrets=options.allow_secrets,
            near_duplicates=options.near,  # type: ignore[arg-type]
        ),
        progress=progress,
        cancelled=cancelled,
    )


def export_to(workspace: Workspace, name: str, choice: ExportChoice) -> Exported:
    """Write a frozen dataset in a format; see :func:`engine.dataset.export`.

    Parquet and saved folders need packages that are slow to import: the verb writes them,
    in a process of its own.
    """
    if choice.container != "jsonl":
        return _export_apart(workspace, name, choice)
    from engine.dataset import export

    report = export(
        workspace,
        name,
        choice.format,
        choice.path,
        container=choice.container,
        metadata=choice.metadata,
        system=choice.system,
        system_prompt=choice.system_prompt,
    )
    reasons = [refusal.reason for refusal in report.refused]
    return Exported(report.rows, _export_notes(report.notes, reasons, report.warnings))


def _export_apart(workspace: Workspace, name: str, choice: ExportChoice) -> Exported:
    words = [name, "--format", choice.format, "--as", choice.container, "--out", str(choice.path)]
    words += ["--system" if choice.system else "--no-system"]
    words += ["--metadata"] * choice.metadata
    if choice.system_prompt:
        words += ["--system-prompt", choice.system_prompt]
    found = run_verb("dataset", "export", *words, "--workspace", str(workspace.root))
    reasons = [refusal["reason"] for refusal in found["refused"]]
    rows = sum(found["files"].values())
    return Exported(rows, _export_notes(found["notes"], reasons, found["warnings"]))


def _export_notes(
    notes: Mapping[str, int], refused: Sequence[str], warnings: Sequence[str]
) -> tuple[str, ...]:
    words = [f"{count:,}: {note}" for note, count in notes.items()]
    if refused:
        words.append(f"{len(refused):,} left out: {refused[0]}")
    return (*words, *warnings)


def rows_of(workspace: Workspace, name: str) -> tuple[list[Row], Base | None, int | None]:
    """Return the rows of a dataset, or the approved ones where ``name`` is empty.

    Returns:
        The rows, the base to render them with, and the longest sequence in tokens.

    Raises:
        DatasetError: The dataset is gone, or nothing is approved.
    """
    from engine.dataset import default_options, load, row_of

    if not name:
        options = default_options(workspace)
        approved = workspace.store.cards(Filter(states=("approved",)))
        rows = [row_of(card, options.system_prompt) for card in approved]
        if not rows:
            raise NothingApproved(
                "no example is approved yet", hint="2 goes to Curate; a approves there"
            )
        return rows, base_of(workspace), options.max_length
    frozen = load(workspace, name)
    manifest = frozen.manifest
    base = manifest["base"]["name"] if manifest["base"] else ""
    longest = manifest["settings"].get("max_length")
    rows = [*frozen.train_rows(), *frozen.validation_rows(), *frozen.test_rows()]
    return rows, base_of(workspace, base), longest


def row_for(workspace: Workspace, card: Card) -> tuple[Row, Base | None]:
    """Return a card as a row, and the settings' base where it is installed."""
    from engine.dataset import row_of

    return row_of(card, workspace.settings.dataset.system_prompt), base_of(workspace)


def _tokenizer(base: Base | None) -> Tokenizer | None:
    from engine.tokens import Tokenizer

    return Tokenizer.load(base.directory) if base is not None else None
