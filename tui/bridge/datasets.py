"""What the Dataset screen asks of the engine; the calls block, so they belong off the event loop.

Nothing of the engine that is slow to import is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.child import never
from engine.workspace import Workspace
from tui.bridge.verbs import run_verb

if TYPE_CHECKING:
    from engine.dataset import (
        DatasetStats,
        Draft,
        Frozen,
        FrozenInfo,
        LeakSummary,
        Overview,
    )
    from engine.similarity import Nearness

Progress = Callable[[int, int], None]


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
    threshold: Nearness = "copies"


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """The answers of the export dialog."""

    dataset: str
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


def now(workspace: Workspace, *, progress: Progress) -> Overview:
    """Return what a freeze would take now; see :func:`engine.dataset.overview`."""
    from engine.dataset import base_of, overview

    return overview(workspace, base=base_of(workspace), progress=progress)


def leaks_now(
    workspace: Workspace, made: Draft, *, progress: Progress, cancelled: Callable[[], bool]
) -> tuple[LeakSummary, ...]:
    """Measure the leaks of what would be frozen; see :func:`engine.dataset.leaks_of_draft`."""
    from engine.dataset import leaks_of_draft

    model = workspace.settings.check.embedding_model
    return leaks_of_draft(made, model=model, progress=progress, cancelled=cancelled)


def leaks_of(
    workspace: Workspace, name: str, *, progress: Progress, cancelled: Callable[[], bool]
) -> tuple[LeakSummary, ...]:
    """Measure the leaks of a frozen dataset; see :func:`engine.dataset.leaks`."""
    from engine.dataset import leaks

    model = workspace.settings.check.embedding_model
    return leaks(workspace, name, model=model, progress=progress, cancelled=cancelled)


def frozen_datasets(workspace: Workspace) -> list[FrozenInfo]:
    """Return the workspace's datasets, newest first."""
    from engine.dataset import datasets

    return datasets(workspace)[::-1]


def frozen_stats(workspace: Workspace, name: str, *, progress: Progress) -> DatasetStats:
    """Return numbers about a frozen dataset.

    Raises:
        DatasetError: It is gone, or was changed after the freeze.
    """
    from engine.dataset import base_of, stats

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
        FinetuiError: As :func:`engine.dataset.freeze` and :func:`engine.dataset.base_of` say.
    """
    from engine.dataset import base_of, default_options, freeze

    return freeze(
        workspace,
        base=base_of(workspace, options.base) if options.base else None,
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
            threshold=options.threshold,
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


def settings_of(workspace: Workspace, *, near: str) -> FreezeOptions:
    """Return what the freeze dialog starts with: what the settings have.

    Args:
        workspace: Whose settings.
        near: Whether near-duplicates are looked for first: "now", "known" or "no".
    """
    settings = workspace.settings.dataset
    return FreezeOptions(
        name="",
        base=workspace.settings.training.base,
        validation_fraction=settings.validation_fraction,
        seed=settings.seed,
        system_prompt=settings.system_prompt,
        max_length=None,
        drop_refused=False,
        near=near,
        threshold=workspace.settings.check.duplicate_threshold,
    )


def base_is_installed(workspace: Workspace) -> bool:
    """Return whether tokens can be counted for the base of the settings."""
    from engine.dataset import base_of

    return base_of(workspace) is not None
