"""Titles in a pane's border."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


def set_border(pane: Widget, title: str | None = None, subtitle: str | None = None) -> None:
    """Write a pane's border; what stands there already costs nothing.

    Textual reads a title given as a string for markup, and repaints whenever one is set.

    Args:
        pane: The pane.
        title: The new title; None leaves it.
        subtitle: The new subtitle; None leaves it.
    """
    if title is not None and (pane.border_title or "") != Content(title).markup:
        pane.border_title = Content(title)
    if subtitle is not None and (pane.border_subtitle or "") != Content(subtitle).markup:
        pane.border_subtitle = Content(subtitle)
