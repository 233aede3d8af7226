"""Rows as a model would see them: which, rendered for which base, cut where."""

from __future__ import annotations

from dataclasses import dataclass

from engine.bases import Base, resolve
from engine.dataset.frozen import load
from engine.dataset.metadata import Told
from engine.dataset.rows import Row, row_of
from engine.errors import NothingApproved
from engine.models import Card, Filter
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RowsToPreview:
    """Rows, and what is needed to render them.

    Attributes:
        rows: The rows.
        base: The base whose template and tokenizer they are rendered with.
        max_length: The max length in tokens; None cuts nothing.
    """

    rows: tuple[Row, ...]
    base: Base
    max_length: int | None


def rows_to_preview(
    workspace: Workspace, *, card: Card | None = None, dataset: str = "", base: str = ""
) -> RowsToPreview:
    """Return the rows of a dataset, of one example, or of all that is approved.

    Args:
        workspace: Where they are.
        card: The example; None takes the dataset, or what is approved.
        dataset: The dataset's name; empty takes the approved examples.
        base: The base to render them with. Where it is empty, that of the dataset is taken,
            or that of the settings.

    Raises:
        BaseError: The base is not installed, or damaged.
        DatasetError: The dataset is gone, or nothing is approved.
    """
    settings = workspace.settings
    longest: int | None = settings.check.max_length
    if card is None and dataset:
        frozen = load(workspace, dataset)
        recorded = frozen.manifest["base"]
        base = base or (recorded["name"] if recorded else "")
        longest = frozen.manifest["settings"].get("max_length")
        rows = [*frozen.train_rows(), *frozen.validation_rows(), *frozen.test_rows()]
    else:
        cards = [card] if card else workspace.store.cards(Filter(states=("approved",)))
        # On the screen alone a path stands as it is.
        rows = [
            row_of(one, settings.dataset.system_prompt, Told(path=one.example.provenance.path))
            for one in cards
        ]
    if not rows:
        raise NothingApproved(
            "no example is approved yet", hint="2 goes to Curate; a approves there"
        )
    return RowsToPreview(tuple(rows), resolve(base or settings.training.base), longest)
