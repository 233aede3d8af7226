"""Texts that were begun and not saved as edits.

Typing must neither wait for a disk nor lose a word: a text is first held in memory, which
can't fail, and written to the workspace from a thread. The thread has a connection of its
own, so that nothing that reads the workspace waits behind a lock of another process.
"""

from __future__ import annotations

import threading

from engine.store import Store

BUSY_SECONDS = 2.0
"""How long a write waits for another process; the next one tries again."""


class Drafts:
    """What was begun, by example.

    Any thread may call it. :meth:`of` and :meth:`hold` wait for no writer.

    Args:
        store: The workspace's store.
        busy_seconds: How long :meth:`write` waits for another process; None takes the default.
    """

    def __init__(self, store: Store, *, busy_seconds: float | None = None) -> None:
        self._store = store
        self._busy_seconds = BUSY_SECONDS if busy_seconds is None else busy_seconds
        self._held: dict[str, str] = {}
        self._read: dict[str, str] = {}
        self._writing = threading.Lock()

    def of(self, example_id: str) -> str:
        """Return the text that was begun, or nothing."""
        held = self._held.get(example_id)
        if held is not None:
            return held
        self._read[example_id] = self._store.get_meta(_key(example_id)) or ""
        return self._read[example_id]

    @property
    def unwritten(self) -> bool:
        """Whether memory holds what the workspace does not."""
        return bool(self._held)

    def hold(self, example_id: str, text: str) -> None:
        """Keep a text in memory until it is written; an empty one drops the draft."""
        if example_id in self._held or text != self._read.get(example_id):
            self._held[example_id] = text

    def write(self) -> None:
        """Write what memory holds. Called in a thread: it waits for other writers.

        Raises:
            DiskFull: There is no room; the texts stay in memory.
            WorkspaceLocked: Another process kept writing; the texts stay in memory.
            WorkspaceError: The workspace can't be written; the texts stay in memory.
        """
        # One at a time, each with the newest text: threads that overtake each other do no harm.
        with self._writing:
            if not self._held:
                return
            with self._store.again(busy_seconds=self._busy_seconds) as own:
                for example_id, text in list(self._held.items()):
                    own.set_meta(_key(example_id), text)
                    if self._held.get(example_id) == text:
                        del self._held[example_id]


def _key(example_id: str) -> str:
    return f"draft:{example_id}"
