"""The option that says from when on examples are near-duplicates: a level, or a similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.similarity import FLOOR, Nearness
from engine.similarity.levels import LEVELS, parse

if TYPE_CHECKING:
    _ParamType = click.ParamType[Nearness]
else:  # before click 8.2 it takes no parameter
    _ParamType = click.ParamType


class NearnessType(_ParamType):
    """A level by its name, or a similarity."""

    name = "level|similarity"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Nearness:
        """Return what was written.

        Raises:
            click.UsageError: It is neither.
        """
        found = parse(str(value))
        if found is None:
            self.fail(
                f"{value!r} is neither {' nor '.join(LEVELS)} nor a similarity from {FLOOR:g} to 1",
                param,
                ctx,
            )
        return found


NEARNESS = NearnessType()
