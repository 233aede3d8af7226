"""What the screens do with findings, off the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.curate import Redaction
    from engine.quality.finder import Value


def redact(store: Store, example_id: str) -> Redaction:
    """Put placeholders for what is flagged; see :func:`engine.curate.redact_example`."""
    from engine.curate import redact_example

    return redact_example(store, example_id)


def find_elsewhere(store: Store, values: Sequence[Value], but: str) -> list[str]:
    """Return the other examples that hold a redacted value, by id."""
    from engine.curate import elsewhere

    return elsewhere.find_elsewhere(store, values, but=[but], most=elsewhere.OFFERED)


def redact_elsewhere(
    store: Store, values: Sequence[Value], but: str
) -> dict[str, Mapping[str, int]]:
    """Put placeholders into the other examples that hold a redacted value, as they are now."""
    from engine.curate import elsewhere

    found = elsewhere.find_elsewhere(store, values, but=[but])
    return elsewhere.redact_elsewhere(store, values, found)
