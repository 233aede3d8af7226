"""What the Dataset screen asks of the engine, off the event loop.

Counting tokens needs a base's tokenizer; where the settings' base is not installed,
everything is told without tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BaseError, DatasetRefused, NothingApproved
from engine.models import Counts, Filter
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.bases import Base
    from engine.dataset import DatasetStats, Draft, ExportReport, Frozen, FrozenInfo, Refusal, Row
    from engine.tokens import Segment, Tokenizer

Progress = Callable[[int, int], None]


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
    """

    counts: Counts
    kinds: Mapping[str, int]
    stats: DatasetStats | None
    refusals: tuple[Refusal, ...] = ()
    problem: str = ""
    hint: str = ""
    base: str = ""


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


@dataclass(frozen=True, slots=True)
class TokenView:
    """A row as the model sees it, in stretches; counts are in tokens."""

    segments: tuple[Segment, ...]
    total: int
    trained: int
    truncated: int


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
    from engine.dataset.stats import summarise

    store = workspace.store
    counts = store.counts()
    approved = Filter(states=("approved",))
    kinds = {
        kind: size
        for kind, _ in store.kinds()
        if (size := store.queue_size(Filter(states=("approved",), kinds=(kind,))))
    }
    base = base_of(workspace)
    name = base.name if base else ""
    options = default_options(workspace)
    try:
        made: Draft = draft(workspace, base=base, options=options, progress=progress)
    except NothingApproved as error:
        return Overview(counts, kinds, None, (), error.message, error.hint, name)
    except DatasetRefused as error:
        # What passes can't be divided, or nothing passes: still list what is refused.
        tokenizer = _tokenizer(base)
        rows = (row_of(card, options.system_prompt) for card in store.cards(approved))
        refusals = tuple(gate(rows, tokenizer=tokenizer, max_length=options.max_length))
        return Overview(counts, kinds, None, refusals, error.message, error.hint, name)
    stats = summarise(
        made.train,
        made.validation,
        duplicates=made.duplicates,
        refused=made.refused_by_code,
        unit="tokens" if base else "characters",
    )
    return Overview(counts, kinds, stats, made.refusals, base=name)


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


def freeze_now(workspace: Workspace, options: FreezeOptions, *, progress: Progress) -> Frozen:
    """Freeze the approved examples.

    Raises:
        FinetuiError: As :func:`engine.dataset.freeze` and :func:`engine.bases.resolve` say.
    """
    from engine.bases import resolve
    from engine.dataset import freeze

    return freeze(
        workspace,
        base=resolve(options.base) if options.base else None,
        validation_fraction=options.validation_fraction,
        seed=options.seed,
        system_prompt=options.system_prompt,
        max_length=options.max_length,
        name=options.name,
        drop_refused=options.drop_refused,
        progress=progress,
    )


def export_to(workspace: Workspace, name: str, format: str, out: Path) -> ExportReport:
    """Write a frozen dataset in a format; see :func:`engine.dataset.export`."""
    from engine.dataset import export

    return export(workspace, name, format, out)


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
    return [*frozen.train_rows(), *frozen.validation_rows()], base_of(workspace, base), longest


class TokenViews:
    """Renders rows with one tokenizer, which is read once. Called in threads."""

    def __init__(self, base: Base, max_length: int | None) -> None:
        self._base = base
        self._max_length = max_length
        self._tokenizer: Tokenizer | None = None

    def view(self, row: Row) -> TokenView:
        """Return a row as the model sees it.

        Raises:
            TemplateError: The chat template refuses the conversation.
        """
        from engine.tokens import render, segments

        if self._tokenizer is None:
            self._tokenizer = _tokenizer(self._base)
        assert self._tokenizer is not None
        rendered = render(self._tokenizer, row.turns, max_length=self._max_length)
        return TokenView(
            tuple(segments(rendered)),
            len(rendered.ids),
            rendered.trained_count,
            rendered.truncated,
        )


def _tokenizer(base: Base | None) -> Tokenizer | None:
    from engine.tokens import Tokenizer

    return Tokenizer.load(base.directory) if base is not None else None
