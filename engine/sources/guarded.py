"""python-frontmatter's handler for notes as people and attackers write them.

It splits where a note's frontmatter really ends, and loads what is hostile without harm; what
is wrong is kept with its line and the name of what it is.
"""

from __future__ import annotations

from typing import Any

from frontmatter.default_handlers import YAMLHandler

from engine.sources.border import split


class GuardedHandler(YAMLHandler):  # type: ignore[misc]
    """The handler of one note; it is asked once.

    Args:
        text: The note as it is in its file. ``frontmatter.parse`` strips what it splits, and
            line numbers would be lost.

    Attributes:
        parts: The note, split, with what its frontmatter says and what is wrong with it.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        # Whether a block is frontmatter shows only when it is loaded.
        self.parts = split(text, super().load)

    def split(self, text: str) -> tuple[str, str]:
        """Return the frontmatter and the body.

        Raises:
            ValueError: The note has no frontmatter, which the library takes so.
        """
        if self.parts.block is None:
            raise ValueError("no frontmatter")
        return self.parts.block, self.parts.body

    def load(self, fm: str, **kwargs: object) -> Any:
        """Return what frontmatter says."""
        return self.parts.loaded.values
