"""What the screens do with findings, off the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store import Store

if TYPE_CHECKING:
    from engine.curate import Redaction


def redact(store: Store, example_id: str) -> Redaction:
    """Put placeholders for what is flagged; see :func:`engine.curate.redact_example`."""
    from engine.curate import redact_example

    return redact_example(store, example_id)
