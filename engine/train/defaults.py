"""What a run is made of where nothing is said: the form and the verb ask here."""

from __future__ import annotations

from engine.bases import resolve
from engine.bases.presets import EMBEDDED, preset_for
from engine.dataset import datasets
from engine.errors import BaseMissing, DatasetMissing
from engine.train.presets import find_preset
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


def base_and_preset(workspace: Workspace, base: str = "", preset: str = "") -> tuple[str, str]:
    """Return the base and the preset of a run, where a person named one, both or neither.

    A base that is named is taken. Without one, a preset that is named takes its own base; only
    one that goes with any base takes the settings'. The settings' preset brings its base where
    they leave the base as it is by default.

    Raises:
        UsageError: There is no such preset.
        BaseMissing: No preset is named, and the base is neither on this machine nor known.
    """
    if preset:
        found = find_preset(preset)
        return base or found.base or default_base(workspace), found.name
    if not base:
        base, chosen = default_base(workspace), workspace.settings.training.preset
        if chosen and base == EMBEDDED:
            base = find_preset(chosen).base or base
    return base, default_preset(workspace, base)


def default_preset(workspace: Workspace, base: str) -> str:
    """Return the preset of the settings, else the one that fits a base.

    Args:
        workspace: Whose settings count.
        base: The base, as a person names it. One that is not on this machine has the preset
            that its entry among the known bases names.

    Raises:
        UsageError: The settings name a preset that there isn't.
        BaseMissing: The base is neither on this machine nor known.
    """
    if workspace.settings.training.preset:
        return find_preset(workspace.settings.training.preset).name
    try:
        return resolve(base).preset
    except BaseMissing:
        known = preset_for(base)
        if known is None:
            raise
        return known.preset
