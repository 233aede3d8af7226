"""python-frontmatter's YAML handler for notes as people and attackers write them.

It splits where a note's frontmatter really ends, and loads what is hostile without harm; what
is wrong is kept with its line and the name of what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from frontmatter.default_handlers import YAMLHandler

from engine.sources.yamlblock import Loaded, load_block

if TYPE_CHECKING:
    from engine.sources.notes import Parts


class GuardedHandler(YAMLHandler):  # type: ignore[misc]
    """The handler of one note; it is asked once.

    Args:
        text: The note as it is in its file. ``frontmatter.parse`` strips what it splits, and
            line numbers would be lost.
        split: Splits a note.

    Attributes:
        parts: The note, split.
        loaded: What its frontmatter says, and what is wrong with it.
    """

    def __init__(self, text: str, split: Callable[[str], Parts]) -> None:
        super().__init__()
        self.parts = split(text)
        self.loaded = Loaded()

    def split(self, text: str) -> tuple[str, str]:
        """Return the frontmatter and the body.

        Raises:
            ValueError: The note has no frontmatter, which the library takes so.
        """
        if self.parts.block is None:
            raise ValueError("no frontmatter")
        return self.parts.block, self.parts.body

    def load(self, fm: str, **kwargs: object) -> Any:
        """Return what frontmatter says. Never raises, and runs nothing that it says."""
        self.loaded = load_block(fm, super().load)
        if self.parts.problem:
            self.loaded = Loaded(self.loaded.values, self.parts.problem, 1, "broken-yaml")
        return self.loaded.values
