"""Opening a workspace that somebody else made: the app asks before anything of it is used."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.trust import IGNORE, ignored
from engine.workspace import Workspace
from tui.host import Host

if TYPE_CHECKING:
    from tui.screens.modals.trust import TrustAnswer

OPEN_AGAIN = -1
"""The app's result when it is to be opened anew, with what the person trusts now."""


def needs_trust(workspace: Workspace) -> bool:
    """Say whether a workspace names what would be run, loaded or reached and isn't trusted."""
    return bool(workspace.withheld) and not ignored()


def ask_for_trust(app: Host, then: Callable[[str], object]) -> None:
    """Ask whether the workspace is trusted.

    Args:
        app: The app, opened without what the workspace names.
        then: Called with what to say where the person goes on without it, which lasts until
            the app ends.
    """
    from tui.screens.modals.trust import TrustDialog  # few openings need it

    def answered(answer: TrustAnswer) -> None:
        if answer == "trust":
            app.exit(OPEN_AGAIN)
        elif answer == "leave":
            app.exit(0)
        else:
            os.environ[IGNORE] = "ignore"  # children that open the workspace see it
            names = ", ".join(item.name for item in app.workspace.withheld)
            then(f"opened without the workspace's {names}")

    app.ask(TrustDialog(app.workspace), answered)
