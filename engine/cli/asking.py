"""The options of the verbs that ask questions: ``--system``, ``--no-system``, ``--weights``."""

from __future__ import annotations

import functools
from typing import Any

import click

from engine.cli.common import Command
from engine.errors import UsageError


def system_options(function: Command) -> Command:
    """Add both options; the function gets ``system``, None where neither was given.

    An empty text leaves the system prompt out, as ``--no-system`` does.
    """

    @functools.wraps(function)
    def wrapped(*, system: str | None, no_system: bool, **others: Any) -> Any:
        if no_system and system:
            raise UsageError("--system and --no-system exclude each other", hint="give one of them")
        return function(system="" if no_system else system, **others)

    wrapped = click.option(
        "--no-system", is_flag=True, help="Ask without the dataset's system prompt."
    )(wrapped)
    return click.option(
        "--system",
        default=None,
        metavar="TEXT",
        help="The system prompt (default: the one that the dataset was frozen with).",
    )(wrapped)  # type: ignore[return-value]


def weights_option(function: Command) -> Command:
    """Add ``--weights``, which arrives as ``weights``, None where it was not given."""
    return click.option(
        "--weights",
        type=click.Choice(("auto", "files", "shared")),
        default=None,
        help="Load the exported files, or the base once with the adapter over it "
        "(default: chat.weights).",
    )(function)
