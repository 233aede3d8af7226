"""Where the stylesheets are, and how they are parsed: each once."""

from __future__ import annotations

from pathlib import Path

from textual.css.stylesheet import Stylesheet

import styles


def stylesheet(name: str) -> Path:
    """Return the path of a stylesheet by its name without ending, for ``CSS_PATH``."""
    return Path(styles.__file__).parent / f"{name}.tcss"


class KeptStylesheet(Stylesheet):
    """A stylesheet that parses a source once while the variables are the same.

    Textual parses everything again for each screen that brings a stylesheet, and for each time
    that it sets the theme's variables, also to the same values: five times until the first
    screen is shown, which is as long as the screen takes to be drawn.
    """

    def set_variables(self, variables: dict[str, str]) -> None:
        """Set the variables; what was parsed is forgotten where one of them is another."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what is new; if there is an error in it, the rules stay as they are."""
        self.parse()
