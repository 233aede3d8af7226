"""Asking a workspace's running server for another model, as its owner: no token is needed."""

from __future__ import annotations

from dataclasses import dataclass

from engine.gateway.spec import Wanted
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A change of models that succeeded.

    Attributes:
        model: The name of the model that answers now.
        before: The one before it; empty for none.
        seconds: How long the change took.
        waited: Whether requests had to wait, since both did not fit in memory at once.
        answer: What it answered to its first question.
    """

    model: str
    before: str
    seconds: float
    waited: bool
    answer: str


def reload(workspace: Workspace, wanted: Wanted) -> Reloaded:
    """Put another model behind the running server's address, and wait until it answers.

    Blocks for as long as that takes; call it in a thread where an event loop runs.

    Raises:
        ServerMissing: No server of this workspace runs.
        ReloadBusy: Models are being changed already.
        ModelOutside: The path lies outside the folders that may be loaded from.
        FinetuiError: The new model can't be loaded, with its own code; the one before goes on.
    """
    raise NotImplementedError
