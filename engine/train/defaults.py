"""What a run is made of where nothing is said: the form and the verb ask here."""

from __future__ import annotations

from engine.bases import presets, resolve
from engine.dataset import datasets
from engine.errors import BaseMissing, DatasetMissing
from engine.workspace import Workspace


def newest_dataset(workspace: Workspace) -> str:
    """Return the name of the dataset that was frozen last.

    Raises:
        DatasetMissing: There is none.
    """
    found = datasets(workspace)
    if not found:
        raise DatasetMissing(
            "this workspace has no dataset yet", hint="make one with: finetui dataset freeze"
        )
    return max(found, key=lambda info: info.frozen_at).name


def default_base(workspace: Workspace) -> str:
    """Return the base that the settings name."""
    return workspace.settings.training.base


def default_preset(workspace: Workspace, base: str) -> str:
    """Return the preset of the settings, else the one that fits a base.

    Args:
        workspace: Whose settings count.
        base: The base, as a person names it. One that is not on this machine has the preset
            that its entry among the known bases names.

    Raises:
        BaseMissing: The base is neither on this machine nor known.
    """
    if workspace.settings.training.preset:
        return workspace.settings.training.preset
    try:
        return resolve(base).preset
    except BaseMissing:
        known = {preset.name: preset.preset for preset in presets()}
        if base not in known:
            raise
        return known[base]
