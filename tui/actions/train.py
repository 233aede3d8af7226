"""Keys of the Train screen."""

from __future__ import annotations

from tui.actions import Action

ACTIONS: tuple[Action, ...] = ()
