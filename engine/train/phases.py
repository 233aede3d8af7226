"""What a training run says it is doing, and what stopping it there leaves.

The recipe writes these words into its events; whoever offers to stop a run reads them there.
"""

from __future__ import annotations

from typing import Literal

from engine.runs import RunView
from engine.runs.view import TRAINING as TRAINING

READING = "reading the dataset"
LOADING = "loading the base"
JUDGING_BASE = "evaluating the base"
EVALUATING = "evaluating"
SAVING = "saving the adapter"

Leaves = Literal["checkpoint", "adapter", "nothing"]


def leaves_when_stopped(view: RunView) -> Leaves:
    """Say what stopping a run now saves.

    A run that trains ends its step and saves a checkpoint; one that has not begun to train has
    nothing to save; one that saves its adapter ends that first.

    Args:
        view: The run as it is now.
    """
    if view.phase in (TRAINING, EVALUATING):
        return "checkpoint"
    return "adapter" if view.phase == SAVING else "nothing"
