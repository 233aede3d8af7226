"""What all verbs share: the options, the workspace, output, and how errors end a command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.errors import FinetuiError, UsageError
from engine.text import inert

if TYPE_CHECKING:
    from engine.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])


def common_options(function: Command) -> Command:
    """Add ``--workspace`` and ``--json``, which arrive as ``workspace`` and ``as_json``."""
    function = click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
    )(function)
    return click.option(
        "--workspace",
        "workspace",
        type=click.Path(path_type=Path),
        default=None,
        envvar="FINETUI_WORKSPACE",
        help="The workspace's folder (default: the nearest one, else your default one).",
    )(function)


def opened(workspace: Path | None) -> Workspace:
    """Open the workspace that a verb's ``--workspace`` means."""
    from engine.workspace import open_workspace  # `finetui --help` needs none

    space = open_workspace(workspace)
    if space.notice:
        click.echo(f"finetui: {inert(space.notice)}", err=True)
    return space


def print_json(value: Any) -> None:
    """Print a value as one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=True, indent=2, default=str))


def say(text: str = "") -> None:
    """Print a line for a person; foreign text in it is made inert."""
    click.echo(inert(text))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns; columns whose cells are all numbers are right-aligned."""
    cells = [[inert(str(cell)).replace("\n", " ") for cell in row] for row in rows]
    widths = [
        max(len(header), *(len(row[index]) for row in cells)) if cells else len(header)
        for index, header in enumerate(headers)
    ]
    numeric = [
        bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        for index in range(len(headers))
    ]

    def line(values: Sequence[str]) -> str:
        parts = (
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(values, widths, numeric, strict=True)
        )
        return "  ".join(parts).rstrip()

    click.echo(line(list(headers)))
    for row in cells:
        click.echo(line(row))


class Progress:
    """Progress of a step: a bar where stderr is a terminal, else a plain line now and then."""

    def __init__(self, label: str, *, quiet: bool = False, in_bytes: bool = False) -> None:
        self._label = label
        self._in_bytes = in_bytes
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._last_share = -1

    def __call__(self, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` units are done."""
        if self._quiet:
            return
        share = 100 * done // total if total else 0
        if share == self._last_share:
            return
        reached = f"{self._amount(done)} of {self._amount(total)}"
        if self._terminal:
            filled = 30 * share // 100
            bar = "█" * filled + "░" * (30 - filled)
            end = "\n" if done >= total else ""
            click.echo(f"\r{self._label} ▕{bar}▏ {reached}{end}", nl=False, err=True)
        elif share // 25 != self._last_share // 25:
            click.echo(f"{self._label}: {reached}", err=True)
        self._last_share = share

    def _amount(self, number: int) -> str:
        if not self._in_bytes:
            return f"{number:,}"
        return f"{number / 1e6:,.1f} MB" if number >= 1e5 else f"{number / 1e3:,.1f} kB"


def report(error: FinetuiError, *, as_json: bool) -> int:
    """Print a named failure where it belongs and return the exit status."""
    if as_json:
        print_json({"error": error.as_dict()})
    click.echo(f"finetui: {inert(error.message)} [{error.code}]", err=True)
    if error.hint:
        click.echo(f"  hint: {inert(error.hint)}", err=True)
    return 2 if isinstance(error, UsageError) else 1
