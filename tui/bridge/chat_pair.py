"""The two loaded models of the chat: which can be had, loading them, and letting go of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.errors import FinetuiError
from tui.bridge.run_tail import short_run

if TYPE_CHECKING:
    from engine.evaluate.pair import Pair
    from engine.evaluate.system import FrozenSystem
    from engine.export.held_out import Prompt
    from engine.workspace import Workspace

# The pair that was loaded last, and the newest one then: the chat opens where it was left,
# unless something newer was exported since.
_LAST_PAIR = "chat.pair"
_NEWEST_THEN = "chat.newest"


@dataclass(frozen=True, slots=True)
class Choice:
    """A pair that can be loaded: a run's export and its base at the same quantisation.

    Sizes are bytes, ``at`` is when the export ended, in seconds since the epoch. ``adapter``
    says which adapter was merged: ``best, step 60`` or ``last``. ``weights`` says whether the
    two files are loaded or the base once, empty for what the settings say.
    """

    run_id: str
    quant: str
    base: str
    dataset: str
    tuned_bytes: int
    base_bytes: int
    at: float
    adapter: str = "last"
    weights: Literal["", "auto", "files", "shared"] = ""

    @property
    def key(self) -> str:
        """What names the pair in the workspace."""
        return f"{self.run_id}/{self.quant}"

    @property
    def name(self) -> str:
        """``run 3f2a at q4_k_m``."""
        return f"run {short_run(self.run_id)} at {self.quant}"


def choices(workspace: Workspace) -> list[Choice]:
    """Return all pairs that can be loaded, the newest first. Reads files; call it off the loop."""
    from engine.export.artifacts import artifacts
    from engine.runs import runs

    found = [
        Choice(
            run_id=run.id,
            quant=export.quant,
            base=run.base,
            dataset=run.dataset,
            tuned_bytes=export.tuned_bytes,
            base_bytes=export.base_bytes,
            at=export.at,
            adapter=export.adapter_words,
        )
        for run in runs(workspace)
        for export in artifacts(workspace, run.id)
    ]
    return sorted(found, key=lambda choice: choice.at, reverse=True)


def preferred(workspace: Workspace, found: list[Choice]) -> Choice | None:
    """Return the pair that the chat opens with: the one it was left with, or a newer one."""
    if not found:
        return None
    store = workspace.store
    if store.get_meta(_NEWEST_THEN) == found[0].key:
        last = store.get_meta(_LAST_PAIR)
        return next((choice for choice in found if choice.key == last), found[0])
    return found[0]


def remember(workspace: Workspace, choice: Choice, found: list[Choice]) -> None:
    """Keep which pair was loaded, for :func:`preferred`."""
    workspace.store.set_meta(_LAST_PAIR, choice.key)
    workspace.store.set_meta(_NEWEST_THEN, found[0].key if found else "")


class PairHolder:
    """Keeps at most one pair loaded; its calls block, so they belong off the loop.

    Two loads never overlap, and a load that was overtaken, by another choice or by leaving
    the app, lets go of its workers as soon as it has them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: object = None
        self._pair: Pair | None = None

    @property
    def pair(self) -> Pair | None:
        """The pair that is loaded."""
        return self._pair

    def load(self, workspace: Workspace, choice: Choice) -> Pair | None:
        """Load a pair in place of the present one.

        Returns:
            The pair, or None where another call overtook this one.

        Raises:
            FinetuiError: It can't be loaded; none is loaded then.
        """
        from engine.evaluate.pair import Pair  # httpx takes 0.2 s; this is not the event loop

        ticket = object()
        self._wanted = ticket
        with self._lock:
            wanted = workspace, choice.run_id, choice.quant, choice.weights or None
            try:
                if (
                    self._pair is not None
                    and self._wanted is ticket
                    and self._pair.turn_to(*wanted)
                ):
                    return self._pair
            except FinetuiError:
                self._close()
                raise
            self._close()
            if self._wanted is not ticket:
                return None
            pair = Pair.open(*wanted)
            if self._wanted is not ticket:
                pair.close()
                return None
            self._pair = pair
            return pair

    def revive(self) -> tuple[str, ...]:
        """Start workers that ended again and return their sides.

        Raises:
            FinetuiError: One can't be started.
        """
        with self._lock:
            pair = self._pair
            return () if pair is None or pair.alive else tuple(pair.revive())

    def drop(self) -> None:
        """End the workers and let no load that is under way bring others."""
        self._wanted = None
        pair, self._pair = self._pair, None
        if pair is not None:
            pair.close()

    def _close(self) -> None:
        pair, self._pair = self._pair, None
        if pair is not None:
            pair.close()


def prompts_of(
    workspace: Workspace, run_id: str
) -> tuple[list[Prompt], FrozenSystem, FinetuiError | None]:
    """Return a run's prompts and its dataset's system prompt, or why they can't be read.

    The prompts that it never saw come first. Without them one can still chat.
    """
    from engine.evaluate.pair import prompts
    from engine.evaluate.system import FrozenSystem, frozen_system
    from engine.runs import find

    try:
        found = prompts(workspace, run_id)
        return found, frozen_system(find(workspace, run_id).dir, found), None
    except FinetuiError as error:
        return [], FrozenSystem(), error
