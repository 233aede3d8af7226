"""Keys of the Chat screen."""

from __future__ import annotations

from tui.actions import Action

ACTIONS: tuple[Action, ...] = ()
