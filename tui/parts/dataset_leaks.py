"""The leak meter: measured when it is asked for, and kept as long as it is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.workspace import Workspace
from tui.bridge.datasets import leaks_now, leaks_of
from tui.bridge.threads import off_loop

if TYPE_CHECKING:
    from engine.dataset import Draft, FrozenInfo, LeakSummary

Progress = Callable[[int, int], None]


class LeakMeter:
    """Measures a draft or a frozen dataset, and remembers what was measured last of each."""

    def __init__(self) -> None:
        self._draft: tuple[object, tuple[LeakSummary, ...]] = (None, ())
        self._frozen: dict[str, tuple[LeakSummary, ...]] = {}

    def of_draft(self, made: Draft | None) -> tuple[LeakSummary, ...]:
        """Return what was measured of a draft; nothing if its rows are divided otherwise."""
        divided, found = self._draft
        return found if made is not None and _division(made) == divided else ()

    def of_frozen(self, info: FrozenInfo) -> tuple[LeakSummary, ...]:
        """Return what was measured of a frozen dataset since the app was opened."""
        return self._frozen.get(info.content_hash, ())

    async def measure(
        self,
        workspace: Workspace,
        what: Draft | FrozenInfo,
        *,
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> tuple[LeakSummary, ...]:
        """Measure how near held-out rows are to those trained on, off the event loop.

        Raises:
            FinetuiError: As :func:`engine.dataset.leaks` says.
        """
        from engine.dataset import FrozenInfo

        if isinstance(what, FrozenInfo):
            found = await off_loop(
                leaks_of, workspace, what.name, progress=progress, cancelled=cancelled
            )
            self._frozen[what.content_hash] = found
        else:
            found = await off_loop(
                leaks_now, workspace, what, progress=progress, cancelled=cancelled
            )
            self._draft = _division(what), found
        return found


def _division(made: Draft) -> object:
    """Return what tells one division of rows from another."""
    return tuple((side, tuple(one.row.id for one in rows)) for side, rows in made.sides.items())
